// What a person reads about a wrong file, to the letter.

import Testing

@testable import Gateway

@Suite("what is wrong with channels.yaml is said at its place and with a suggestion")
struct ConfigurationMessagesTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var yaml: String
    var lines: [String]
    var testDescription: String { yaml }
    init(_ yaml: String, _ lines: String...) {
      self.yaml = yaml
      self.lines = lines
    }
  }

  @Test(
    "one error on line 3",
    arguments: [
      Case("server: { port: abc }", "3:17: port must be a whole number from 0 to 65535, not \"abc\""),
      Case("server: { port: 65536 }", "3:17: port must be a whole number from 0 to 65535, not \"65536\""),
      Case("server: { port: 3000.5 }", "3:17: port must be a whole number from 0 to 65535, not \"3000.5\""),
      Case("server: { port: [1] }", "3:17: port must be a whole number from 0 to 65535, not a list"),
      Case("server: { prot: 1 }", "3:11: unknown key `prot`; did you mean `port`?"),
      Case("server: { public_url: x }", "3:11: unknown key `public_url`; did you mean `publicURL`?"),
      Case(
        "server: { zzz: 1 }",
        "3:11: unknown key `zzz`; the keys here are `host`, `port`, `publicURL`, `cors`, `trustedProxies`"),
      Case("server: 3000", "3:9: server must be a mapping, not a single value"),
      Case(
        "server: { publicURL: sms.example.com }",
        "3:22: publicURL must be an http or https URL such as https://sms.example.com, not \"sms.example.com\""),
      Case(
        "server: { publicURL: 'https://me:pw@example.com' }",
        "3:22: publicURL must be an http or https URL such as https://sms.example.com"),
      Case("sink: []", "3:1: unknown key `sink`; did you mean `sinks`?"),
      Case("database: { url: mysql://me:pw@host/db }", "3:18: url must be a postgres:// URL, or `embedded`"),
      Case(
        "limits: { requestsPerSecond: -1 }",
        "3:30: requestsPerSecond must be a number from 0 to 1000000, not \"-1\""),
      Case(
        "limits: { requestsPerSecond: 0x10 }",
        "3:30: requestsPerSecond must be a number from 0 to 1000000, not \"0x10\""),
      Case(
        "media: { store: databse }",
        "3:17: store must be one of `database`, `disk`, `none`, not \"databse\"; did you mean `database`?"),
      Case("media: { maxSize: 0 }", "3:19: maxSize must be a whole number from 1 to 16777216, not \"0\""),
      Case("media: { types: [png] }", "3:18: types must be media types such as image/png or image/*"),
      Case(
        "retention: { events: 30 }",
        "3:22: events must be a duration such as `500ms`, `5s`, `30m`, `2h` or `7d`, not \"30\";"
          + " add a unit, such as `30s`"),
      Case("retention: { events: 0s }", "3:22: events must be longer than 0"),
      Case("sinks: { type: log }", "3:8: sinks must be a list, not a mapping"),
      Case("sinks: [log]", "3:9: sinks[0] must be a mapping, not a single value"),
      Case("sinks: [{ id: log }]", "3:9: key `type` is missing"),
      Case(
        "sinks: [{ type: websockets }]",
        "3:17: unknown sink type `websockets`; did you mean `websocket`? (there are `log`, `webhook`, `websocket`)"),
      Case(
        "sinks: [{ type: kafka, topic: x }]",
        "3:17: unknown sink type `kafka` (there are `log`, `webhook`, `websocket`)"),
      Case(
        "sinks: [{ type: log }, { type: log }]",
        "3:32: sink id `log` is used twice (first on line 3); give one of them an `id`"),
      Case(
        "sinks: [{ type: webhook, retry: 5s }]",
        "3:33: retry must be a list, not a single value; put it in [brackets]"),
      Case(
        "sinks: [{ type: webhook, retry: [5s, soon] }]",
        "3:38: retry[1] must be a duration such as `500ms`, `5s`, `30m`, `2h` or `7d`, not \"soon\""),
      Case("sinks: [{ type: webhook, headers: [a] }]", "3:35: headers must be a mapping, not a list"),
      Case(
        "sinks: [{ type: webhook, headers: { X-Key: { a: b } } }]",
        "3:44: headers.X-Key must be a text, not a mapping"),
      Case(
        "server: { port: ${PORT }",
        "3:18: not valid YAML: did not find expected ',' or '}'"
          + " while parsing a flow mapping that starts on line 3; a value with `${…}` inside { } or [ ] needs quotes"),
    ])
  func one(_ entry: Case) {
    let expected = entry.lines.map { "channels.yaml:\($0)" }
    #expect(ConfigurationFixture.errors(after: entry.yaml) == expected)
  }

  @Test(
    "one error in a channel",
    arguments: [
      Case("{ id: sms, type: sms, form: ['+1'] }", "4:25: unknown key `form`; did you mean `from`?"),
      Case("{ id: sms, type: sms, from: '+1' }", "4:31: from must be a list, not a single value; put it in [brackets]"),
      Case(
        "{ id: sms, type: sns, form: ['+1'] }",
        "4:20: unknown channel type `sns`; did you mean `sms`? (there are `mms`, `sms`, `whatsapp`)"),
      Case("{ id: sms, from: ['+1'] }", "4:3: key `type` is missing"),
      Case("{ type: sms }", "4:3: key `id` is missing"),
      Case("{ id: '', type: sms }", "4:9: id must not be empty"),
      Case("{ id: a b, type: sms }", "4:9: channel id `a b` must be of letters, digits, `-`, `_` and `.`, at most 64"),
      Case(
        "{ id: sms, type: sms, optOut: { refuse: yes } }",
        "4:43: optOut.refuse must be true or false, not \"yes\"; write `true`"),
      Case("{ id: sms, type: sms, optOut: true }", "4:33: optOut must be a mapping, not a single value"),
      Case("{ id: wa, type: whatsapp }", "4:3: key `from` is missing"),
      Case(
        "{ id: wa, type: whatsapp, from: [a], window: { policy: rejct } }",
        "4:58: window.policy must be one of `reject`, `template`, `hold`, not \"rejct\"; did you mean `reject`?"),
      Case("{ id: wa, type: whatsapp, from: [a], window: { template: HX } }", "4:48: key `policy` is missing"),
      Case("{ id: sms, type: sms, from: [~] }", "4:32: from[0] must be a text; nothing is written here"),
      Case("{ id: sms, type: sms, account: mian }", "4:34: account `mian` is not among accounts; did you mean `main`?"),
      Case("{ id: sms, type: sms, account: other }", "4:34: account `other` is not among accounts (`main`)"),
    ])
  func channel(_ entry: Case) {
    let yaml = "accounts:\n- { id: main, accountSID: sandbox }\nchannels:\n- \(entry.yaml)\n"
    #expect(ConfigurationFixture.errors(yaml) == entry.lines.map { "channels.yaml:\($0)" })
  }

  @Test(
    "one error in an account",
    arguments: [
      Case("{ id: main }", "3:3: key `accountSID` is missing"),
      Case("{ id: main, accountSID: AC12 }", "3:27: accountSID must be AC and 32 hexadecimal digits, or `sandbox`"),
      Case("{ id: main, provider: postbox, accountSID: account-1, authTokens: [a] }"),
      Case(
        "{ id: main, provider: postbox, accountSID: account-1 }",
        "3:3: account `main` has an accountSID but no auth token: authTokens is empty"),
      Case(
        "{ id: main, provider: postbox, accountSID: sandbox }",
        "3:46: only Twilio has a sandbox: accountSID must be the account's id"),
      Case(
        "{ id: main, provider: twilio, accountSID: account-1, authTokens: [a] }",
        "3:45: accountSID must be AC and 32 hexadecimal digits, or `sandbox`"),
      Case(
        "{ id: main, accountSID: AC0123456789abcdef0123456789abcdef }",
        "3:3: account `main` has an accountSID but no auth token: authTokens is empty"),
      Case(
        "{ id: main, accountSID: AC0123456789abcdef0123456789abcdef, authTokens: ['', \"${NONE:-}\"] }",
        "3:75: account `main` has an accountSID but no auth token: authTokens is empty"),
      Case(
        "{ id: main, accountSID: sandbox, authTokens: hunter2 }",
        "3:48: authTokens must be a list, not a single value; put it in [brackets]"),
      Case("{ id: main, accountSID: sandbox, apiKey: SK1 }", "3:36: apiKey needs its apiSecret"),
      Case("{ id: main, accountSID: sandbox, apiKey: SK1, apiSecret: '' }", "3:36: apiKey needs its apiSecret"),
      Case("{ id: main, accountSID: sandbox, apiSecret: hunter2 }", "3:36: apiSecret needs its apiKey"),
      Case(
        "{ id: main, accountSID: sandbox, baseURL: 'ftp://x' }",
        "3:45: baseURL must be an http or https URL such as https://sms.example.com, not \"ftp://x\""),
      Case(
        "{ id: main, accountSID: sandbox, token: hunter2 }", "3:36: unknown key `token`; did you mean `authTokens`?"),
    ])
  func account(_ entry: Case) {
    let yaml = "channels: []\naccounts:\n- \(entry.yaml)\n"
    #expect(ConfigurationFixture.errors(yaml) == entry.lines.map { "channels.yaml:\($0)" })
  }

  @Test("a file with many errors tells all of them at once, in the order of the file")
  func all() {
    let yaml = """
      server:
        port: abc
        prot: 1
      acounts: []
      accounts:
        - id: main
          accountSID: "${TWILIO_X}"
        - id: main
          accountSID: sandbox
          apiKey: SK1
      channels:
        - id: sms
          type: sms
          account: mian
          form: ["+1"]
        - id: sms
          type: sns
          token: "${MISSING_IN_UNKNOWN}"
        - id: mms
          id: other
          type: mms
          account: main
      sinks:
        - type: webhook
          retry: [5, 1h]
      limits:
        requestsPerSecond: lots
      """
    #expect(
      ConfigurationFixture.errors(yaml) == [
        "channels.yaml:2:9: port must be a whole number from 0 to 65535, not \"abc\"",
        "channels.yaml:3:3: unknown key `prot`; did you mean `port`?",
        "channels.yaml:4:1: unknown key `acounts`; did you mean `accounts`?",
        "channels.yaml:7:17: variable TWILIO_X is not set and has no default",
        "channels.yaml:8:9: account id `main` is used twice (first on line 6)",
        "channels.yaml:10:5: apiKey needs its apiSecret",
        "channels.yaml:14:14: account `mian` is not among accounts; did you mean `main`?",
        "channels.yaml:15:5: unknown key `form`; did you mean `from`?",
        "channels.yaml:16:5: key `account` is missing: there are several accounts",
        "channels.yaml:16:9: channel id `sms` is used twice (first on line 12)",
        "channels.yaml:17:11: unknown channel type `sns`; did you mean `sms`? (there are `mms`, `sms`, `whatsapp`)",
        "channels.yaml:18:12: variable MISSING_IN_UNKNOWN is not set and has no default",
        "channels.yaml:20:5: key `id` is given twice (first on line 19)",
        "channels.yaml:25:13: retry[0] must be a duration such as `500ms`, `5s`, `30m`, `2h` or `7d`, not \"5\";"
          + " add a unit, such as `5s`",
        "channels.yaml:27:22: requestsPerSecond must be a number from 0 to 1000000, not \"lots\"",
      ])
  }

  @Test("a secret is in no message, whatever is wrong with it")
  func secrets() {
    let yaml = """
      accounts:
        - { id: main, accountSID: hunter2, authTokens: hunter2, sharedKeys: [hunter2], apiSecret: "${TOKEN_X}" }
      channels:
        - { id: sms, type: sms, mps: "${TOKEN_X}", optOut: hunter2 }
      database: { url: hunter2 }
      server: { port: "${TOKEN_X}" }
      sinks:
        - { type: webhook, headers: { a: [hunter2] }, concurrency: "${TOKEN_X}", allow: hunter2 }
      """
    let lines = ConfigurationFixture.errors(yaml, ["TOKEN_X": "hunter2"])
    #expect(lines.count == 11)
    #expect(!lines.joined().contains("hunter2"))
    #expect(lines.contains("channels.yaml:6:17: port must be a whole number from 0 to 65535 (from TOKEN_X)"))
  }

  @Test("what is printed of a value is one line of bounded length")
  func printing() throws {
    let lines = ConfigurationFixture.errors(
      after: "server: { port: \"\\e[2J\\n\(String(repeating: "x", count: 500))\" }\n")
    let line = try #require(lines.first)
    #expect(lines.count == 1)
    #expect(line.utf8.count < 200)
    #expect(!line.contains("\u{1B}") && !line.contains("\n"))
  }

  @Test("an error's description has the lines of all problems")
  func description() {
    let error = ConfigurationError(
      file: "a.yaml",
      problems: [
        .init(position: SourcePosition(line: 10, column: 1), message: "late"),
        .init(position: SourcePosition(line: 9, column: 7), message: "early"),
        .init(position: nil, message: "whole"), .init(position: nil, message: "whole"),
      ])
    #expect(error.description == "a.yaml: whole\na.yaml:9:7: early\na.yaml:10:1: late")
  }
}
