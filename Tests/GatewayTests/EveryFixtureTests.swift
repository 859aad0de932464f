// Every payload there is, through the whole gateway: no field of any is lost to whoever asks the API.

import ChannelMessenger
import ChannelProtocol
import ChannelRCS
import ChannelSMS
import ChannelWhatsApp
import Crypto
import Foundation
import Sinks
import Testing

@testable import Gateway

@Suite("Every payload of Twilio's", .serialized, .timeLimit(.minutes(3)))
struct EveryFixtureTests {
  @Test("whatever comes in is kept whole: each field of each payload is in `raw`, and none is refused")
  func inbound() async throws {
    try await WholeGateway.runForFixtures { gateway in
      let files = try FixtureFile.all().filter { $0.kind == "inbound" }
      #expect(files.count > 50)
      for file in files {
        #expect(try await gateway.post(file, to: "/webhooks/twilio/incoming") == 200, "\(file.name)")
        let message = try await gateway.message(providerSID: file.sid)
        #expect(message["raw"] == .object(file.fields.mapValues { .string($0) }), "\(file.name)")
        #expect(message["channelType"]?.stringValue == file.channel, "\(file.name)")
        #expect(message["body"]?.stringValue == file.fields["Body"], "\(file.name)")
      }
      let read = try await gateway.call("GET", "/api/messages?direction=inbound&limit=200")
      #expect(read.json["data"]?.arrayValue?.count == files.count, "each is there once")
    }
  }

  @Test("whatever is reported is kept whole: each field in the entry of its word, and in the message's `raw`")
  func statuses() async throws {
    try await WholeGateway.runForFixtures { gateway in
      let files = try FixtureFile.all().filter { $0.kind == "status" && $0.fields["MessageStatus"] != "received" }
      #expect(files.count > 25)
      for (sid, group) in Dictionary(grouping: files, by: \.sid) {
        let id = try await gateway.outbound(like: group[0])
        for file in group {
          #expect(try await gateway.post(file, to: "/webhooks/twilio/status?message=\(id)") == 200, "\(file.name)")
        }
        let message = try await gateway.call("GET", "/api/messages/\(id)?include=raw").json
        #expect(message["providerSid"]?.stringValue == sid)
        for file in group {
          let fields = JSONValue.object(file.fields.mapValues { .string($0) })
          let entry = message["statusHistory"]?.arrayValue?.first { $0["raw"] == fields }
          #expect(entry?["providerStatus"]?.stringValue == file.word, "\(file.name)")
          let error = file.fields["ErrorCode"]
          #expect(entry?["errorCode"] == error.map { .string($0) } ?? .null, "\(file.name)")
          for (name, value) in file.fields where group.count == 1 {
            #expect(message["raw"]?[name]?.stringValue == value, "\(file.name): \(name)")
          }
        }
      }
    }
  }

  @Test("what the journal has taken is stored, though a token of before signed it; what comes now is refused")
  func replacedToken() async throws {
    let file = try FixtureFile.named("inbound_sms_basic")
    let target = "/webhooks/twilio/incoming"
    var signed = WholeGateway.signed(file, to: target)
    signed.headers = signed.headers.map { $0.0 == "X-Twilio-Signature" ? ($0.0, "by a token of before") : $0 }
    let request = signed
    try await WholeGateway.withKeptDirectory { directory in
      let place = directory + "/.fractal/journal"
      try FileManager.default.createDirectory(
        atPath: place, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
      let journal = try Journal(directory: place, maximumBytes: 1 << 20, logger: .silent)
      try await journal.append(
        JournalEntry(
          receivedAt: SystemClock().now(), method: "POST", target: target, headers: request.headers,
          body: Array(request.body.utf8)))
      await journal.close()
      try await WholeGateway.runForFixtures(in: directory) { gateway in
        _ = try await gateway.eventually("/api/messages?providerSid=\(file.sid)") {
          $0["data"]?.arrayValue?.count == 1
        }
        let now = try await WholeGateway.exchange(
          "POST", gateway.base + target, body: request.body, headers: request.headers)
        #expect(now.status == 403)
      }
    }
  }

  @Test("raw payloads need the scope manage")
  func scope() async throws {
    try await WholeGateway.runForFixtures { gateway in
      let file = try #require(try FixtureFile.all().first { $0.name == "inbound_sms_basic.json" })
      _ = try await gateway.post(file, to: "/webhooks/twilio/incoming")
      let id = try #require(try await gateway.message(providerSID: file.sid)["id"]?.stringValue)
      let made = try await gateway.call("POST", "/api/keys", json: #"{"name":"reader","scopes":["read"]}"#)
      let key = try #require(made.json["key"]?.stringValue, "\(made.text)")
      #expect(try await gateway.call("GET", "/api/messages/\(id)", key: key).status == 200)
      #expect(try await gateway.call("GET", "/api/messages/\(id)?include=raw", key: key).status == 403)
    }
  }
}

/// One payload under Tests/Fixtures.
struct FixtureFile: Sendable {
  var name: String
  var kind: String
  var channel: String
  var fields: [String: String]

  var sid: String { fields["MessageSid"] ?? fields["SmsSid"] ?? "" }
  var word: String? { fields["MessageStatus"] ?? fields["SmsStatus"] }

  static func all() throws -> [FixtureFile] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/twilio")
    func json(_ name: String) throws -> JSONValue {
      try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: folder.appending(path: name)))
    }
    return try (json("index.json")["fixtures"]?.arrayValue ?? []).map { entry in
      let name = try #require(entry["file"]?.stringValue)
      return FixtureFile(
        name: name, kind: entry["kind"]?.stringValue ?? "", channel: entry["channel"]?.stringValue ?? "",
        fields: (try json(name).objectValue ?? [:]).compactMapValues(\.stringValue))
    }
  }

  static func named(_ name: String) throws -> FixtureFile {
    try #require(try all().first { $0.name == "\(name).json" }, "\(name)")
  }
}

extension WholeGateway {
  /// The account, the senders and the pool that the fixtures agree on; nobody answers where its provider is.
  private static let fixtureConfiguration = """
    server: { host: 127.0.0.1, port: 0, publicURL: "https://gw.example.org" }
    accounts:
      - id: main
        accountSID: ACfeedc0de000000000000000000000001
        authTokens: [test_auth_token_primary]
        baseURL: "http://127.0.0.1:9"
    channels:
      - { id: sms, type: sms, account: main, from: ["+15005550006", "10101"], mps: 50, optOut: { refuse: false } }
      - { id: mms, type: mms, account: main, from: ["+15005550006"], mps: 50, optOut: { refuse: false } }
      - { id: whatsapp, type: whatsapp, account: main, from: ["+14155238886", "+15005550006"] }
      - { id: rcs, type: rcs, account: main, from: ["rcs:brand_xyz123_agent"] }
      - { id: messenger, type: messenger, account: main, from: ["messenger:100000000000001"] }
    sinks:
      - { type: websocket }
    """

  static func runForFixtures(
    in kept: String? = nil, _ body: @escaping @Sendable (WholeGateway) async throws -> Void
  ) async throws {
    let parts = ProgramParts(
      channels: .init(
        SMSChannel.self, MMSChannel.self, WhatsAppChannel.self, RCSChannel.self, MessengerChannel.self),
      sinks: .init(WebSocketSink.self))
    let configuration: GatewayConfiguration = try .parse(
      fixtureConfiguration, file: "channels.yaml", environment: [:], schema: parts.schema)
    try await run(
      in: kept,
      settings: { settings in
        settings.configuration = configuration
        settings.channels = parts.channels
        settings.sinks = parts.sinks
      }, body)
  }

  /// Posts a payload as Twilio would, signed. Returns the answer's status.
  func post(_ file: FixtureFile, to target: String, _ change: [String: String] = [:]) async throws -> Int {
    let request = Self.signed(file, to: target, change)
    return try await Self.exchange("POST", base + target, body: request.body, headers: request.headers).status
  }

  /// A payload as Twilio posts it.
  static func signed(
    _ file: FixtureFile, to target: String, _ change: [String: String] = [:]
  ) -> (body: String, headers: [(String, String)]) {
    let fields = file.fields.merging(change) { $1 }.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    let text = "https://gw.example.org\(target)" + fields.map { $0.key + $0.value }.joined()
    let code = HMAC<Insecure.SHA1>.authenticationCode(
      for: Data(text.utf8), using: SymmetricKey(data: Data("test_auth_token_primary".utf8)))
    var unreserved = CharacterSet.alphanumerics
    unreserved.insert(charactersIn: "-._")
    let body = fields.map { field in
      [field.key, field.value].map { $0.addingPercentEncoding(withAllowedCharacters: unreserved) ?? "" }
        .joined(separator: "=")
    }
    return (
      body.joined(separator: "&"),
      [
        ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("X-Twilio-Signature", Data(code).base64EncodedString()),
      ]
    )
  }

  /// The message with the provider's id, whole.
  func message(providerSID sid: String) async throws -> JSONValue {
    let list = try await call("GET", "/api/messages?providerSid=\(sid)")
    let id = try #require(list.json["data"]?.arrayValue?.first?["id"]?.stringValue, "\(sid)")
    return try await call("GET", "/api/messages/\(id)?include=raw").json
  }

  /// Queues the message that a report may be about. Returns our id.
  fileprivate func outbound(like file: FixtureFile) async throws -> String {
    let channel = file.channel.isEmpty ? "sms" : file.channel
    let to = file.fields["To"].map { $0.contains(":") || channel == "sms" ? $0 : "\(channel):\($0)" } ?? "+14155550101"
    let address = channel == "mms" ? file.fields["To"] ?? to : to
    if channel == "whatsapp" || channel == "messenger" {
      let opening = FixtureFile(
        name: "opening", kind: "inbound", channel: channel,
        fields: [
          "AccountSid": "ACfeedc0de000000000000000000000001", "MessageSid": "SM\(UInt64.random(in: .min ... .max))",
          "From": address, "To": channel == "whatsapp" ? "whatsapp:+14155238886" : "messenger:100000000000001",
          "Body": "Hi",
        ])
      _ = try await post(opening, to: "/webhooks/twilio/incoming")
    }
    let sent = try await call(
      "POST", "/api/messages", json: #"{"to":"\#(address)","channel":"\#(channel)","body":"Hello"}"#)
    return try #require(sent.json["id"]?.stringValue, "\(file.name): \(sent.text)")
  }
}
