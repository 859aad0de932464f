// A validator for the part of JSON Schema (draft 2020-12) that our schema uses.

import ChannelProtocol
import Foundation

struct ConfigurationSchemaChecker {
  let root: JSONValue

  /// What the instance breaks, each with its path; a keyword that is not known here is one, too.
  func violations(of instance: JSONValue) -> [String] { check(instance, root, "$") }

  private func check(_ instance: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
    if let allowed = schema.boolValue { return allowed ? [] : ["\(path): not allowed"] }
    var found: [String] = []
    for (keyword, rule) in schema.objectValue ?? [:] {
      switch keyword {
      case "$schema", "title", "description", "$defs", "then": break
      case "$ref":
        let name = String(rule.stringValue?.split(separator: "/").last ?? "")
        found += check(instance, root["$defs"]?[name] ?? false, path)
      case "type":
        let types = rule.arrayValue ?? [rule]
        if !types.contains(where: { isOf(instance, $0.stringValue ?? "") }) { found.append("\(path): type") }
      case "enum":
        if rule.arrayValue?.contains(instance) != true { found.append("\(path): enum") }
      case "const":
        if rule != instance { found.append("\(path): const") }
      case "pattern":
        if let text = instance.stringValue,
          text.range(of: rule.stringValue ?? "", options: .regularExpression) == nil
        {
          found.append("\(path): pattern")
        }
      case "minimum":
        if let value = instance.numberValue, value < rule.numberValue ?? 0 { found.append("\(path): minimum") }
      case "maximum":
        if let value = instance.numberValue, value > rule.numberValue ?? 0 { found.append("\(path): maximum") }
      case "required":
        for name in rule.arrayValue ?? [] where instance.objectValue != nil && instance[name.stringValue ?? ""] == nil {
          found.append("\(path): required")
        }
      case "properties":
        for (name, value) in instance.objectValue ?? [:] {
          if let own = rule[name] { found += check(value, own, "\(path).\(name)") }
        }
      case "additionalProperties":
        for (name, value) in instance.objectValue ?? [:] where schema["properties"]?[name] == nil {
          found += check(value, rule, "\(path).\(name)")
        }
      case "items":
        for (index, value) in (instance.arrayValue ?? []).enumerated() {
          found += check(value, rule, "\(path)[\(index)]")
        }
      case "anyOf":
        if rule.arrayValue?.contains(where: { check(instance, $0, path).isEmpty }) != true {
          found.append("\(path): anyOf")
        }
      case "allOf":
        for part in rule.arrayValue ?? [] { found += check(instance, part, path) }
      case "if":
        if check(instance, rule, path).isEmpty { found += check(instance, schema["then"] ?? true, path) }
      default:
        found.append("\(path): unknown keyword \(keyword)")
      }
    }
    return found
  }

  private func isOf(_ instance: JSONValue, _ type: String) -> Bool {
    switch type {
    case "object": instance.objectValue != nil
    case "array": instance.arrayValue != nil
    case "string": instance.stringValue != nil
    case "boolean": instance.boolValue != nil
    case "integer": instance.integerValue != nil
    case "number": instance.numberValue != nil
    default: false
    }
  }
}
