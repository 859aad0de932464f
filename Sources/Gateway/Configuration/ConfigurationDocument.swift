// From the text of a YAML file to a positioned tree, within bounds.

import Foundation
import Yams

/// A file's text and the tree that it holds.
struct ConfigurationDocument: Sendable {
  /// The largest file that is read, in bytes.
  static let maximumSize = 1_048_576
  /// The deepest nesting, and the most nodes once aliases are expanded: an alias costs a few bytes and can stand for
  /// a whole tree of aliases.
  static let maximumDepth = 32
  static let maximumNodes = 100_000

  /// Nil where the text is no YAML, or no mapping.
  let root: ConfigurationNode?
  /// What was wrong already here; the tree, if there is one, holds the rest.
  let problems: [ConfigurationError.Located]

  init(text: String) {
    guard text.utf8.count <= Self.maximumSize else {
      self.init(problem: "the file is larger than 1 MiB", at: nil)
      return
    }
    do {
      let (node, renamed) = try RepeatedKeys.compose(text)
      guard let node else {
        self.init(problem: "the file is empty", at: SourcePosition(line: 1, column: 1))
        return
      }
      var builder = TreeBuilder(renamed: renamed)
      let root = try builder.build(node, depth: 1)
      guard case .mapping = root.content else {
        let message = "the file must be a mapping with `accounts:`, `channels:` and so on, not \(root.shape)"
        self.init(problem: message, at: root.position)
        return
      }
      self.init(root: root, problems: builder.problems)
    } catch let problem as TreeBuilder.Refusal {
      self.init(problem: problem.located.message, at: problem.located.position)
    } catch {
      let located = YAMLProblem.locate(error, in: text)
      self.init(problem: located.message, at: located.position)
    }
  }

  private init(root: ConfigurationNode?, problems: [ConfigurationError.Located]) {
    self.root = root
    self.problems = problems
  }

  private init(problem message: String, at position: SourcePosition?) {
    self.init(root: nil, problems: [.init(position: position, message: message)])
  }

  /// The file's text.
  /// - Throws: a problem that names the path, for a file that is not there, cannot be read or is no UTF-8.
  static func read(path: String) throws(ConfigurationError) -> String {
    func refuse(_ message: String, line: Int? = nil) -> ConfigurationError {
      let position = line.map { SourcePosition(line: $0, column: 1) }
      return ConfigurationError(file: path, problems: [.init(position: position, message: message)])
    }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw refuse("there is no such file; name another with --config, or start from the channels.yaml that is shipped")
    }
    guard !isDirectory.boolValue else { throw refuse("this is a directory, not a file") }
    guard let handle = FileHandle(forReadingAtPath: path) else { throw refuse("the file cannot be read") }
    defer { try? handle.close() }
    let data: Data
    do {
      data = try handle.read(upToCount: maximumSize + 1) ?? Data()
    } catch {
      throw refuse("the file cannot be read")
    }
    guard data.count <= maximumSize else { throw refuse("the file is larger than 1 MiB") }
    if let text = String(validating: data, as: UTF8.self) { return text }
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let broken = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
    throw refuse("this line is not UTF-8", line: broken + 1)
  }
}

/// Turns Yams' tree into ours: merge keys resolved, repeated keys told, bounds held.
private struct TreeBuilder {
  struct Refusal: Error { var located: ConfigurationError.Located }

  let renamed: [String: String]
  var problems: [ConfigurationError.Located] = []
  private var nodes = 0

  init(renamed: [String: String]) { self.renamed = renamed }

  mutating func build(_ node: Node, depth: Int) throws -> ConfigurationNode {
    let position = SourcePosition(node.mark)
    nodes += 1
    guard nodes <= ConfigurationDocument.maximumNodes else {
      throw Refusal(located: .init(position: position, message: "the file is too large once its aliases are expanded"))
    }
    guard depth <= ConfigurationDocument.maximumDepth else {
      throw Refusal(located: .init(position: position, message: "this is nested too deep"))
    }
    let tag = node.tag.rawValue
    if tag.hasPrefix("!"), tag != "!" {
      problems.append(.init(position: position, message: "the tag `\(tag)` means nothing here; leave it out"))
    }
    switch node {
    case .scalar(let scalar):
      return ConfigurationNode(content: .scalar(scalar.string, isQuoted: scalar.style != .plain), position: position)
    case .sequence(let sequence):
      let items = try sequence.map { try build($0, depth: depth + 1) }
      return ConfigurationNode(content: .sequence(items), position: position)
    case .mapping(let mapping):
      return ConfigurationNode(content: .mapping(try members(of: mapping, depth: depth)), position: position)
    case .alias(let alias):
      let message = "the alias `*\(alias.anchor.rawValue)` stands for nothing"
      throw Refusal(located: .init(position: position, message: message))
    }
  }

  private mutating func members(of mapping: Node.Mapping, depth: Int) throws -> [ConfigurationNode.Member] {
    var own: [ConfigurationNode.Member] = []
    var merged: [ConfigurationNode.Member] = []
    for (keyNode, valueNode) in mapping {
      let keyPosition = SourcePosition(keyNode.mark)
      guard case .scalar(let scalar) = keyNode else {
        problems.append(.init(position: keyPosition, message: "a key must be a word, not a list or a mapping"))
        continue
      }
      let value = try build(valueNode, depth: depth + 1)
      if scalar.string == "<<", scalar.style == .plain {
        merged += mergedMembers(value)
        continue
      }
      let key = renamed[scalar.string] ?? scalar.string
      if let first = own.first(where: { $0.key == key }) {
        let message = "key `\(key)` is given twice (first on line \(first.keyPosition.line))"
        problems.append(.init(position: keyPosition, message: message))
        continue
      }
      own.append(.init(key: key, keyPosition: keyPosition, value: value))
    }
    // A mapping's own keys win over merged ones, an earlier merge over a later one.
    for member in merged where !own.contains(where: { $0.key == member.key }) { own.append(member) }
    return own
  }

  private mutating func mergedMembers(_ value: ConfigurationNode) -> [ConfigurationNode.Member] {
    switch value.content {
    case .mapping(let members): return members
    case .sequence(let items) where items.allSatisfy({ $0.mapping != nil }):
      return items.flatMap { $0.mapping ?? [] }
    default:
      problems.append(.init(position: value.position, message: "`<<` merges a mapping or a list of mappings"))
      return []
    }
  }
}

extension SourcePosition {
  /// Yams' marks count from 1 as well; a node without one cannot come from a text.
  init(_ mark: Mark?) { self.init(line: mark?.line ?? 1, column: mark?.column ?? 1) }
}
