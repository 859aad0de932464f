// What comes out of a right file, and how an entry's own type takes it on.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("a right file is a typed value")
struct ConfigurationResultTests {
  /// In the likeness of an adapter's.
  struct SMSConfiguration: ChannelConfiguration, Hashable {
    struct OptOut: Decodable, Hashable { var refuse: Bool }
    static let keys: [ConfigurationKey] = []
    var from: [String]
    var mps: Double?
    var optOut: OptOut?

    enum CodingKeys: CodingKey { case from, mps, optOut }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      from = try container.decode([String].self, forKey: .from)
      mps = try container.decodeIfPresent(Double.self, forKey: .mps)
      optOut = try container.decodeIfPresent(OptOut.self, forKey: .optOut)
      if let index = from.firstIndex(of: "") {
        throw ConfigurationProblem(path: ["from", "\(index)"], "a number must not be empty")
      }
    }
  }

  struct WebhookConfiguration: ChannelConfiguration {
    static let keys: [ConfigurationKey] = []
    var retry: [Double]
    var concurrency: Int
    var headers: [String: Secret]
  }

  static let full = """
    server: { host: 127.0.0.1, port: 0, publicURL: https://example.com/sms/ }
    database: { url: "postgres://me:hunter2@db/fractal" }
    accounts:
      - id: main
        accountSID: AC0123456789abcdef0123456789ABCDEF
        authTokens: ["", first, second]
        apiKey: SK1
        apiSecret: hunter2
        sharedKeys: { k1: hunter2, k2: "" }
        baseURL: http://127.0.0.1:9999/
      - { id: play, accountSID: sandbox }
    channels:
      - { id: sms, type: sms, account: main, from: ["+1", "+2"], mps: 1.5, optOut: { refuse: true } }
      - { id: other, type: sms, account: play, from: ["+3", ""] }
    sinks:
      - { type: log }
      - { type: webhook, id: out, retry: [500ms, 5s, 2h], concurrency: 8, headers: { X-Key: hunter2 } }
    limits: { requestsPerSecond: 2.5 }
    media: { store: disk, path: /var/media }
    retention: { events: 7d }
    """

  @Test("the limits of files arrive, types in lower case")
  func mediaLimits() throws {
    let text = Self.full.replacing("path: /var/media }", with: "path: x, maxSize: 5, types: [Image/*, text/plain] }")
    let media = try ConfigurationFixture.parse(text).media
    #expect(media.maxSize == 5 && media.types == ["image/*", "text/plain"])
  }

  @Test("every key arrives with its type")
  func everything() throws {
    let configuration = try ConfigurationFixture.parse(Self.full)
    #expect(configuration.file == "channels.yaml")
    #expect(configuration.server == .init(host: "127.0.0.1", port: 0, publicURL: "https://example.com/sms"))
    #expect(configuration.database == .url(Secret("postgres://me:hunter2@db/fractal")))
    let account = try #require(configuration.accounts.first?.account)
    #expect(
      account
        == Account(
          id: "main", accountSID: "AC0123456789abcdef0123456789ABCDEF",
          authTokens: [Secret("first"), Secret("second")],
          apiKey: "SK1", apiSecret: Secret("hunter2"), sharedKeys: ["k1": Secret("hunter2")],
          baseURL: "http://127.0.0.1:9999"))
    #expect(configuration.accounts[1].accountSID == nil)
    #expect(configuration.accounts[1].account == nil)
    #expect(configuration.channels.map(\.id) == ["sms", "other"])
    #expect(configuration.channels.map { configuration.account(of: $0)?.id } == ["main", "play"])
    #expect(configuration.sinks.map(\.id) == ["log", "out"])
    #expect(configuration.sinks.map(\.type) == ["log", "webhook"])
    #expect(configuration.limits == .init(requestsPerSecond: 2.5, burst: 5))
    #expect(configuration.media == .init(store: .disk, path: "/var/media"))
    #expect(configuration.retention == .init(events: .seconds(604_800)))
  }

  @Test("what is left out has its default")
  func defaults() throws {
    let yaml = "accounts: [{ id: main, accountSID: sandbox }]\nchannels: [{ id: a, type: sms }]"
    let configuration = try ConfigurationFixture.parse(yaml)
    #expect(configuration.server == .init(host: "0.0.0.0", port: 3_000, publicURL: nil))
    #expect(configuration.database == .embedded)
    #expect(configuration.channels[0].accountID == "main")
    #expect(configuration.sinks == [])
    #expect(configuration.limits == .init(requestsPerSecond: 100, burst: 200))
    #expect(configuration.media == .init(store: .database, path: ".fractal/media"))
    #expect(configuration.retention == .init(events: .seconds(2_592_000)))
  }

  @Test("an entry decodes as its type's configuration; durations are seconds")
  func decoding() throws {
    let configuration = try ConfigurationFixture.parse(Self.full)
    let sms = try configuration.channels[0].decode(SMSConfiguration.self)
    #expect(sms.from == ["+1", "+2"])
    #expect(sms.mps == 1.5)
    #expect(sms.optOut == .init(refuse: true))
    let webhook = try configuration.sinks[1].decode(WebhookConfiguration.self)
    #expect(webhook.retry == [0.5, 5, 7_200])
    #expect(webhook.concurrency == 8)
    #expect(webhook.headers == ["X-Key": Secret("hunter2")])
  }

  @Test("a problem that an adapter finds has its place in the file")
  func locating() throws {
    let configuration = try ConfigurationFixture.parse(Self.full)
    let channel = configuration.channels[1]
    let problem = try #require(throws: ConfigurationProblems.self) { try channel.decode(SMSConfiguration.self) }
    func place(_ problem: ConfigurationProblem) -> SourcePosition? { channel.locate(problem).position }
    #expect(
      channel.locate(problem)
        == [.init(position: SourcePosition(line: 14, column: 57), message: "a number must not be empty")])
    #expect(place(.init(path: ["from"], "")) == SourcePosition(line: 14, column: 44))
    #expect(place(.init(path: ["from", "7"], "")) == SourcePosition(line: 14, column: 44))
    #expect(place(.init(path: ["window", "policy"], "")) == SourcePosition(line: 14, column: 5))
    #expect(place(.init("")) == SourcePosition(line: 14, column: 5))
    let sms = configuration.channels[0]
    #expect(
      sms.locate(.init(path: ["optOut", "refuse"], "")).position == SourcePosition(line: 13, column: 82))
  }

  @Test("what does not decode is told without its value")
  func undecodable() throws {
    let configuration = try ConfigurationFixture.parse(Self.full)
    let missing = try #require(throws: ConfigurationProblems.self) {
      try configuration.sinks[0].decode(WebhookConfiguration.self)
    }
    #expect(missing.problems == [ConfigurationProblem("key `retry` is missing")])
    struct Other: ChannelConfiguration {
      static let keys: [ConfigurationKey] = []
      var headers: [String: Int]
    }
    let mismatch = try #require(throws: ConfigurationProblems.self) {
      try configuration.sinks[1].decode(Other.self)
    }
    #expect(mismatch.problems.map(\.path) == [["headers", "X-Key"]])
    #expect(!mismatch.problems[0].message.contains("hunter2"))
  }

  @Test("no description of the configuration has a secret in it")
  func redaction() throws {
    let configuration = try ConfigurationFixture.parse(Self.full)
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in [dumped, "\(configuration)", String(reflecting: configuration)] {
      #expect(text.contains("sms"))
      #expect(!text.contains("hunter2"))
    }
  }

  @Test("a reload sees what has changed, and that moved lines change nothing")
  func comparison() throws {
    let before = try ConfigurationFixture.parse(Self.full)
    let moved = try ConfigurationFixture.parse("# a new comment\n\n" + Self.full)
    let changed = try ConfigurationFixture.parse(Self.full.replacingOccurrences(of: "mps: 1.5", with: "mps: 2"))
    #expect(moved == before)
    #expect(moved.hashValue == before.hashValue)
    #expect(changed.channels[0] != before.channels[0])
    #expect(changed.channels[1] == before.channels[1])
  }
}
