// Reads query parameters and JSON bodies strictly: what is unknown or wrong is named, all of it at once.

import ChannelProtocol
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Storage

/// A request's query, each parameter read once by name; what nobody read is an error.
struct QueryReader {
  /// What a parameter says; once it is read, in the one spelling that all that mean the same have.
  private var values: [String: String] = [:]
  private var addresses: [String: String] = [:]
  private var unread: Set<String> = []
  private(set) var errors: [Problem.FieldError] = []
  private let path: String

  init(_ request: Request) { self.init(path: request.uri.path, query: request.uri.query ?? "") }

  init(path: String, query: String) {
    self.path = path
    for pair in FormQuery.pairs(query) {
      if values.updateValue(pair.value, forKey: pair.name) != nil {
        errors.append(.init(field: pair.name, message: "is given twice"))
      }
      addresses[pair.name] = pair.withTypedPlus
      unread.insert(pair.name)
    }
  }

  mutating func string(_ name: String, maximum: Int = 200) -> String? {
    unread.remove(name)
    guard let value = values[name] else { return nil }
    if value.isEmpty { return fail(name, "must not be empty") }
    if value.unicodeScalars.count > maximum { return fail(name, "may have \(maximum) characters at most") }
    if value.utf8.contains(0) { return fail(name, "must not contain NUL") }
    return value
  }

  /// An address, or what else may be looked for.
  mutating func address(_ name: String) -> String? {
    if let address = addresses[name] { values[name] = address }
    return string(name)
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = string(name) else { return nil }
    guard let value = Int(text), range.contains(value) else {
      return fail(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  mutating func boolean(_ name: String) -> Bool? {
    switch string(name) {
    case nil: nil
    case "true": true
    case "false": false
    default: fail(name, "must be true or false")
    }
  }

  mutating func identifier(_ name: String) -> Identifier? {
    guard let text = string(name) else { return nil }
    guard let identifier = Identifier(text) else { return fail(name, "must be a UUID") }
    values[name] = identifier.description
    return identifier
  }

  mutating func timestamp(_ name: String) -> Timestamp? {
    guard let text = string(name)?.withTypedOffset else { return nil }
    values[name] = text
    return Timestamp(rfc3339: text)
      ?? fail(name, "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z")
  }

  /// A word out of a fixed set.
  mutating func choice<Value: RawRepresentable & CaseIterable>(_ name: String, _: Value.Type) -> Value?
  where Value.RawValue == String {
    guard let text = string(name) else { return nil }
    return Value(rawValue: text) ?? fail(name, Self.choices(Value.self))
  }

  /// Several words out of a fixed set, by comma.
  mutating func choices<Value: RawRepresentable & CaseIterable>(_ name: String, _: Value.Type) -> [Value]
  where Value.RawValue == String {
    guard let text = string(name, maximum: 1_000) else { return [] }
    return text.split(separator: ",", omittingEmptySubsequences: false).compactMap { word in
      Value(rawValue: String(word)) ?? fail(name, Self.choices(Value.self))
    }
  }

  /// The page that is asked for, of the list that all the other parameters, which have been read, describe.
  mutating func page(_ seal: CursorSeal) -> ListPage {
    let list = ListIdentity(path: path, filters: values.filter { !["limit", "cursor"].contains($0.key) })
    var request = PageRequest(limit: integer("limit", in: 1...200) ?? 50)
    if let text = string("cursor") {
      request.cursor =
        seal.open(text, of: list) ?? fail("cursor", "is not one of our cursors for this list and these filters")
    }
    return ListPage(request: request, list: list, seal: seal)
  }

  /// - Throws: ``Problem`` where anything was wrong or unknown.
  mutating func finish() throws(Problem) {
    errors += unread.sorted().map { .init(field: $0, message: "is not a parameter of this request") }
    if !errors.isEmpty { throw .invalid(errors) }
  }

  mutating func refuse(_ name: String, _ message: String) { errors.append(.init(field: name, message: message)) }

  mutating func fail<Value>(_ name: String, _ message: String) -> Value? {
    refuse(name, message)
    return nil
  }

  private static func choices<Value: RawRepresentable & CaseIterable>(_: Value.Type) -> String
  where Value.RawValue == String {
    "must be one of " + Value.allCases.map(\.rawValue).joined(separator: ", ")
  }
}

/// A JSON object, each member read once by name; what nobody read is an error.
struct BodyReader {
  private let members: [String: JSONValue]
  private var unread: Set<String>
  private let path: String
  var errors: [Problem.FieldError] = []

  init(_ members: [String: JSONValue], path: String = "") {
    self.members = members
    self.path = path
    unread = Set(members.keys)
  }

  /// A member; `null` counts as left out.
  mutating func value(_ name: String) -> JSONValue? {
    unread.remove(name)
    // Not with `flatMap`: a `nil` in it would be read as the JSON value null.
    guard let value = members[name], !value.isNull else { return nil }
    return value
  }

  /// Whether a member is there and says `null`: where a change may take something away.
  func isNull(_ name: String) -> Bool { members[name]?.isNull ?? false }

  mutating func number(_ name: String, in range: ClosedRange<Double>) -> Double? {
    guard let value = value(name) else { return nil }
    guard let number = value.numberValue, range.contains(number) else {
      return fail(name, "must be a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  mutating func string(_ name: String, maximum: Int = 10_000) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.stringValue else { return fail(name, "must be a string") }
    guard text.unicodeScalars.count <= maximum else { return fail(name, "may have \(maximum) characters at most") }
    guard !text.utf8.contains(0) else { return fail(name, "must not contain NUL") }
    return text
  }

  mutating func required(_ name: String, maximum: Int = 10_000) -> String {
    guard members[name].map({ !$0.isNull }) ?? false else {
      unread.remove(name)
      return fail(name, "is required") ?? ""
    }
    guard let text = string(name, maximum: maximum) else { return "" }
    return text.isBlank ? fail(name, "must not be empty") ?? "" : text
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = value(name) else { return nil }
    guard let number = value.integerValue, let integer = Int(exactly: number), range.contains(integer) else {
      return fail(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  mutating func boolean(_ name: String) -> Bool? {
    guard let value = value(name) else { return nil }
    return value.boolValue ?? fail(name, "must be true or false")
  }

  mutating func strings(_ name: String, maximum: Int) -> [String]? {
    guard let value = value(name) else { return nil }
    guard let elements = value.arrayValue else { return fail(name, "must be an array of strings") }
    guard elements.count <= maximum else { return fail(name, "may have \(maximum) elements at most") }
    var strings: [String] = []
    for (index, element) in elements.enumerated() {
      guard let text = element.stringValue, !text.isBlank, !text.utf8.contains(0) else {
        _ = fail("\(name)[\(index)]", "must be a string that is not empty") as Bool?
        continue
      }
      strings.append(text)
    }
    return strings
  }

  /// An object of strings, within a number of keys and of bytes in all.
  mutating func stringMap(_ name: String, keys: Int, bytes: Int) -> [String: String]? {
    guard let value = value(name) else { return nil }
    guard let object = value.objectValue else { return fail(name, "must be an object of strings") }
    guard object.count <= keys else { return fail(name, "may have \(keys) keys at most") }
    var map: [String: String] = [:]
    for (key, value) in object {
      guard let text = value.stringValue, !text.utf8.contains(0), !key.utf8.contains(0) else {
        _ = fail("\(name).\(key)", "must be a string") as Bool?
        continue
      }
      map[key] = text
    }
    let size = map.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    return size <= bytes ? map : fail(name, "may have \(bytes) bytes at most")
  }

  mutating func identifier(_ name: String) -> Identifier? {
    guard let text = string(name) else { return nil }
    return Identifier(text) ?? fail(name, "must be a UUID")
  }

  mutating func timestamp(_ name: String) -> Timestamp? {
    guard let text = string(name) else { return nil }
    return Timestamp(rfc3339: text) ?? fail(name, "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z")
  }

  /// - Throws: ``Problem`` where anything was wrong or unknown.
  mutating func finish() throws(Problem) {
    errors += unread.sorted().map { .init(field: path + $0, message: "is not a field of this request") }
    if !errors.isEmpty { throw .invalid(errors) }
  }

  mutating func fail<Value>(_ name: String, _ message: String) -> Value? {
    errors.append(.init(field: path + name, message: message))
    return nil
  }

  // MARK: From bytes

  static let maximumBytes = 1 << 20

  /// - Parameter limit: bytes, at most.
  /// - Throws: ``Problem``: 400 malformed, 413 too large, 415 not JSON, 422 no object.
  static func read(_ request: Request, limit: Int = maximumBytes) async throws -> BodyReader {
    var request = request
    try JSONBody.checkType(request.headers)
    return try parse(try await JSONBody.bytes(&request, limit: limit))
  }

  static func parse(_ bytes: [UInt8]) throws(Problem) -> BodyReader { BodyReader(try JSONBody.members(bytes)) }
}

extension String {
  /// Nothing but white space, or nothing at all: it is shown as nothing.
  var isBlank: Bool { unicodeScalars.allSatisfy(\.properties.isWhitespace) }
}
