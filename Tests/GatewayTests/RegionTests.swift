// Twilio's regions and edges, through everything but the network.

import ChannelProtocol
import ChannelSMS
import GatewayTesting
import HTTPTypes
import Sinks
import Synchronization
import Testing

@testable import Gateway
@testable import TwilioSandbox

/// Takes every message, has no templates, and remembers which hosts were called.
private final class AnsweringTransport: HTTPTransport {
  private let asked = Mutex<[HTTPRequest]>([])

  var requests: [HTTPRequest] { asked.withLock { $0 } }

  func send(
    _ request: HTTPRequest, body: [UInt8], deadline: Duration
  ) async throws(TransportFailure) -> (response: HTTPResponse, body: [UInt8]) {
    let number = asked.withLock { asked in
      asked.append(request)
      return asked.count
    }
    guard request.method == .post else {
      return (
        HTTPResponse(status: .ok, headerFields: [.contentType: "image/png"]),
        request.path?.contains("/Media/") == true
          ? [1, 2, 3] : Array(#"{"contents":[],"messages":[],"meta":{"key":"contents"}}"#.utf8)
      )
    }
    let sid = "SM" + String(repeating: "0", count: 32 - "\(number)".count) + "\(number)"
    return (HTTPResponse(status: .created), Array(#"{"sid":"\#(sid)","status":"queued"}"#.utf8))
  }
}

@Suite("Regions and edges", .serialized)
struct RegionTests {
  private static let account = "AC00000000000000000000000000000001"

  private func hosts(
    _ place: String, _ body: @escaping @Sendable (WholeGateway) async throws -> Void = { _ in }
  ) async throws -> Set<String> {
    let parts = ProgramParts(channels: .init(SMSChannel.self), sinks: .init(LogSink.self))
    let configuration = try GatewayConfiguration.parse(
      """
      server: { host: 127.0.0.1, port: 0 }
      accounts:
        - { id: main, accountSID: \(Self.account), authTokens: [token]\(place) }
      channels:
        - { id: sms, type: sms, account: main, from: ["+15005550006"], mps: 50 }
      """, file: "channels.yaml", environment: [:], schema: parts.schema)
    let transport = AnsweringTransport()
    try await WholeGateway.run(settings: {
      $0.configuration = configuration
      $0.transport = transport
    }) { gateway in
      let sent = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550101","channel":"sms","body":"Hi"}"#)
      #expect(sent.status == 202, "\(sent.text)")
      let id = sent.json["id"]?.stringValue ?? ""
      _ = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "accepted" }
      let synced = try await gateway.call("POST", "/api/templates/sync")
      #expect(synced.status == 200, "\(synced.text)")
      try await body(gateway)
    }
    return Set(transport.requests.map { "\($0.scheme ?? "")://\($0.authority ?? "")" })
  }

  @Test(
    "every product is called in its region, through its edge",
    arguments: [
      ("", ["https://api.twilio.com", "https://content.twilio.com"]),
      (", region: ie1, edge: dublin", ["https://api.dublin.ie1.twilio.com", "https://content.dublin.ie1.twilio.com"]),
      (", edge: sydney", ["https://api.sydney.us1.twilio.com", "https://content.sydney.us1.twilio.com"]),
      (", region: us1", ["https://api.us1.twilio.com", "https://content.us1.twilio.com"]),
      (", baseURL: 'http://twilio.internal:8080/x/'", ["http://twilio.internal:8080"]),
    ])
  func products(place: String, expected: [String]) async throws {
    #expect(try await hosts(place) == Set(expected))
  }

  @Test("a file in a region is fetched there")
  func media() async throws {
    let called = try await hosts(", region: ie1, edge: dublin") { gateway in
      let url = "https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/\(Self.account)/Messages/MM1/Media/ME1"
      let form = FormFields(
        [
          ("AccountSid", Self.account), ("Body", "Look"), ("From", "+14155550101"), ("MediaContentType0", "image/png"),
          ("MediaUrl0", url), ("MessageSid", "MM00000000000000000000000000000001"), ("NumMedia", "1"),
          ("To", "+15005550006"),
        ].map { .init(name: $0.0, value: $0.1) })
      let target = "/webhooks/twilio/incoming"
      let signed = gateway.base.replacing("127.0.0.1", with: "localhost") + target
      let answer = try await WholeGateway.exchange(
        "POST", gateway.base + target, body: form.encoded,
        headers: [
          ("Content-Type", "application/x-www-form-urlencoded"),
          ("X-Twilio-Signature", WebhookSignature.make(url: signed, form: form, authToken: "token")),
        ])
      #expect(answer.status == 200, "\(answer.text)")
      _ = try await gateway.eventually("/api/messages?direction=inbound") {
        $0["data"]?.arrayValue?.first?["media"]?.arrayValue?.first?["state"] == "ready"
      }
    }
    #expect(called == ["https://api.dublin.ie1.twilio.com", "https://content.dublin.ie1.twilio.com"])
  }
}
