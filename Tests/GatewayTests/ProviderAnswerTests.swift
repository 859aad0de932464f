// The usual answer to a provider goes out as bytes: they are what the encoders make of it, in their turn.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("Answers to providers", .timeLimit(.minutes(1)))
struct ProviderAnswerTests {
  private static let target = "/webhooks/twilio/incoming"

  private static func request(_ number: Int, _ fields: [String]) throws -> String {
    let text = try FixtureFile.named("inbound_whatsapp_text")
    let sid = "SM0000000000000000000000000000000\(number)"
    let signed = WholeGateway.signed(text, to: target, ["MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid])
    let lines =
      ["POST \(target) HTTP/1.1", "Host: gw.example.org", "Content-Length: \(signed.body.utf8.count)"]
      + signed.headers.map { "\($0): \($1)" } + fields
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + signed.body
  }

  @Test("pipelined with others, each has its own answer, its own id and its turn")
  func pipelined() async throws {
    try await WholeGateway.runForFixtures { gateway in
      let requests =
        try Self.request(1, ["X-Request-Id: first"])
        + "GET /health HTTP/1.1\r\nHost: gw.example.org\r\nX-Request-Id: second\r\n\r\n"
        + Self.request(2, []) + Self.request(3, ["X-Request-Id: fourth"])
        + Self.request(4, ["X-Request-Id: fifth", "Connection: close"])
      let all = try await WholeGateway.raw(requests, to: gateway)
      let answers = all.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0 }
      try #require(answers.count == 5, "\(all)")
      let ids = answers.map { answer in
        answer.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("x-request-id: ") }?.dropFirst(14)
      }
      #expect(answers.map { String($0.prefix(3)) } == ["200", "200", "200", "200", "200"], "\(all)")
      #expect([ids[0], ids[1], ids[3], ids[4]] == ["first", "second", "fourth", "fifth"])
      #expect(ids[2]?.count == 36, "one of our own making: \(answers[2])")
      // The last went through the encoders, as its connection ends.
      let encoded = answers[4].replacing("Connection: close\r\n", with: "").replacing("fifth", with: "first")
      #expect(Self.parts(answers[0]) == Self.parts(encoded))
      #expect(try await gateway.call("GET", "/api/messages?limit=10").json["data"]?.arrayValue?.count == 4)
    }
  }

  /// The order of fields says nothing.
  private static func parts(_ answer: String) -> [String] {
    let halves = answer.components(separatedBy: "\r\n\r\n")
    return halves[0].components(separatedBy: "\r\n").sorted() + halves.dropFirst()
  }
}
