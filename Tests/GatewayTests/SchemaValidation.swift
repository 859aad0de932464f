// Holds JSON to a schema: as much of JSON Schema 2020-12 as our description uses, and no more; a word that it does not
// know is a failure, so that nothing is passed over.

import ChannelProtocol
import Foundation

@testable import Gateway

struct SchemaValidation {
  /// The whole description, for `$ref`.
  let document: JSONValue
  /// Members that no schema names are wrong: what we answer must be described.
  var isStrict = true

  private static let known: Set<String> = [
    "type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "$ref", "description",
    "examples", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems",
    "maxProperties",
  ]

  /// What is wrong, each with its path; empty: nothing.
  func problems(_ value: JSONValue, _ schema: JSONValue, at path: String = "$") -> [String] {
    if let reference = schema["$ref"]?.stringValue {
      guard let target = resolve(reference) else { return ["\(path): \(reference) leads nowhere"] }
      return problems(value, target, at: path)
    }
    guard let members = schema.objectValue else { return ["\(path): the schema is no object"] }
    let unknown = Set(members.keys).subtracting(Self.known)
    if !unknown.isEmpty { return ["\(path): the schema says \(unknown.sorted())"] }
    if let choices = schema["anyOf"]?.arrayValue {
      let all = choices.map { problems(value, $0, at: path) }
      return all.contains { $0.isEmpty } ? [] : all.flatMap { $0 }
    }
    if let words = schema["enum"]?.arrayValue, !words.contains(value) {
      return ["\(path): \(value) is none of \(words)"]
    }
    let types =
      schema["type"]?.arrayValue?.compactMap(\.stringValue) ?? (schema["type"]?.stringValue).map { [$0] } ?? []
    if !types.isEmpty, !types.contains(where: { Self.matches(value, $0) }) {
      return ["\(path): \(value) is no \(types.joined(separator: " or "))"]
    }
    switch value {
    case .object(let members): return object(members, schema, path)
    case .array(let elements):
      return
        (schema["items"].map { items in
          elements.enumerated().flatMap { problems($0.element, items, at: "\(path)[\($0.offset)]") }
        } ?? []) + bounds(elements.count, schema, "minItems", "maxItems", path)
    case .string(let text): return string(text, schema, path)
    case .integer, .number:
      let number = value.numberValue ?? 0
      let isLow = (schema["minimum"]?.numberValue).map { number < $0 } ?? false
      let isHigh = (schema["maximum"]?.numberValue).map { number > $0 } ?? false
      return isLow || isHigh ? ["\(path): \(number) is out of bounds"] : []
    case .null, .bool: return []
    }
  }

  func resolve(_ reference: String) -> JSONValue? {
    reference.dropFirst(2).split(separator: "/").reduce(document) { $0?[String($1)] }
  }

  private static func matches(_ value: JSONValue, _ type: String) -> Bool {
    switch (value, type) {
    case (.null, "null"), (.bool, "boolean"), (.integer, "integer"), (.integer, "number"), (.number, "number"),
      (.string, "string"), (.array, "array"), (.object, "object"):
      true
    default: false
    }
  }

  private func object(_ members: [String: JSONValue], _ schema: JSONValue, _ path: String) -> [String] {
    let properties = schema["properties"]?.objectValue
    var found: [String] = []
    for name in schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [] where members[name] == nil {
      found.append("\(path).\(name) is missing")
    }
    for (name, member) in members {
      if let property = properties?[name] {
        found += problems(member, property, at: "\(path).\(name)")
      } else if let more = schema["additionalProperties"], more.objectValue != nil {
        found += problems(member, more, at: "\(path).\(name)")
      } else if schema["additionalProperties"] == false || (isStrict && properties != nil) {
        found.append("\(path).\(name) is not described")
      }
    }
    return found
  }

  private func string(_ text: String, _ schema: JSONValue, _ path: String) -> [String] {
    var found = bounds(text.unicodeScalars.count, schema, "minLength", "maxLength", path)
    switch schema["format"]?.stringValue {
    case "uuid" where Identifier(text) == nil: found.append("\(path): \(text) is no UUID")
    case "date-time" where Timestamp(rfc3339: text) == nil: found.append("\(path): \(text) is no time")
    default: break
    }
    if let pattern = schema["pattern"]?.stringValue, text.range(of: pattern, options: .regularExpression) == nil {
      found.append("\(path): \(text) is not of \(pattern)")
    }
    return found
  }

  private func bounds(_ count: Int, _ schema: JSONValue, _ low: String, _ high: String, _ path: String) -> [String] {
    let isLow = (schema[low]?.integerValue).map { count < $0 } ?? false
    let isHigh = (schema[high]?.integerValue).map { count > $0 } ?? false
    return isLow || isHigh ? ["\(path): \(count) is out of bounds"] : []
  }
}
