// Files that are no YAML, YAML's own features, and the bounds.

import Foundation
import Testing

@testable import Gateway

@Suite("a configuration document is read within bounds, and its errors have places")
struct ConfigurationDocumentTests {
  @Test(
    "broken YAML is one error at its place",
    arguments: [
      ("accounts: [\nchannels: }", "channels.yaml:2:11: not valid YAML: "),
      ("accounts:\n\t- id: main", "channels.yaml:2:1: not valid YAML: found character that cannot start any token"),
      ("accounts: *nowhere", "channels.yaml:1:11: not valid YAML: found undefined alias"),
      ("a: 1\n---\nb: 2", "channels.yaml:2:1: not valid YAML: but found another document"),
      ("a: \"open", "channels.yaml:1:9: not valid YAML: found unexpected end of stream"),
      ("a: b: c", "channels.yaml:1:5: not valid YAML: mapping values are not allowed in this context"),
      ("server: {}\nhost: \u{1}", "channels.yaml:2:7: not valid YAML: control characters are not allowed"),
      ("", "channels.yaml:1:1: the file is empty"),
      ("# only a comment\n", "channels.yaml:1:1: the file is empty"),
      ("- a", "channels.yaml:1:1: the file must be a mapping with `accounts:`, `channels:` and so on, not a list"),
      ("hello", "channels.yaml:1:1: the file must be a mapping"),
    ])
  func syntax(yaml: String, line: String) throws {
    let lines = ConfigurationFixture.errors(yaml)
    #expect(lines.count == 1)
    #expect(try #require(lines.first).hasPrefix(line))
  }

  @Test("repeated keys are errors among the others, quoted or not, on every level")
  func repeatedKeys() {
    let yaml = """
      server: { port: x, "port": 2, 'port': 3, host: a, host: b }
      accounts: [{ id: main, accountSID: sandbox }]
      channels: []
      channels: []
      """
    #expect(
      ConfigurationFixture.errors(yaml) == [
        "channels.yaml:1:17: port must be a whole number from 0 to 65535, not \"x\"",
        "channels.yaml:1:20: key `port` is given twice (first on line 1)",
        "channels.yaml:1:31: key `port` is given twice (first on line 1)",
        "channels.yaml:1:51: key `host` is given twice (first on line 1)",
        "channels.yaml:4:1: key `channels` is given twice (first on line 3)",
      ])
  }

  @Test("a repeated key that is written with an escape is told at its place all the same")
  func escapedKey() {
    #expect(
      ConfigurationFixture.errors("\"\\x61b\": 1\nab: 2") == [
        "channels.yaml:1:1: key `ab` is given twice in this mapping"
      ])
  }

  @Test("anchors, aliases and merge keys work; a mapping's own keys win")
  func anchors() throws {
    let yaml = """
      accounts: [{ id: main, accountSID: sandbox }]
      channels:
        - &sms { id: one, type: sms, from: &numbers ["+1"], mps: 5 }
        - { <<: *sms, id: two }
        - { <<: [{ mps: 7 }, *sms], id: three, from: *numbers }
      """
    let configuration = try ConfigurationFixture.parse(yaml)
    #expect(configuration.channels.map(\.id) == ["one", "two", "three"])
    #expect(configuration.channels.map { $0.options["mps"]?.number } == [5, 5, 7])
    #expect(configuration.channels.allSatisfy { $0.options["from"]?.list?.first?.string == "+1" })
  }

  @Test("aliases of aliases do not fill the memory")
  func bomb() {
    var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      yaml += "a\(level): &a\(level) [\(aliases)]\n"
    }
    let lines = ConfigurationFixture.errors(yaml)
    #expect(lines.count == 1)
    #expect(lines.first?.hasSuffix("the file is too large once its aliases are expanded") == true)
  }

  @Test("deep nesting is refused", arguments: [40, 900, 100_000])
  func depth(levels: Int) {
    let yaml = "a: " + String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    #expect(ConfigurationFixture.errors(yaml).count == 1)
  }

  @Test("a file over a mebibyte is refused")
  func size() {
    let yaml = "# " + String(repeating: "x", count: 1_048_576)
    #expect(ConfigurationFixture.errors(yaml) == ["channels.yaml: the file is larger than 1 MiB"])
  }

  @Test("tags, complex keys and a merge of something else are told")
  func oddities() {
    let yaml = """
      ? [a, b]
      : c
      accounts: !env [{ id: main, accountSID: sandbox }]
      channels: [{ <<: x, id: a, type: sms }]
      """
    #expect(
      ConfigurationFixture.errors(yaml) == [
        "channels.yaml:1:3: a key must be a word, not a list or a mapping",
        "channels.yaml:3:11: the tag `!env` means nothing here; leave it out",
        "channels.yaml:4:18: `<<` merges a mapping or a list of mappings",
      ])
  }

  @Test("a file that is not there is named")
  func absent() {
    #expect(throws: ConfigurationError.self) {
      try GatewayConfiguration.load(
        path: "no/such/channels.yaml", environment: [:], schema: ConfigurationFixture.schema)
    }
    do throws(ConfigurationError) {
      _ = try ConfigurationDocument.read(path: "no/such/channels.yaml")
    } catch {
      #expect(error.description.hasPrefix("no/such/channels.yaml: there is no such file"))
    }
  }

  @Test("a file that is no UTF-8, a directory and a large file are named")
  func unreadable() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "configuration-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    func error(of path: String) -> String? {
      do throws(ConfigurationError) {
        _ = try ConfigurationDocument.read(path: path)
        return nil
      } catch { return error.description }
    }
    let file = directory.appending(path: "channels.yaml")
    try Data("a: 1\nb: \u{E9}\nc: ".utf8 + [0xFF, 0x0A]).write(to: file)
    #expect(error(of: file.path) == "\(file.path):3:1: this line is not UTF-8")
    try Data(repeating: 0x20, count: 1_048_577).write(to: file)
    #expect(error(of: file.path) == "\(file.path): the file is larger than 1 MiB")
    try Data("a: 1\n".utf8).write(to: file)
    #expect(error(of: file.path) == nil)
    #expect(error(of: directory.path) == "\(directory.path): this is a directory, not a file")
  }
}
