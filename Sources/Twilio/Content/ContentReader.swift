// Reads the members of a JSON object of the Content API, and notes everything that is wrong with them.

import ChannelProtocol

/// One object: each member is asked for by name, then `finish` names what nobody asked for.
struct ContentReader {
  private let members: [String: JSONValue]
  private let path: String
  private let isObject: Bool
  private var known: Set<String> = []
  private(set) var faults: [InteractiveFaults.Fault] = []

  /// - Parameter path: where the object stands, below `content`.
  init(_ value: JSONValue, path: String) {
    self.path = path
    members = value.objectValue ?? [:]
    isObject = value.objectValue != nil
    if !isObject { faults.append(.init(path: path, message: "must be an object")) }
  }

  mutating func fault(_ name: String?, _ message: String) {
    faults.append(.init(path: name.map { "\(path).\($0)" } ?? path, message: message))
  }

  mutating func take(_ faults: [InteractiveFaults.Fault]) { self.faults += faults }

  /// Null is as good as absent.
  private mutating func value(_ name: String) -> JSONValue? {
    known.insert(name)
    return members[name].flatMap { $0.isNull ? nil : $0 }
  }

  /// - Parameter limit: Unicode scalars.
  @discardableResult
  mutating func text(_ name: String, limit: Int, required: Bool = false) -> String? {
    guard let value = value(name) else {
      if required, isObject { fault(name, "is required") }
      return nil
    }
    guard let text = value.stringValue else {
      fault(name, "must be a string")
      return nil
    }
    if text.allSatisfy(\.isWhitespace) {
      fault(name, "must not be empty")
    } else if text.unicodeScalars.count > limit {
      fault(name, "may have \(limit) characters at most")
    } else if text.contains("{{"), text.contains("}}") {
      fault(name, "holds a gap: what has variables is a template, and sent with contentSid")
    }
    return text
  }

  mutating func url(_ name: String, required: Bool = false) {
    guard let text = text(name, limit: 2_000, required: required) else { return }
    if !Self.isURL(text) { fault(name, "must be an http or https URL") }
  }

  mutating func phone(_ name: String) {
    guard let text = text(name, limit: 20, required: true) else { return }
    let isNumber = text.first == "+" && (8...16).contains(text.utf8.count) && text.dropFirst().allSatisfy(\.isNumber)
    if !isNumber { fault(name, "must be a phone number in E.164, such as +14155550123") }
  }

  /// The URLs of files.
  mutating func media(_ name: String, limit: Int) -> Int {
    let files = list(name, 1...limit, required: false) ?? []
    for (index, file) in files.enumerated() where !(file.stringValue.map(Self.isURL) ?? false) {
      fault("\(name)[\(index)]", "must be an http or https URL")
    }
    return files.count
  }

  mutating func list(_ name: String, _ count: ClosedRange<Int>, required: Bool = true) -> [JSONValue]? {
    guard let value = value(name) else {
      if required, isObject { fault(name, "is required") }
      return nil
    }
    guard let elements = value.arrayValue else {
      fault(name, "must be a list")
      return nil
    }
    if !count.contains(elements.count) {
      fault(name, "must have \(count.lowerBound) to \(count.upperBound) entries")
    }
    return elements
  }

  /// One of a set of words, in capitals as Twilio has them.
  mutating func word(_ name: String, of words: [String], default word: String? = nil) -> String? {
    guard let value = value(name) else {
      if word == nil, isObject { fault(name, "is required: \(words.joined(separator: ", "))") }
      return word
    }
    guard let text = value.stringValue, words.contains(text) else {
      fault(name, "must be one of \(words.joined(separator: ", "))")
      return nil
    }
    return text
  }

  /// Everything that is wrong, unknown members by name.
  mutating func finish() -> [InteractiveFaults.Fault] {
    for name in members.keys.sorted() where !known.contains(name) { fault(name, "is unknown") }
    return faults
  }

  private static func isURL(_ text: String) -> Bool {
    guard let parts = SplitURL(text), !parts.host.isEmpty else { return false }
    return ["http", "https"].contains(parts.scheme.lowercased()) && !text.contains(where: \.isWhitespace)
  }
}
