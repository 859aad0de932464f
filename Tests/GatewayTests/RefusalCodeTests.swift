// Codes of what is refused before it is looked at: by providers' paths, by the protocol, by what is busy.

import ChannelProtocol
import Crypto
import Foundation
import HTTPTypes
import Sinks
import Storage
import Testing
import TwilioSandbox

@testable import Gateway

@Suite("Codes of refusals", .serialized)
struct RefusalCodeTests {
  private static let incoming = "/webhooks/twilio/incoming"

  @Test("a provider's request is refused by its account, its signature, its type or what it says, and stored nowhere")
  func providers() async throws {
    try await WholeGateway.run { gateway in
      let message = ["MessageSid": "SM1", "From": "+14155550181", "To": "+15005550006", "Body": "x"]
      let ours = ["AccountSid": SandboxAccount.defaultSID]
      let foreign = try await post(
        gateway, message.merging(["AccountSid": "AC" + String(repeating: "0", count: 32)]) { $1 })
      #expect(foreign.status == 403 && foreign.json["code"] == "unknown_account", "\(foreign.text)")
      let unsigned = try await post(gateway, message.merging(ours) { $1 }, signature: "c2lnbmVk")
      #expect(unsigned.status == 403 && unsigned.json["code"] == "bad_signature", "\(unsigned.text)")
      let nothing = try await post(gateway, ours.merging(["From": "+14155550181"]) { $1 })
      #expect(nothing.status == 422 && nothing.json["code"] == "not_a_message", "\(nothing.text)")
      #expect(try await gateway.call("GET", "/api/messages").json["data"] == [])
    }
  }

  /// - Parameter signature: nil: the right one.
  private func post(
    _ gateway: WholeGateway, _ fields: [String: String], signature: String? = nil
  ) async throws -> WholeGateway.Answer {
    let url = gateway.base.replacing("127.0.0.1", with: "localhost") + Self.incoming
    let sorted = fields.sorted { $0.key < $1.key }
    let code = HMAC<Insecure.SHA1>.authenticationCode(
      for: Data((url + sorted.map { $0.key + $0.value }.joined()).utf8),
      using: SymmetricKey(data: Data(SandboxAccount.defaultAuthToken.utf8)))
    return try await WholeGateway.exchange(
      "POST", gateway.base + Self.incoming,
      body: sorted.map { "\($0.key)=\($0.value.replacing("+", with: "%2B"))" }.joined(separator: "&"),
      headers: [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("X-Twilio-Signature", signature ?? Data(code).base64EncodedString()),
      ])
  }

  @Test("what cannot be read is malformed or too large, and says which")
  func unreadable() async throws {
    try await WholeGateway.run { gateway in
      let broken = try await gateway.call("POST", "/api/contacts", json: "{")
      #expect(broken.status == 400 && broken.json["code"] == "malformed_json")
      let large = try await WholeGateway.exchange(
        "GET", gateway.base + "/api/contacts", headers: [("X-Long", String(repeating: "x", count: 100_000))])
      #expect(large.status == 431 && large.json["code"] == "headers_too_large")
    }
  }

  @Test("while another sync has the templates, a second one is told so")
  func syncing() async throws {
    try await WholeGateway.run { gateway in
      _ = try await gateway.eventually("/api/templates") { $0["data"]?.arrayValue?.count == 6 }
      let lease = try await gateway.store.beginTemplateSync(
        account: SandboxAccount.defaultSID, notTriedSince: nil, at: SystemClock().now(), lease: .seconds(60))
      #expect(lease != nil)
      let second = try await gateway.call("POST", "/api/templates/sync")
      #expect(second.status == 409 && second.json["code"] == "sync_running", "\(second.text)")
      #expect(second.headers["retry-after"] == "5")
    }
  }

  @Test("of those who wait for events no more are taken than can be")
  func waiting() async throws {
    let waiters = EventWaiters(ring: EventRing(byteLimit: 1_024), maximum: 1)
    let first = Task { try await waiters.wait(beyond: 1_000, for: .seconds(60)) }
    while waiters.count == 0 { await Task.yield() }
    let problem = await #expect(throws: Problem.self) { try await waiters.wait(beyond: 1_000, for: .seconds(60)) }
    #expect(problem?.status == .serviceUnavailable && problem?.code == "too_many_waiting")
    #expect(problem?.headers[.retryAfter] == "1")
    first.cancel()
    _ = await first.result
    #expect(waiters.count == 0)
  }

  @Test("a page of an origin that is not let in gets no WebSocket")
  func origins() async throws {
    let configuration = WholeGateway.configuration.replacing(
      "{ type: websocket }", with: "{ type: websocket, origins: [https://app.example] }")
    try await WholeGateway.run(configuration: configuration) { gateway in
      let upgrade = [
        ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Origin", "https://evil.example"),
      ]
      let refused = try await WholeGateway.exchange("GET", gateway.base + "/ws?token=\(gateway.key)", headers: upgrade)
      #expect(refused.status == 403 && refused.json["code"] == "foreign_origin", "\(refused.text)")
    }
  }
}
