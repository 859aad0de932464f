// The Standard Webhooks vectors, and the forms a secret comes in.

import ChannelProtocol
import Sinks
import Testing

@Suite("webhook signatures")
struct WebhookSignatureTests {
  static let published = [
    (
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", Int64(1_614_265_330),
      #"{"test": 2432232314}"#, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    ),
    (
      "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", Int64(1_649_367_553),
      #"{"email":"test@example.com","username":"test_user"}"#, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
    ),
  ]

  @Test("the published vectors are reproduced", arguments: published)
  func vectors(secret: String, id: String, timestamp: Int64, body: String, expected: String) throws {
    let key = try #require(WebhookSecret(secret)).key
    #expect(WebhookSignature.header(id: id, timestamp: timestamp, body: Array(body.utf8), secrets: [key]) == expected)
  }

  @Test("two live secrets sign side by side, newest first")
  func rotation() {
    let header = WebhookSignature.header(id: "a", timestamp: 1, body: [], secrets: [[1], [2]])
    let single = [[UInt8(1)], [2]].map {
      WebhookSignature.header(id: "a", timestamp: 1, body: [], secrets: [$0])
    }
    #expect(header == single.joined(separator: " "))
    #expect(single[0] != single[1])
  }

  @Test("a secret is read with and without prefix and padding")
  func secretForms() throws {
    for count in 24...27 {
      let secret = try #require(WebhookSecret(key: (0..<UInt8(count)).map { $0 }))
      let text = secret.plaintext
      #expect(text.hasPrefix("whsec_"))
      #expect(WebhookSecret(text) == secret)
      #expect(WebhookSecret(text.dropFirst(6)) == secret)
      #expect(WebhookSecret(String(text.filter { $0 != "=" })) == secret)
    }
  }

  @Test("what is no secret is refused", arguments: ["", "whsec_", "whsec_!!!!", "whsec_A", "="])
  func badSecrets(text: String) {
    #expect(WebhookSecret(text) == nil)
  }

  @Test("a new secret has 32 bytes, differs from the last, and does not describe itself")
  func newSecret() {
    let secret = WebhookSecret.random()
    #expect(secret.key.count == 32)
    #expect(secret != WebhookSecret.random())
    #expect("\(secret) \(String(reflecting: secret))" == "[secret] [secret]")
  }

  @Test("the body is the envelope with the event's own time")
  func body() {
    let event = Event(
      seq: 7, id: Identifier(high: 1, low: 2), type: .messageNew, at: Timestamp(microseconds: 1_500_000),
      conversationID: Identifier(high: 3, low: 4), channel: "sms", data: Array(#"{"id":"x"}"#.utf8))
    let text = String(decoding: WebhookBody.encode(event), as: UTF8.self)
    let expected =
      #"{"type":"message.new","timestamp":"1970-01-01T00:00:01.500Z","data":{"id":"x"},"seq":7,"#
      + #""conversationId":"00000000-0000-0003-0000-000000000004"}"#
    #expect(text == expected)
  }

  @Test("an endpoint's own headers cannot replace ours or break the request")
  func headers() {
    #expect(WebhookHeaders.problem(name: "X-Token", value: "a b") == nil)
    #expect(WebhookHeaders.problem(name: "Authorization", value: "Bearer é") == nil)
    for name in ["Host", "content-TYPE", "Webhook-Id", "webhook-anything", "", "a b", "a:b", "é", "Transfer-Encoding"] {
      #expect(WebhookHeaders.problem(name: name, value: "x") != nil, "\(name)")
    }
    #expect(WebhookHeaders.problem(name: "X-Token", value: "a\r\nb: c") != nil)
  }
}
