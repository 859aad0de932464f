// The configuration's JSON Schema (draft 2020-12), for editors: from the same descriptions as the checks.

public import ChannelProtocol
import Foundation

extension ConfigurationSchema {
  /// The schema of `channels.yaml` as it stands in the file, variables not yet expanded.
  public func jsonSchema() -> JSONValue {
    var properties: [String: JSONValue] = [:]
    for section in Self.sections {
      properties[section.name] =
        switch section.name {
        case "channels": entryList(section, shared: Self.channelKeys, types: channelTypes)
        case "sinks": entryList(section, shared: Self.sinkKeys, types: sinkTypes)
        default: Self.schema(of: section)
        }
    }
    return [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "channels.yaml",
      "description": "The configuration of a Fractal messaging gateway.",
      "type": "object",
      "properties": .object(properties),
      "required": Self.required(Self.sections),
      "additionalProperties": false,
      "$defs": [
        "variable": [
          "type": "string", "pattern": #"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"#,
          "description": "A value with ${NAME} or ${NAME:-default} in it.",
        ]
      ],
    ]
  }

  /// The same as text, indented, with sorted keys.
  public func jsonSchemaText() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(jsonSchema()), as: UTF8.self) + "\n"
  }

  /// A list whose entries' other keys depend on their `type`.
  private func entryList(
    _ section: ConfigurationKey, shared: [ConfigurationKey], types: [String: [ConfigurationKey]]
  ) -> JSONValue {
    let names = types.keys.sorted()
    var properties = Self.properties(shared).objectValue ?? [:]
    properties["type"] = ["enum": .array(names.map { .string($0) }), "description": "The kind of entry."]
    let variants = names.map { name -> JSONValue in
      let keys = shared + (types[name] ?? [])
      var ownProperties = Self.properties(keys).objectValue ?? [:]
      ownProperties["type"] = ["const": .string(name)]
      return [
        "if": ["properties": ["type": ["const": .string(name)]], "required": ["type"]],
        "then": [
          "properties": .object(ownProperties), "required": Self.required(keys), "additionalProperties": false,
        ],
      ]
    }
    var items: [String: JSONValue] = [
      "type": "object", "properties": .object(properties), "required": Self.required(shared),
    ]
    // An empty `allOf` is no schema.
    if !variants.isEmpty { items["allOf"] = .array(variants) }
    return ["type": "array", "items": .object(items), "description": .string(section.summary)]
  }

  private static func properties(_ keys: [ConfigurationKey]) -> JSONValue {
    .object(Dictionary(keys.map { ($0.name, schema(of: $0)) }, uniquingKeysWith: { first, _ in first }))
  }

  private static func required(_ keys: [ConfigurationKey]) -> JSONValue {
    .array(keys.filter(\.isRequired).map { .string($0.name) })
  }

  private static func schema(of key: ConfigurationKey) -> JSONValue {
    var schema = schema(of: key.kind).objectValue ?? [:]
    schema["description"] = .string(key.summary)
    return .object(schema)
  }

  private static func schema(of kind: ConfigurationKey.Kind) -> JSONValue {
    switch kind {
    // A number without quotes is a text to us: +14155550123 is one to YAML.
    case .string: ["type": ["string", "number"]]
    case .choice(let words): orVariable(["enum": .array(words.map { .string($0) })])
    case .integer(let range):
      orVariable(bounded("integer", lower: bound(range.lowerBound), upper: bound(range.upperBound)))
    case .number(let range):
      orVariable(
        bounded(
          "number", lower: range.lowerBound.isFinite ? .number(range.lowerBound) : nil,
          upper: range.upperBound.isFinite ? .number(range.upperBound) : nil))
    case .boolean: orVariable(["type": "boolean"])
    case .duration: orVariable(["type": "string", "pattern": .string(ConfigurationDuration.pattern)])
    case .list(let element): ["type": "array", "items": schema(of: element)]
    case .object(let keys):
      [
        "type": "object", "properties": properties(keys), "required": required(keys), "additionalProperties": false,
      ]
    case .dictionary(let element): ["type": "object", "additionalProperties": schema(of: element)]
    }
  }

  private static func orVariable(_ schema: JSONValue) -> JSONValue {
    ["anyOf": [schema, ["$ref": "#/$defs/variable"]]]
  }

  private static func bound(_ value: Int) -> JSONValue? {
    value == .min || value == .max ? nil : .integer(Int64(value))
  }

  private static func bounded(_ type: String, lower: JSONValue?, upper: JSONValue?) -> JSONValue {
    var schema: [String: JSONValue] = ["type": .string(type)]
    schema["minimum"] = lower
    schema["maximum"] = upper
    return .object(schema)
  }
}
