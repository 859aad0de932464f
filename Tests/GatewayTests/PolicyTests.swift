// What the configuration's policies do to a message, through the whole gateway and its API.

import ChannelProtocol
import Foundation
import GatewayTesting
import Testing

@testable import Gateway

@Suite("Policies of a channel", .timeLimit(.minutes(2)))
struct PolicyTests {
  /// One gateway with an opt-out list of its own and each policy for the window.
  private static let configuration = """
    server: { host: 127.0.0.1, port: 0 }
    accounts:
      - { id: main, accountSID: sandbox }
    channels:
      - { id: sms, type: sms, account: main, from: ["+15005550006"], mps: 50, optOut: { keywords: { fr: { stop: ["ARRET"], start: ["DEBUT"] } } } }
      - { id: careless, type: sms, account: main, from: ["+15005550010"], mps: 50, optOut: { refuse: false } }
      - { id: strict, type: whatsapp, account: main, from: ["+14155238886"] }
      - { id: patient, type: whatsapp, account: main, from: ["+14155238887"], window: { policy: hold } }
    sinks:
      - { type: websocket }
    """

  private func run(_ body: @escaping @Sendable (WholeGateway) async throws -> Void) async throws {
    try await WholeGateway.run(
      settings: { settings in
        let schema = ProgramParts(channels: settings.channels, sinks: settings.sinks).schema
        do {
          settings.configuration = try .parse(
            Self.configuration, file: "channels.yaml", environment: [:], schema: schema)
        } catch {
          Issue.record("\(error)")
        }
      }, body)
  }

  @Test("who has said stop is refused before any call, until they say start")
  func optOut() async throws {
    try await run { gateway in
      try await gateway.text(from: "+14155550177", "  arret ")
      #expect(try await gateway.send(["to": "+14155550177", "channel": "sms", "body": "Hi"]) == "recipient_opted_out")
      let ledger = try await gateway.get("/api/opt-outs?address=%2B14155550177")
      #expect(ledger["data"]?.arrayValue?.first?["source"]?.stringValue == "keyword")
      #expect(ledger["data"]?.arrayValue?.first?["scope"]?.stringValue == "sender:+15005550006")
      try await gateway.text(from: "+14155550177", "Debut")
      #expect(try await gateway.send(["to": "+14155550177", "channel": "sms", "body": "Hi"]) == nil)
    }
  }

  @Test("a careless channel lets Twilio refuse who has said stop to its own number")
  func careless() async throws {
    try await run { gateway in
      let phone = "+14155550176"
      try await gateway.text(from: phone, to: "+15005550010", "STOP")
      let ledger = try await gateway.get("/api/opt-outs?address=%2B14155550176")
      #expect(ledger["data"]?.arrayValue?.first?["scope"]?.stringValue == "sender:+15005550010")
      let sent = try await gateway.post(
        "/api/messages", ["to": .string(phone), "channel": "careless", "body": "Hi"])
      let message = try await gateway.eventually("/api/messages/\(sent["id"]?.stringValue ?? "")") {
        $0["status"]?.stringValue == "failed"
      }
      // Twilio's number for it: ours, who never calls, would be `opted_out`.
      #expect(message["error"]?["code"]?.stringValue == "21610", "\(message)")
    }
  }

  @Test("one of ours opts somebody out by the API; a wrong request is told what is wrong with it")
  func byAPI() async throws {
    try await run { gateway in
      let answer = try await gateway.post(
        "/api/opt-outs", ["channelType": "sms", "address": "+14155550178", "optedOut": true])
      #expect(answer["optedOut"]?.boolValue == true)
      #expect(try await gateway.send(["to": "+14155550178", "channel": "sms", "body": "Hi"]) == "recipient_opted_out")
      let wrong = try await gateway.post("/api/opt-outs", ["channelType": "fax", "address": "whatsapp:+1", "x": 1])
      #expect(
        Set(wrong["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } ?? []) == [
          "channelType", "address", "optedOut", "x",
        ])
    }
  }

  @Test("who opts out while a message waits is not sent it")
  func optOutMeanwhile() async throws {
    try await run { gateway in
      let soon = (SystemClock().now() + .seconds(3)).description
      let waiting = try await gateway.post(
        "/api/messages", ["to": "+14155550180", "channel": "sms", "body": "Hi", "scheduledAt": .string(soon)])
      _ = try await gateway.post(
        "/api/opt-outs", ["channelType": "sms", "address": "+14155550180", "optedOut": true])
      let message = try await gateway.eventually("/api/messages/\(waiting["id"]?.stringValue ?? "")") {
        $0["status"]?.stringValue == "failed"
      }
      #expect(message["error"]?["code"]?.stringValue == "opted_out")
    }
  }

  @Test("outside the window a free-form message is refused, or held until they write; within it, it goes")
  func window() async throws {
    try await run { gateway in
      let to = "whatsapp:+447700900123"
      #expect(try await gateway.send(["to": .string(to), "channel": "strict", "body": "Hi"]) == "outside_window")
      let held = try await gateway.post("/api/messages", ["to": .string(to), "channel": "patient", "body": "Later"])
      let id = try #require(held["id"]?.stringValue)
      #expect(held["status"]?.stringValue == "queued")
      try await gateway.text(from: to, to: "whatsapp:+14155238886", "hello")
      let strict = try await gateway.post("/api/messages", ["to": .string(to), "channel": "strict", "body": "Hi"])
      // What the text to the other line would have released by mistake would have gone before it.
      _ = try await gateway.eventually("/api/messages/\(strict["id"]?.stringValue ?? "")") {
        ["delivered", "read"].contains($0["status"]?.stringValue)
      }
      #expect(try await gateway.get("/api/messages/\(id)")["status"]?.stringValue == "queued")
      try await gateway.text(from: to, to: "whatsapp:+14155238887", "hello")
      #expect(
        try await GatewayTesting.eventually(within: .seconds(20)) {
          // WhatsApp goes on to `read` by itself.
          ["delivered", "read"].contains(try await gateway.get("/api/messages/\(id)")["status"]?.stringValue)
        })
    }
  }

  @Test("a message that waits is taken back; one that has gone is a conflict")
  func cancel() async throws {
    try await run { gateway in
      let waiting = try await gateway.post(
        "/api/messages",
        ["to": "+14155550179", "channel": "sms", "body": "Hi", "scheduledAt": "2099-01-01T00:00:00Z"])
      let path = "/api/messages/\(waiting["id"]?.stringValue ?? "")"
      let canceled = try await gateway.delete(path)
      #expect(canceled["status"]?.stringValue == "canceled")
      #expect(try await gateway.delete(path)["code"]?.stringValue == "not_cancelable", "once")
      let gone = try await gateway.post("/api/messages", ["to": "+14155550179", "channel": "sms", "body": "Hi"])
      let gonePath = "/api/messages/\(gone["id"]?.stringValue ?? "")"
      _ = try await gateway.eventually(gonePath) { $0["status"]?.stringValue == "delivered" }
      #expect(try await gateway.delete(gonePath)["code"]?.stringValue == "not_cancelable")
      #expect(
        try await gateway.get(path)["statusHistory"]?.arrayValue?.last?["source"]?.stringValue == "api")
    }
  }
}

extension WholeGateway {
  fileprivate func get(_ path: String) async throws -> JSONValue { try await call("GET", path).json }
  fileprivate func delete(_ path: String) async throws -> JSONValue { try await call("DELETE", path).json }

  fileprivate func post(_ path: String, _ body: [String: JSONValue]) async throws -> JSONValue {
    try await call("POST", path, json: StoredText.json(.object(body))).json
  }

  /// - Returns: the problem's code; nil: it was taken.
  fileprivate func send(_ body: [String: JSONValue]) async throws -> String? {
    let answer = try await call("POST", "/api/messages", json: StoredText.json(.object(body)))
    return answer.status == 202 ? nil : answer.json["code"]?.stringValue ?? "\(answer.status)"
  }

  /// Returns when the message is there.
  fileprivate func text(from: String, to: String = "+15005550006", _ body: String) async throws {
    let answer = try await textIn(["from": .string(from), "to": .string(to), "body": .string(body)])
    let sid = answer.json["sid"]?.stringValue ?? answer.json["message"]?["sid"]?.stringValue ?? ""
    _ = try await eventually("/api/messages?providerSid=\(sid)") { $0["data"]?.arrayValue?.isEmpty == false }
  }
}
