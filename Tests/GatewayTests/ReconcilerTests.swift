// What comes while the gateway is down is there afterwards, once.

import ChannelProtocol
import Foundation
import GatewayTesting
import Logging
import Testing
import TwilioSandbox

@testable import Gateway

@Suite("Reconciliation", .serialized, .timeLimit(.minutes(3)))
struct ReconcilerTests {
  /// A gateway in front of a sandbox that outlives it.
  private static func run(
    in directory: String, before sandbox: Sandbox, _ body: @escaping @Sendable (WholeGateway) async throws -> Void
  ) async throws {
    let address = try await sandbox.started()
    let yaml = """
      server: { host: 127.0.0.1, port: 0 }
      limits: { requestsPerSecond: 0 }
      accounts:
        - id: main
          accountSID: \(SandboxAccount.defaultSID)
          authTokens: ["\(SandboxAccount.defaultAuthToken)"]
          baseURL: "\(address)"
          reconcile: { every: 10s }
      channels:
        - { id: sms, type: sms, account: main, from: ["+15005550006"], mps: 50 }
        - { id: mms, type: mms, account: main, from: ["+15005550006"], mps: 50 }
        - { id: whatsapp, type: whatsapp, account: main, from: ["+14155238886"] }
      sinks:
        - { type: websocket }
      """
    try await WholeGateway.run(
      in: directory,
      settings: { settings in
        let schema = ProgramParts(channels: settings.channels, sinks: settings.sinks).schema
        do {
          settings.configuration = try .parse(yaml, file: "channels.yaml", environment: [:], schema: schema)
        } catch {
          Issue.record("\(error)")
        }
        settings.reconciliationTimes.settle = .zero
        settings.reconciliationTimes.pacing = .zero
        settings.pollPolicy.after = .seconds(3_600)
      }
    ) { gateway in
      sandbox.setWebhooks(
        .init(incoming: gateway.base.replacing("127.0.0.1", with: "localhost") + "/webhooks/twilio/incoming"))
      try await body(gateway)
    }
  }

  private static func configuration() -> SandboxConfiguration {
    var configuration = SandboxConfiguration()
    configuration.logger.logLevel = .critical
    return configuration
  }

  @Test(
    "messages that came while nobody listened appear once, with their files, also when their webhooks come after all")
  func downtime() async throws {
    try await Sandbox.withRunning(Self.configuration()) { sandbox in
      try await WholeGateway.withKeptDirectory { directory in
        _ = try await sandbox.receive(InboundText(from: "+14155550199", body: "before there was a gateway"))
        // Lists show whole seconds.
        let second = Int(Date().timeIntervalSince1970)
        #expect(await eventually { Int(Date().timeIntervalSince1970) > second })
        try await Self.run(in: directory, before: sandbox) { gateway in
          _ = try await sandbox.receive(InboundText(from: "+14155550101", body: "while it runs"))
          _ = try await gateway.eventually("/api/messages") { $0["data"]?.arrayValue?.count == 1 }
        }
        sandbox.setWebhooks(.init())
        let missed = [
          InboundText(from: "+14155550101", body: "missed"),
          InboundText(
            from: "+14155550102", body: "a picture", media: [.init(contentType: "image/png", bytes: [1, 2, 3])]),
          InboundText(from: "whatsapp:+447700900123", body: "on WhatsApp"),
          InboundText(from: "+14155550103", body: "STOP"),
        ]
        var sids: [String] = []
        for text in missed { sids.append(try await sandbox.receive(text).sid) }
        try await Self.run(in: directory, before: sandbox) { [sids] gateway in
          let page = try await gateway.eventually(within: .seconds(60), "/api/messages?direction=inbound") {
            $0["data"]?.arrayValue?.count == 5
          }
          let messages = page["data"]?.arrayValue ?? []
          let recovered = messages.filter { $0["recovered"] == true }
          // The one that came while it ran may be among them: on a slow machine a list is read before its webhook.
          let found = Set(recovered.compactMap { $0["providerSid"]?.stringValue })
          #expect(found.isSuperset(of: sids))
          try await Self.check(recovered, gateway)
          for sid in sids {
            let again = try await sandbox.receive(Self.redelivery(of: sid))
            #expect(again.webhook?.httpStatus == 200, "\(String(describing: again.webhook))")
          }
          let after = try await gateway.call("GET", "/api/messages?direction=inbound")
          #expect(after.json["data"]?.arrayValue?.count == 5)
          let events = try await gateway.store.events(after: 0, limit: 1_000)
          #expect(events.filter { $0.type == .messageNew }.count == 5)
        }
      }
    }
  }

  private static func redelivery(of sid: String) -> InboundText {
    InboundText(from: "", redeliver: sid)
  }

  private static func check(_ recovered: [ChannelProtocol.JSONValue], _ gateway: WholeGateway) async throws {
    func message(_ body: String) -> ChannelProtocol.JSONValue? { recovered.first { $0["body"]?.stringValue == body } }
    #expect(message("missed")?["channel"] == "sms" && message("missed")?["status"] == "received")
    #expect(message("on WhatsApp")?["channel"] == "whatsapp")
    #expect(message("on WhatsApp")?["from"] == "+447700900123")
    let picture = try #require(message("a picture"))
    #expect(picture["channelType"] == "mms" && picture["channel"] == "mms")
    let id = try #require(picture["id"]?.stringValue)
    let fetched = try await gateway.eventually(within: .seconds(60), "/api/messages/\(id)") {
      $0["media"]?.arrayValue?.first?["state"] == "ready"
    }
    #expect(fetched["media"]?.arrayValue?.first?["size"] == 3)
    let stopped = try await gateway.call("GET", "/api/opt-outs?address=%2B14155550103")
    #expect(stopped.json["data"]?.arrayValue?.first?["optedOut"] == true)
  }

  @Test("the end of a message that was sent before a downtime, and its price, are learned after it")
  func statuses() async throws {
    try await Sandbox.withRunning(Self.configuration()) { sandbox in
      // No callback comes, so that nothing but the list tells how the message ended, however slow the machine.
      var silence = Chaos()
      silence.dropCallbacks = 1
      sandbox.setChaos(silence)
      try await WholeGateway.withKeptDirectory { directory in
        let (ids, continuation) = AsyncStream.makeStream(of: String.self)
        try await Self.run(in: directory, before: sandbox) { gateway in
          let taken = try await gateway.call(
            "POST", "/api/messages", json: #"{"to":"+14155550101","channel":"sms","body":"Hello"}"#)
          let id = try #require(taken.json["id"]?.stringValue)
          _ = try await gateway.eventually(within: .seconds(60), "/api/messages/\(id)") {
            $0["providerSid"]?.stringValue != nil
          }
          continuation.yield(id)
        }
        continuation.finish()
        guard let id = await ids.first(where: { _ in true }) else { return }
        #expect(await eventually(within: .seconds(60)) { sandbox.messages().first?.status == .delivered })
        try await Self.run(in: directory, before: sandbox) { gateway in
          let delivered = try await gateway.eventually(within: .seconds(60), "/api/messages/\(id)") {
            $0["status"] == "delivered" && $0["price"]?["amount"] != nil
          }
          let told = delivered["statusHistory"]?.arrayValue?.first { $0["status"] == "delivered" }
          #expect(told?["source"] == "poll")
          #expect(delivered["price"]?["amount"] == "0.00830")
        }
      }
    }
  }
}
