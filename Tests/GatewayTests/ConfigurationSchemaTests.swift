// The JSON Schema says the same as the checks.

import ChannelProtocol
import Foundation
import Testing
import Yams

@testable import Gateway

@Suite("the JSON Schema accepts what the gateway accepts")
struct ConfigurationSchemaTests {
  let schema = ConfigurationFixture.schema.jsonSchema()

  /// The file's values as YAML types them, variables not expanded: what an editor sees.
  static func json(_ yaml: String) throws -> JSONValue {
    func convert(_ value: Any) throws -> JSONValue {
      switch value {
      case let value as Bool: .bool(value)
      case let value as Int: .integer(Int64(value))
      case let value as Double: .number(value)
      case let value as String: .string(value)
      case let value as [Any]: .array(try value.map(convert))
      case let value as [String: Any]: .object(try value.mapValues(convert))
      default: throw ConfigurationProblem("not JSON: \(type(of: value))")
      }
    }
    return try convert(try #require(try Yams.load(yaml: yaml)))
  }

  func violations(_ yaml: String) throws -> [String] {
    ConfigurationSchemaChecker(root: schema).violations(of: try Self.json(yaml))
  }

  @Test("the shipped file is valid")
  func shipped() throws {
    let text = try ConfigurationDocument.read(path: ConfigurationShippedFileTests.path)
    #expect(try violations(text) == [])
  }

  @Test("a file with every key is valid")
  func full() throws {
    #expect(try violations(ConfigurationResultTests.full) == [])
  }

  @Test(
    "what the checks refuse by shape, the schema refuses",
    arguments: [
      "channels: []",
      "accounts: []\nchannels: {}",
      "accounts: []\nchannels: []\nsevrer: {}",
      "accounts: []\nchannels: []\nserver: { port: 70000 }",
      "accounts: []\nchannels: []\nserver: { port: abc }",
      "accounts: []\nchannels: []\nmedia: { store: tape }",
      "accounts: []\nchannels: []\nretention: { events: 5 }",
      "accounts: []\nchannels: []\nsinks: [{ type: kafka }]",
      "accounts: []\nchannels: []\nsinks: [{ type: log, retry: [5s] }]",
      "accounts: []\nchannels: [{ id: a }]",
      "accounts: []\nchannels: [{ id: a, type: sms, form: ['+1'] }]",
      "accounts: []\nchannels: [{ id: a, type: sms, from: '+1' }]",
      "accounts: []\nchannels: [{ id: a, type: whatsapp }]",
      "accounts: []\nchannels: [{ id: a, type: whatsapp, from: ['+1'], window: { policy: maybe } }]",
      "accounts: [{ id: a }]\nchannels: []",
      "accounts: [{ id: a, accountSID: sandbox, sharedKeys: { a: [] } }]\nchannels: []",
    ])
  func refused(yaml: String) throws {
    #expect(try !violations(yaml).isEmpty)
    #expect(!ConfigurationFixture.errors(yaml).isEmpty)
  }

  @Test("variables and unquoted numbers are valid in it")
  func variables() throws {
    let yaml = """
      accounts: []
      channels: [{ id: a, type: sms, from: [+15005550006], mps: "${MPS}", optOut: { refuse: "${R:-true}" } }]
      retention: { events: "${DAYS:-30}d" }
      """
    #expect(try violations(yaml) == [])
  }

  @Test("each type of channel and sink is a variant with its keys")
  func variants() throws {
    for (section, types) in [
      ("channels", ConfigurationFixture.schema.channelTypes), ("sinks", ConfigurationFixture.schema.sinkTypes),
    ] {
      let items = try #require(schema["properties"]?[section]?["items"])
      #expect(items["properties"]?["type"]?["enum"] == .array(types.keys.sorted().map { .string($0) }))
      let variants = try #require(items["allOf"]?.arrayValue)
      #expect(variants.count == types.count)
      for variant in variants {
        let name = try #require(variant["if"]?["properties"]?["type"]?["const"]?.stringValue)
        let properties = try #require(variant["then"]?["properties"]?.objectValue)
        for key in try #require(types[name]) {
          #expect(properties[key.name]?["description"] == .string(key.summary))
        }
      }
    }
  }

  @Test("its text is JSON and says which draft it is")
  func text() throws {
    let text = try ConfigurationFixture.schema.jsonSchemaText()
    let decoded = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    #expect(decoded["$schema"] == "https://json-schema.org/draft/2020-12/schema")
    #expect(decoded["properties"]?["server"] == schema["properties"]?["server"])
  }

  @Test("a gateway without sinks has a schema all the same")
  func noTypes() throws {
    let schema = ConfigurationSchema(channelTypes: [:], sinkTypes: [:]).jsonSchema()
    #expect(schema["properties"]?["sinks"]?["items"]?["allOf"] == nil)
    let checker = ConfigurationSchemaChecker(root: schema)
    #expect(checker.violations(of: ["accounts": [], "channels": [], "sinks": []]) == [])
  }
}
