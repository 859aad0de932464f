// Callbacks that tell another sender and another number of parts than the answer did.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("Facts that change on the way", .serialized, .timeLimit(.minutes(2)))
struct ChangedFactsTests {
  @Test("what the last word on a message says of its sender and its parts stands, in the same conversation")
  func changed() async throws {
    let configuration = WholeGateway.configuration.replacing(
      #"type: sms, account: main, from: ["+15005550006"]"#,
      with: #"type: sms, account: main, from: ["+15005550006", "+15005550005"]"#)
    try await WholeGateway.run(configuration: configuration) { gateway in
      try await gateway.chaos(#"{"changeFacts":1}"#)
      let sent = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550147","channel":"sms","body":"Hello"}"#)
      #expect(sent.status == 202 && sent.json["segments"]?["count"] == 1, "\(sent.text)")
      let message = try await gateway.eventually("/api/messages/\(sent.json["id"]?.stringValue ?? "")") {
        $0["status"] == "delivered"
      }
      let senders: Set<JSONValue> = ["+15005550006", "+15005550005"]
      #expect(message["from"] != sent.json["from"] && message["from"].map(senders.contains) ?? false)
      #expect((2...4).contains(message["segments"]?["count"]?.integerValue ?? 0))
      #expect(message["conversationId"] == sent.json["conversationId"])
      #expect(try await gateway.call("GET", "/api/conversations").json["data"]?.arrayValue?.count == 1)
    }
  }
}
