// The part of OpenAPI that Twilio's descriptions use, as a validator.

@testable import TwilioSandbox

/// An OpenAPI document.
struct OpenAPIDocument: Sendable {
  var json: JSONValue

  /// The schema of an operation's JSON answer.
  func response(_ path: String, _ method: String, _ status: Int) -> JSONValue? {
    json["paths"]?[path]?[method]?["responses"]?[String(status)]?["content"]?["application/json"]?["schema"]
  }

  /// The schema of an operation's form.
  func request(_ path: String, _ method: String) -> JSONValue? {
    json["paths"]?[path]?[method]?["requestBody"]?["content"]?["application/x-www-form-urlencoded"]?["schema"]
  }

  /// What is wrong with a value, in words; empty when it conforms. Members that the schema does not have are wrong.
  func problems(_ value: JSONValue, _ schema: JSONValue, at place: String = "$") -> [String] {
    if let reference = schema["$ref"]?.string {
      var target: JSONValue? = json
      for name in reference.dropFirst(2).split(separator: "/") { target = target?[String(name)] }
      return target.map { problems(value, $0, at: place) } ?? ["\(place): no schema \(reference)"]
    }
    if value == .null { return schema["nullable"] == .bool(true) ? [] : ["\(place): null"] }
    switch schema["type"]?.string {
    case "object": return objectProblems(value, schema, at: place)
    case "array":
      guard let elements = value.array, let items = schema["items"] else { return ["\(place): no array"] }
      return elements.enumerated().flatMap { problems($0.element, items, at: "\(place)[\($0.offset)]") }
    case "string": return stringProblems(value, schema, at: place)
    case "integer": return value.integer == nil ? ["\(place): no integer"] : []
    case "boolean": return [.bool(true), .bool(false)].contains(value) ? [] : ["\(place): no boolean"]
    default: return ["\(place): schema without a type known here"]
    }
  }

  /// What is wrong with a form, whose values are texts of the schema's types.
  func problems(form: FormFields, _ schema: JSONValue) -> [String] {
    form.fields.flatMap { field -> [String] in
      guard var property = schema["properties"]?[field.name] else { return ["\(field.name): unknown parameter"] }
      if property["type"] == .string("array"), let items = property["items"] { property = items }
      let value: JSONValue =
        switch property["type"]?.string {
        case "integer": Int(field.value).map(JSONValue.integer) ?? .string(field.value)
        case "boolean": field.value == "true" ? .bool(true) : field.value == "false" ? .bool(false) : .null
        default: .string(field.value)
        }
      return problems(value, property, at: field.name)
    }
  }

  private func objectProblems(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
    guard let members = value.members else { return ["\(place): no object"] }
    guard let properties = schema["properties"] else { return [] }
    let required = (schema["required"]?.array ?? []).compactMap(\.string)
    let missing = required.filter { value[$0] == nil }.map { "\(place).\($0): missing" }
    return missing
      + members.flatMap { member in
        properties[member.name].map { problems(member.value, $0, at: "\(place).\(member.name)") }
          ?? ["\(place).\(member.name): not in the schema"]
      }
  }

  private func stringProblems(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
    guard let text = value.string else { return ["\(place): no string"] }
    var problems: [String] = []
    if let cases = schema["enum"]?.array, !cases.contains(value) { problems.append("\(place): \(text) not allowed") }
    if let pattern = schema["pattern"]?.string {
      if let expression = try? Regex(pattern) {
        if text.wholeMatch(of: expression) == nil { problems.append("\(place): \(text) is not \(pattern)") }
      } else {
        problems.append("\(place): pattern \(pattern) cannot be read")
      }
    }
    if schema["format"] == .string("date-time-rfc-2822"),
      text.wholeMatch(of: /[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000/) == nil
    {
      problems.append("\(place): \(text) is no RFC 2822 date")
    }
    if schema["format"] == .string("date-time"), UTCTime.parse(text) == nil {
      problems.append("\(place): \(text) is no date")
    }
    return problems
  }
}
