// Every error that a person may meet, through everything: the message says its number, its words and what to do.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("Errors in the gateway", .serialized, .timeLimit(.minutes(3)))
struct ErrorWordsTests {
  private struct Code: Sendable {
    var number: Int
    var kind: String
  }

  private static func table() throws -> [Code] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let entries = try ["error_codes.json", "error_codes_added.json"].flatMap { name in
      let file = folder.appending(path: "Fixtures/twilio/\(name)")
      return try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: file))["codes"]?.arrayValue ?? []
    }
    return entries.compactMap { entry in
      guard let number = entry["code"]?.integerValue, let kind = entry["class"]?.stringValue else { return nil }
      return Code(number: Int(number), kind: kind)
    }
  }

  /// What Twilio says in its answer and may say otherwise the next time: the message waits, it does not fail. So it does
  /// where the account's credentials are refused (20003, 20005), since they are somebody's to mend.
  private static let waiting: Set<Int> = [20003, 20005, 20009, 20429, 20500, 20503, 21611, 35125]

  @Test("a message that meets an error for good ends with its number and words for a person")
  func everyError() async throws {
    let codes = try Self.table().filter { $0.number >= 20_000 && !Self.waiting.contains($0.number) }
    try #require(codes.count > 90)
    try await WholeGateway.run(settings: { settings in
      let yaml = WholeGateway.configuration.replacing("mps: 50", with: "mps: 2000")
      let schema = ProgramParts(channels: settings.channels, sinks: settings.sinks).schema
      guard
        let fast = try? GatewayConfiguration.parse(yaml, file: "channels.yaml", environment: [:], schema: schema)
      else { return }
      settings.configuration = fast
    }) { gateway in
      var ids: [(Code, String)] = []
      for code in codes {
        let sent = try await gateway.call(
          "POST", "/api/messages", json: #"{"to":"+150000\#(code.number)","channel":"sms","body":"x"}"#)
        #expect(sent.status == 202, "\(code.number): \(sent.text)")
        ids.append((code, sent.json["id"]?.stringValue ?? ""))
      }
      for (code, id) in ids {
        let message = try await gateway.eventually("/api/messages/\(id)") {
          $0["status"] == "failed" || $0["status"] == "undelivered"
        }
        #expect(message["error"]?["code"]?.stringValue == "\(code.number)")
        #expect(message["error"]?["explanation"]?.stringValue?.isEmpty == false, "\(code.number)")
        #expect(message["error"]?["message"]?.stringValue?.isEmpty == false, "\(code.number)")
        #expect(message["error"]?["retryable"]?.boolValue == code.kind.hasPrefix("transient"), "\(code.number)")
      }
    }
  }

  @Test("an error that may pass is no failure: the message goes on being sent", arguments: [20003, 20429, 21611])
  func passing(code: Int) async throws {
    try await WholeGateway.run { gateway in
      let sent = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+150000\#(code)","channel":"sms","body":"x"}"#)
      let id = sent.json["id"]?.stringValue ?? ""
      _ = try await gateway.eventually("/api/channels/sms") {
        $0["health"]?["lastError"]?["code"]?.stringValue == "\(code)"
      }
      // Refused once, it waits in this status for its next try: a status never goes down.
      let message = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "sending" }
      #expect(message["error"]?.isNull == true && message["providerSid"]?.isNull == true, "\(message)")
    }
  }
}
