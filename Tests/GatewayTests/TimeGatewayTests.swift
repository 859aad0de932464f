// Time in the whole gateway: what is kept by Twilio, what waits here, what ends, and what is asked about again.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("Time in the gateway", .serialized, .timeLimit(.minutes(3)))
struct TimeGatewayTests {
  private static let service = "MG" + String(repeating: "a", count: 32)

  /// A channel with a pool, and one that is quiet at the moment, until some hours from now.
  private static func configuration() -> String {
    let now = SystemClock().now()
    func clock(_ time: Timestamp) -> String { String(time.description.dropFirst(11).prefix(5)) }
    return """
      server: { host: 127.0.0.1, port: 0 }
      limits: { requestsPerSecond: 0 }
      accounts:
        - { id: main, accountSID: sandbox }
      channels:
        - { id: pool, type: sms, account: main, messagingService: \(service), from: ["+15005550016", "+15005550026"], mps: 50 }
        - { id: sms, type: sms, account: main, from: ["+15005550006"], mps: 50 }
        - id: quiet
          type: sms
          account: main
          from: ["+15005550036"]
          mps: 50
          quietHours: { from: "\(clock(now - .seconds(3_600)))", to: "\(clock(now + .seconds(7_200)))", fallback: UTC }
        - { id: patient, type: whatsapp, account: main, from: ["+14155238886"], window: { policy: hold, holdFor: 2s } }
      sinks:
        - { type: websocket }
      """
  }

  private func run(
    settings change: @escaping @Sendable (inout GatewaySettings) -> Void = { _ in },
    _ body: @escaping @Sendable (WholeGateway) async throws -> Void
  ) async throws {
    try await WholeGateway.run(
      settings: { settings in
        let schema = ProgramParts(channels: settings.channels, sinks: settings.sinks).schema
        do {
          settings.configuration = try .parse(
            Self.configuration(), file: "channels.yaml", environment: [:], schema: schema)
        } catch {
          Issue.record("\(error)")
        }
        change(&settings)
      }, body)
  }

  private static func later(_ duration: Duration) -> String { (SystemClock().now() + duration).description }

  private func send(_ gateway: WholeGateway, _ fields: [String: JSONValue]) async throws -> JSONValue {
    let answer = try await gateway.call("POST", "/api/messages", json: StoredText.json(.object(fields)))
    #expect(answer.status == 202, "\(answer.text)")
    return answer.json
  }

  /// The message as Twilio's API shows it.
  private func atTwilio(_ gateway: WholeGateway, _ message: JSONValue) async throws -> JSONValue {
    let sid = message["providerSid"]?.stringValue ?? ""
    let answer = try await WholeGateway.exchange("GET", gateway.sandbox + "/sandbox/messages?limit=100")
    return answer.json["messages"]?.arrayValue?.first { $0["sid"]?.stringValue == sid }
      ?? answer.json.arrayValue?.first { $0["sid"]?.stringValue == sid } ?? .null
  }

  /// Sends a message for later through the pool.
  /// - Returns: its path, and the message when Twilio has it.
  private func keptByTwilio(_ gateway: WholeGateway, to address: String) async throws -> (path: String, JSONValue) {
    let time = Self.later(.seconds(20 * 60))
    let taken = try await send(
      gateway, ["to": .string(address), "channel": "pool", "body": "later", "scheduledAt": .string(time)])
    #expect(taken["status"] == "scheduled" && taken["scheduledAt"]?.stringValue == time)
    let path = "/api/messages/\(taken["id"]?.stringValue ?? "")"
    let kept = try await gateway.eventually(path) { $0["status"] == "accepted" }
    #expect(try await atTwilio(gateway, kept)["status"] == "scheduled")
    return (path, kept)
  }

  @Test("a message for later is kept by Twilio where it leaves through a service, and canceled there")
  func atProvider() async throws {
    try await run { gateway in
      let (path, kept) = try await keptByTwilio(gateway, to: "+14155550101")
      #expect(kept["statusHistory"]?.arrayValue?.last?["providerStatus"] == "scheduled")
      let canceled = try await gateway.call("DELETE", path)
      #expect(canceled.status == 200 && canceled.json["status"] == "canceled", "\(canceled.text)")
      #expect(try await atTwilio(gateway, kept)["status"] == "canceled")
      #expect(try await gateway.call("DELETE", path).status == 409)
    }
  }

  @Test("a contact that is deleted takes along what Twilio keeps for it")
  func deletedContact() async throws {
    try await run { gateway in
      let (path, kept) = try await keptByTwilio(gateway, to: "+14155550108")
      let contact = kept["contactId"]?.stringValue ?? ""
      #expect(try await gateway.call("DELETE", "/api/contacts/\(contact)").status == 204)
      #expect(try await atTwilio(gateway, kept)["status"] == "canceled")
      #expect(try await gateway.call("GET", path).status == 404)
    }
  }

  @Test("a message for later stays here without a service, or too near; canceled, Twilio never hears of it")
  func withUs() async throws {
    try await run { gateway in
      for (channel, ahead) in [("sms", Duration.seconds(3_600)), ("pool", .seconds(600))] {
        let taken = try await send(
          gateway,
          ["to": "+14155550102", "channel": .string(channel), "body": "x", "scheduledAt": .string(Self.later(ahead))])
        #expect(taken["status"] == "scheduled")
        let canceled = try await gateway.call("DELETE", "/api/messages/\(taken["id"]?.stringValue ?? "")")
        #expect(canceled.status == 200 && canceled.json["status"] == "canceled")
        #expect(canceled.json["providerSid"] == nil || canceled.json["providerSid"] == .null)
      }
      let soon = try await send(
        gateway,
        ["to": "+14155550102", "channel": "sms", "body": "soon", "scheduledAt": .string(Self.later(.seconds(1)))])
      let path = "/api/messages/\(soon["id"]?.stringValue ?? "")"
      let delivered = try await gateway.eventually(path) { $0["status"] == "delivered" }
      #expect(delivered["statusHistory"]?.arrayValue?.first?["status"] == "scheduled")
      #expect(try await gateway.call("DELETE", path).status == 409)
    }
  }

  @Test(
    "in quiet hours a message shows when it will leave; answers go out, and a validity does not wait for the morning")
  func quietHours() async throws {
    try await run { gateway in
      let waiting = try await send(gateway, ["to": "+491511234567", "channel": "quiet", "body": "Hallo"])
      // Berlin is ahead of UTC: there it may be another hour, and not quiet.
      let zone = try await gateway.call(
        "PUT", "/api/contacts/\(waiting["contactId"]?.stringValue ?? "")",
        json: #"{"attributes":{"timeZone":"UTC"}}"#)
      #expect(zone.status == 200, "\(zone.text)")
      let told = try await send(
        gateway, ["to": "+491511234567", "channel": "quiet", "body": "Hallo", "validFor": 1])
      #expect(told["status"] == "scheduled")
      let end = try #require(told["scheduledAt"]?.stringValue.flatMap { Timestamp(rfc3339: $0) })
      #expect(end - SystemClock().now() > .seconds(7_000) && end - SystemClock().now() <= .seconds(7_200))
      let expired = try await gateway.eventually("/api/messages/\(told["id"]?.stringValue ?? "")") {
        $0["status"] == "failed"
      }
      #expect(expired["error"]?["code"] == "expired")
      try await gateway.textIn(["from": "+491511234567", "to": "+15005550036", "body": "Hi"])
      _ = try await gateway.eventually("/api/messages?direction=inbound") { $0["data"]?.arrayValue?.count == 1 }
      let answer = try await send(gateway, ["to": "+491511234567", "channel": "quiet", "body": "Servus"])
      #expect(answer["status"] == "queued")
      _ = try await gateway.eventually("/api/messages/\(answer["id"]?.stringValue ?? "")") {
        $0["status"] == "delivered"
      }
    }
  }

  @Test("a held message ends when its contact does not write in time")
  func held() async throws {
    try await run { gateway in
      let held = try await send(gateway, ["to": "whatsapp:+447700900123", "channel": "patient", "body": "Hello"])
      #expect(held["status"] == "queued")
      let expired = try await gateway.eventually("/api/messages/\(held["id"]?.stringValue ?? "")") {
        $0["status"] == "failed"
      }
      #expect(expired["error"]?["code"] == "expired")
    }
  }

  @Test("without callbacks a message's end is asked for, with its price; the history says by whom it was told")
  func polled() async throws {
    try await run(settings: {
      $0.pollPolicy.after = .milliseconds(300)
      $0.pollPolicy.interval = .milliseconds(100)
    }) { gateway in
      let chaos = try await WholeGateway.exchange(
        "POST", gateway.sandbox + "/sandbox/chaos", body: #"{"dropCallbacks":1}"#,
        headers: [("Content-Type", "application/json")])
      #expect(chaos.status == 200, "\(chaos.text)")
      let taken = try await send(gateway, ["to": "+14155550103", "channel": "sms", "body": "Hello"])
      #expect(taken["price"] == .null)
      let delivered = try await gateway.eventually("/api/messages/\(taken["id"]?.stringValue ?? "")") {
        $0["status"] == "delivered"
      }
      let told = delivered["statusHistory"]?.arrayValue?.first { $0["status"] == "delivered" }
      #expect(told?["source"] == "poll")
      #expect(delivered["price"] == ["amount": "0.00830", "currency": "USD"])
    }
  }

  @Test("a price that no callback carries is asked for when the message has long ended, shown, and told as an event")
  func latePrice() async throws {
    try await run(settings: {
      $0.pollPolicy.interval = .milliseconds(100)
      $0.pollPolicy.pricesAfter = [.milliseconds(300), .seconds(3_600)]
    }) { gateway in
      let taken = try await send(gateway, ["to": "+14155550103", "channel": "sms", "body": "Hello"])
      let path = "/api/messages/\(taken["id"]?.stringValue ?? "")"
      let priced = try await gateway.eventually(path) { $0["price"].map { !$0.isNull } ?? false }
      #expect(priced["status"] == "delivered" && priced["price"] == ["amount": "0.00830", "currency": "USD"])
      // By callback, not by the question that brought the price.
      let told = priced["statusHistory"]?.arrayValue?.first { $0["status"] == "delivered" }
      #expect(told?["source"] == "callback")
      let events = try await gateway.eventually("/api/events?types=message.price") {
        !($0["data"]?.arrayValue ?? []).isEmpty
      }
      let event = events["data"]?.arrayValue?.first
      #expect(events["data"]?.arrayValue?.count == 1 && event?["data"]?["id"] == taken["id"])
      #expect(event?["data"]?["price"] == priced["price"] && event?["conversationId"] == taken["conversationId"])
    }
  }
}
