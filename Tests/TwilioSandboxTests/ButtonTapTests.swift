// A person touches what a message of ours offers; contents are what Twilio's description says.

import Foundation
import Testing

@testable import TwilioSandbox

@Suite("Buttons and lists")
struct ButtonTapTests {
  private static let menu = """
    {"language":"en","types":{"twilio/list-picker":{"body":"Where to?","button":"Choose",
      "items":[{"item":"New York","id":"nyc","description":"Twice a day"},{"item":"Denver","id":"den"}]}}}
    """
  private static let question = """
    {"language":"en","types":{"twilio/quick-reply":{"body":"Well?","actions":[{"title":"Yes","id":"y"}]}}}
    """

  /// Sends content to a phone, which then touches something.
  private func tap(_ content: String, _ choice: String, to: String) async throws -> [String: String] {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let sid = try await client.send(.post, "/v1/Content", json: content).json["sid"]?.string ?? ""
      let from = to.hasPrefix("whatsapp:") ? "whatsapp:+14155238886" : "+15005550006"
      let sent = try await client.send(
        .post, SandboxClient.path("/Messages.json"), form: FormFields(["To": to, "From": from, "ContentSid": sid]))
      let message = try #require(try sent.json["sid"]?.string)
      let receipt = try await sandbox.tap(ButtonTap(message: message, choice: choice))
      let form = sandbox.read { $0.log[receipt.sid]?.inboundForm?.dictionary } ?? [:]
      #expect(form["From"] == to && form["To"] == from)
      if to.hasPrefix("whatsapp:") { #expect(form["OriginalRepliedMessageSid"] == message) }
      return form
    }
  }

  @Test("a button comes back as Twilio tells it, with the message it was on")
  func button() async throws {
    for choice in ["Yes", "y"] {
      let form = try await tap(Self.question, choice, to: "whatsapp:+447700900123")
      #expect(form["ButtonText"] == "Yes" && form["ButtonPayload"] == "y" && form["Body"] == "Yes")
      #expect(form["MessageType"] == "interactive")
    }
  }

  @Test("a row comes back with id, title and description")
  func row() async throws {
    let form = try await tap(Self.menu, "New York", to: "whatsapp:+447700900123")
    #expect(form["ListId"] == "nyc" && form["ListTitle"] == "New York" && form["ListDescription"] == "Twice a day")
    #expect(form["MessageType"] == "interactive" && form["ButtonPayload"] == nil)
  }

  @Test("nothing else can be touched")
  func refusals() async throws {
    await #expect(throws: ControlError.self) { _ = try await tap(Self.menu, "Boston", to: "whatsapp:+447700900123") }
    try await Sandbox.withRunning(.test) { sandbox in
      let answer = try? await sandbox.tap(ButtonTap(message: "MM1", choice: "x"))
      #expect(answer == nil)
      let client = SandboxClient(sandbox: sandbox)
      for json in [#"{}"#, #"{"message":"MM1"}"#, #"{"message":"MM1","choice":"x","more":1}"#] {
        let refused = try await client.send(.post, "/sandbox/tap", json: json)
        #expect(refused.status == 400, "\(json)")
      }
    }
  }

  @Test(
    "content that is not what Twilio describes is refused",
    arguments: [
      #""twilio/poll":{}"#, #""twilio/quick-reply":{"body":"x"}"#, #""twilio/quick-reply":{"body":"x","actions":[]}"#,
      #""twilio/quick-reply":{"body":"x","actions":[{"id":"y"}]}"#,
      #""twilio/quick-reply":{"body":"x","actions":[{"title":"y","url":"z"}]}"#,
      #""twilio/list-picker":{"body":"x","button":"y","items":[{"item":"z"}]}"#,
      #""twilio/carousel":{"body":"x","cards":[{"body":"y","media":"z"}]}"#, #""whatsapp/card":{"header_text":"x"}"#,
    ])
  func shapes(type: String) async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let answer = try await SandboxClient(sandbox: sandbox).send(
        .post, "/v1/Content", json: #"{"language":"en","types":{\#(type)}}"#)
      #expect(answer.status == 400)
      #expect(try answer.json["code"] == .integer(20001))
    }
  }

  @Test("smart encoding replaces what looks alike before the parts are counted")
  func smartEncoding() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let text = String(repeating: "it’s “so” ", count: 10)
      var segments: [JSONValue?] = []
      for smart in ["false", "true"] {
        let sent = try await client.send(
          .post, SandboxClient.path("/Messages.json"),
          form: FormFields(["To": "+14155550101", "From": "+15005550006", "Body": text, "SmartEncoded": smart]))
        segments.append(try sent.json["num_segments"])
      }
      #expect(segments == [.string("2"), .string("1")])
    }
  }
}
