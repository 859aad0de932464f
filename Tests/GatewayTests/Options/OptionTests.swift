// Every option of every adapter and of the accounts: what is wrong with it is said with its line and column.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("Wrong options")
struct OptionTests {
  /// One option of one owner.
  struct Option: Sendable, CustomStringConvertible {
    var owner: OptionOwner
    var path: [String]
    var kind: ConfigurationKey.Kind
    /// The names beside it.
    var siblings: [String]

    var description: String { "\(owner): \(path.joined(separator: "."))" }
  }

  private static func options(_ owner: OptionOwner, _ keys: [ConfigurationKey]) -> [Option] {
    keys.flatMap { key in
      key.paths.compactMap { path in
        key.kind(at: path.dropFirst()).map { kind in
          Option(owner: owner, path: path, kind: kind, siblings: siblings(of: path, keys))
        }
      }
    }
  }

  private static func siblings(of path: [String], _ keys: [ConfigurationKey]) -> [String] {
    guard path.count > 1 else { return keys.map(\.name) }
    let above = keys.first { $0.name == path[0] }?.kind(at: path.dropFirst().dropLast())
    if case .object(let keys) = above { return keys.map(\.name) }
    return []
  }

  /// From the descriptions that the gateway itself checks with, and makes the JSON Schema of.
  private static let all: [Option] =
    options(.account, ConfigurationSchema.accountKeys)
    + OptionFile.parts.schema.channelTypes.sorted { $0.key < $1.key }.flatMap { type, keys in
      options(.channel(type), ConfigurationSchema.channelKeys + keys)
    }

  @Test("there is a case for every option that can be written")
  func nothingForgotten() {
    #expect(Set(Self.all.map(\.owner)).count == 6)
    for option in Self.all {
      #expect(!OptionCase.of(option.owner, option.path).isEmpty, "\(option) has no case in OptionCases.swift")
    }
    let known = Set(Self.all.map { $0.path.joined(separator: ".") })
    for name in OptionCase.shared.keys { #expect(known.contains(name), "\(name) is no option any more") }
    let owned = Set(Self.all.map { "\($0.owner).\($0.path.joined(separator: "."))" })
    for name in OptionCase.particular.keys { #expect(owned.contains(name), "\(name) is no option any more") }
  }

  @Test("the file is right but for the option", arguments: ["sms", "mms", "whatsapp", "rcs", "messenger"])
  func base(type: String) {
    #expect(OptionFile(.channel(type), ["account"], "main").errors() == [])
    #expect(OptionFile(.account, ["edge"], "dublin").errors() == [])
  }

  @Test("each wrong value is refused at its place, with words", arguments: all)
  func values(option: Option) {
    for wrong in OptionCase.of(option.owner, option.path) {
      let file = OptionFile(option.owner, option.path, wrong.text)
      let place =
        switch wrong.place {
        case .key: file.key
        case .value: file.value
        case .item: SourcePosition(line: file.value.line, column: file.value.column + 1)
        case .entry: file.entry
        }
      let expected = "channels.yaml:\(place.line):\(place.column): \(wrong.message)"
      #expect(file.errors() == [expected], "\(option): \(wrong.text)")
    }
  }

  @Test("a misspelt one is refused at its place, with the right word", arguments: all.filter { !$0.siblings.isEmpty })
  func names(option: Option) throws {
    let name = try #require(option.path.last)
    let file = OptionFile(option.owner, option.path.dropLast() + [name + "x"], "a")
    let place = "channels.yaml:\(file.key.line):\(file.key.column): "
    // A key that is required is missing as well then.
    #expect(file.errors().contains { $0 == place + "unknown key `\(name)x`; did you mean `\(name)`?" }, "\(option)")
  }

  @Test("a variable that is not set is named at its place", arguments: all)
  func variables(option: Option) {
    let text: String
    var offset = 0
    switch option.kind {
    case .object, .dictionary, .list(.object): return
    case .list:
      text = "[\"${UNSET_HERE}\"]"
      offset = 1
    default: text = "\"${UNSET_HERE}\""
    }
    let file = OptionFile(option.owner, option.path, text)
    let expected =
      "channels.yaml:\(file.value.line):\(file.value.column + offset): variable UNSET_HERE is not set and has no default"
    // What is not there may be missed by something else as well.
    #expect(file.errors().contains(expected), "\(option): \(file.errors())")
  }
}
