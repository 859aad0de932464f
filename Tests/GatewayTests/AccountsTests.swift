// Several accounts, several channels of one type, tokens that are being rotated, API keys: through everything.

import ChannelProtocol
import ChannelSMS
import ChannelWhatsApp
import Logging
import Sinks
import Testing
import TwilioSandbox

@testable import Gateway

@Suite("Accounts", .serialized)
struct AccountsTests {
  private static let main = SandboxAccount(
    sid: "AC00000000000000000000000000000001", authToken: "token-of-main",
    apiKeys: ["SK00000000000000000000000000000001": "key-secret"],
    senders: ["+15005550006", "+15005550016", "whatsapp:+14155238886"])
  private static let subaccount = SandboxAccount(
    sid: "AC00000000000000000000000000000002", authToken: "token-of-subaccount", senders: ["+15005550026"])

  private static func entry(_ id: String, _ account: SandboxAccount, tokens: [String], more: String = "") -> String {
    "  - { id: \(id), accountSID: \(account.sid), authTokens: [\(tokens.joined(separator: ", "))]\(more), baseURL: BASE }"
  }

  private static let channels = """
    channels:
      - { id: first, type: sms, account: main, from: ["+15005550006"], mps: 50 }
      - { id: second, type: sms, account: main, from: ["+15005550016"], mps: 50 }
      - { id: sub, type: sms, account: sub, from: ["+15005550026"], mps: 50 }
      - { id: whatsapp, type: whatsapp, account: main, from: ["+14155238886"] }
    """

  private static let bothAccounts = [
    entry("main", main, tokens: ["token-of-main"]), entry("sub", subaccount, tokens: ["token-of-subaccount"]),
  ]

  /// A gateway in front of a sandbox with these accounts.
  private static func run(
    _ entries: [String] = bothAccounts, at accounts: [SandboxAccount] = [main, subaccount],
    channels: String = channels, _ body: @escaping @Sendable (WholeGateway, Sandbox) async throws -> Void
  ) async throws {
    var configuration = SandboxConfiguration(accounts: accounts)
    configuration.logger.logLevel = .critical
    try await Sandbox.withRunning(configuration) { sandbox in
      let address = try await sandbox.started()
      let yaml = """
        server: { host: 127.0.0.1, port: 0 }
        accounts:
        \(entries.joined(separator: "\n").replacing("BASE", with: "\"\(address)\""))
        \(channels)
        """
      let parts = ProgramParts(
        channels: .init(SMSChannel.self, WhatsAppChannel.self), sinks: .init(LogSink.self, WebSocketSink.self))
      let settings = try GatewayConfiguration.parse(
        yaml, file: "channels.yaml", environment: [:], schema: parts.schema)
      try await WholeGateway.run(settings: { $0.configuration = settings }) { gateway in
        // Signed is the URL that the gateway knows itself by.
        let incoming = gateway.base.replacing("127.0.0.1", with: "localhost") + "/webhooks/twilio/incoming"
        for account in accounts { sandbox.setWebhooks(.init(incoming: incoming), account: account.sid) }
        try await body(gateway, sandbox)
      }
    }
  }

  /// Sends, and returns the message once the provider has taken or refused it.
  private static func send(_ json: String, through gateway: WholeGateway) async throws -> ChannelProtocol.JSONValue {
    let sent = try await gateway.call("POST", "/api/messages", json: json)
    #expect(sent.status == 202, "\(sent.text)")
    let id = try #require(sent.json["id"]?.stringValue)
    return try await gateway.eventually("/api/messages/\(id)") {
      $0["providerSid"]?.stringValue != nil || $0["status"] == "failed"
    }
  }

  @Test("each number's messages come in on its own channel, and are answered with its own account")
  func lines() async throws {
    try await Self.run { gateway, sandbox in
      for (number, channel) in [("+15005550006", "first"), ("+15005550016", "second"), ("+15005550026", "sub")] {
        let receipt = try await sandbox.receive(InboundText(from: "+14155550101", to: number, body: "Hi \(channel)"))
        #expect(receipt.webhook?.httpStatus == 200, "\(channel)")
      }
      let list = try await gateway.call("GET", "/api/messages?direction=inbound")
      let received = try #require(list.json["data"]?.arrayValue)
      #expect(received.map { $0["channel"] } == ["sub", "second", "first"])
      #expect(Set(received.compactMap { $0["contactId"]?.stringValue }).count == 1, "one person")
      #expect(Set(received.compactMap { $0["conversationId"]?.stringValue }).count == 3, "on three lines of ours")

      for (channel, number, account) in [
        ("first", "+15005550006", Self.main), ("second", "+15005550016", Self.main),
        ("sub", "+15005550026", Self.subaccount),
      ] {
        let sent = try await Self.send(#"{"to":"+14155550101","channel":"\#(channel)","body":"Yes"}"#, through: gateway)
        #expect(sent["from"]?.stringValue == number)
        let sid = sent["providerSid"]?.stringValue
        let message = try #require(sandbox.messages().first { $0.sid == sid }, "\(sent)")
        #expect(message.accountSID == account.sid && message.from == number)
        let id = sent["id"]?.stringValue ?? ""
        _ = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "delivered" }
      }
    }
  }

  @Test("the type of a channel that exists several times is ambiguous, and the answer lists them")
  func ambiguity() async throws {
    try await Self.run { gateway, _ in
      let sent = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550199","channel":"sms","body":"Hi"}"#)
      #expect(sent.status == 422 && sent.json["code"] == "ambiguous_channel", "\(sent.text)")
      for id in ["first", "second", "sub"] { #expect(sent.text.contains(id)) }
    }
  }

  @Test("what one account has opted out of, another may still send")
  func optOuts() async throws {
    try await Self.run { gateway, sandbox in
      _ = try await sandbox.receive(InboundText(from: "+14155550101", to: "+15005550006", body: "STOP"))
      let refused = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550101","channel":"first","body":"Hi"}"#)
      #expect(refused.status == 422 && refused.json["code"] == "recipient_opted_out", "\(refused.text)")
      let sent = try await Self.send(#"{"to":"+14155550101","channel":"sub","body":"Hi"}"#, through: gateway)
      #expect(sent["providerSid"]?.stringValue != nil)
    }
  }

  @Test("an account's webhook that is signed with another one's token is refused")
  func signatures() async throws {
    var confused = Self.subaccount
    confused.authToken = Self.main.authToken
    try await Self.run(at: [Self.main, confused]) { gateway, sandbox in
      let receipt = try await sandbox.receive(InboundText(from: "+14155550101", to: "+15005550026", body: "Hi"))
      #expect(receipt.webhook?.httpStatus == 403)
      #expect(try await gateway.call("GET", "/api/messages").json["data"] == .array([]))
    }
  }

  private static let oneChannel = """
    channels:
      - { id: first, type: sms, account: main, from: ["+15005550006"], mps: 50 }
    """

  @Test("a token is replaced without a message lost: the new one calls already, both verify")
  func rotation() async throws {
    var account = Self.main
    account.secondaryAuthToken = "next"
    try await Self.run(
      [Self.entry("main", Self.main, tokens: ["next", "token-of-main"])], at: [account], channels: Self.oneChannel
    ) { gateway, sandbox in
      for step in ["before", "after"] {
        let receipt = try await sandbox.receive(InboundText(from: "+14155550101", to: "+15005550006", body: step))
        #expect(receipt.webhook?.httpStatus == 200, "\(step)")
        let sent = try await Self.send(#"{"to":"+14155550101","channel":"first","body":"\#(step)"}"#, through: gateway)
        let id = sent["id"]?.stringValue ?? ""
        _ = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "delivered" }
        sandbox.promoteToken(account: Self.main.sid)
      }
    }
  }

  @Test("once the first token is void the next one calls, as webhooks signed with it go on")
  func nextTokenCalls() async throws {
    var account = Self.main
    account.secondaryAuthToken = "next"
    try await Self.run(
      [Self.entry("main", Self.main, tokens: ["token-of-main", "next"])], at: [account], channels: Self.oneChannel
    ) { gateway, sandbox in
      sandbox.promoteToken(account: Self.main.sid)
      let receipt = try await sandbox.receive(InboundText(from: "+14155550101", to: "+15005550006", body: "Hi"))
      #expect(receipt.webhook?.httpStatus == 200)
      let sent = try await Self.send(#"{"to":"+14155550101","channel":"first","body":"Hi"}"#, through: gateway)
      _ = try await gateway.eventually("/api/messages/\(sent["id"]?.stringValue ?? "")") { $0["status"] == "delivered" }
    }
  }

  @Test(
    "an API key calls in the token's place, and the token still verifies",
    arguments: [("key-secret", true), ("another-secret", false)])
  func keys(secret: String, isRight: Bool) async throws {
    let key = ", apiKey: SK00000000000000000000000000000001, apiSecret: \(secret)"
    try await Self.run(
      [Self.entry("main", Self.main, tokens: ["token-of-main"], more: key)], at: [Self.main],
      channels: Self.oneChannel
    ) { gateway, sandbox in
      let receipt = try await sandbox.receive(InboundText(from: "+14155550101", to: "+15005550006", body: "Hi"))
      #expect(receipt.webhook?.httpStatus == 200)
      let message = #"{"to":"+14155550101","channel":"first","body":"Hi"}"#
      if isRight {
        #expect(try await Self.send(message, through: gateway)["error"]?.isNull != false)
        return
      }
      // No message is given up for a key that somebody must mend: the channel says what is wrong, and it waits.
      let taken = try await gateway.call("POST", "/api/messages", json: message)
      let sick = try await gateway.eventually("/api/channels/first") { $0["health"]?["status"] == "down" }
      #expect(sick["health"]?["detail"]?.stringValue?.contains("20003") == true)
      let waiting = try await gateway.call("GET", "/api/messages/\(taken.json["id"]?.stringValue ?? "")")
      #expect(["queued", "sending"].contains(waiting.json["status"]?.stringValue), "\(waiting.text)")
    }
  }
}
