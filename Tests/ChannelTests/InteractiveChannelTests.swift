// Interactive content of the channels: what is deposited with Twilio, what is then sent, and how a deposit may fail.

import ChannelMessenger
import ChannelProtocol
import ChannelRCS
import ChannelWhatsApp
import Foundation
import Testing
import Twilio

@Suite struct InteractiveChannelTests {
  private static let data: JSONValue = ["body": "Well?", "actions": [["title": "Yes", "id": "y"]]]

  private func whatsApp(_ transport: ScriptedTransport = ScriptedTransport([])) throws -> WhatsAppChannel {
    try WhatsAppChannel(
      configuration: WhatsAppConfiguration(senders: TwilioSenders(from: ["+14155238886"])),
      context: .test(transport: transport))
  }

  @Test("content is created once under a name made of it, and the message names its SID")
  func created() async throws {
    let transport = ScriptedTransport([
      try .init(fixture: "content_create_201.json"), try .init(fixture: "create_whatsapp_template_201.json"),
    ])
    let channel = try whatsApp(transport)
    let content = try channel.interactive(type: "twilio/quick-reply", data: Self.data)
    #expect(content.type == "quick-reply" && content.text == "Well?")
    // Said or not, it is the same content.
    var said = Self.data.objectValue ?? [:]
    said["actions"] = [["type": "QUICK_REPLY", "title": "Yes", "id": "y"]]
    #expect(try channel.interactive(type: "quick-reply", data: .object(said)) == content)
    let sid = try await channel.deposit(content)
    #expect(sid == "HXfeedc0de000000000000000000000001")
    let created = try JSONDecoder().decode(JSONValue.self, from: Data(transport.asked[0].body))
    #expect(created["types"] == ["twilio/quick-reply": .object(said)] && created["language"] == "en")
    #expect(created["friendly_name"]?.stringValue == "fractal_\(content.digest.prefix(32))")
    #expect(transport.asked[0].url == "https://content.twilio.com/v1/Content")

    _ = try await channel.send(
      .test(
        .whatsapp, from: "+14155238886", to: "+447700900123", body: "Well?",
        content: .interactive(type: content.type, data: content.data),
        template: TemplateReference(sid: sid, variables: [:])))
    let form = FormFields(urlEncoded: transport.asked[1].body)
    #expect(form["ContentSid"] == sid && form["ContentVariables"] == "{}" && form["Body"] == nil)
  }

  @Test("each channel carries the kinds that Twilio has for it")
  func types() throws {
    let rcs = try RCSChannel(
      configuration: RCSConfiguration(senders: TwilioSenders(from: ["rcs:agent"])), context: .test())
    let messenger = try MessengerChannel(
      configuration: MessengerConfiguration(senders: TwilioSenders(from: ["messenger:1"])), context: .test())
    #expect(
      try whatsApp().capabilities.interactiveTypes == [
        "quick-reply", "list-picker", "call-to-action", "card", "carousel", "whatsapp-card",
      ])
    #expect(rcs.capabilities.interactiveTypes == ["quick-reply", "call-to-action", "card", "carousel"])
    #expect(messenger.capabilities.interactiveTypes == ["quick-reply", "call-to-action", "card"])
    let list: JSONValue = ["body": "x", "button": "y", "items": [["item": "z", "id": "z"]]]
    #expect(throws: InteractiveFaults.self) { try rcs.interactive(type: "list-picker", data: list) }
  }

  @Test("an authentication message is told how it must be sent")
  func authentication() throws {
    let faults = #expect(throws: InteractiveFaults.self) {
      try whatsApp().interactive(type: "whatsapp/authentication", data: [:])
    }
    #expect(faults?.faults.first?.path == "type")
    #expect(faults?.faults.first?.message.contains("contentSid") == true)
  }

  @Test("a deposit that fails says whether it may be made again; none leaves a message in doubt")
  func failures() async throws {
    let content = try whatsApp().interactive(type: "quick-reply", data: Self.data)
    let cases: [(ScriptedTransport.Answer, SendFailure.Kind)] = [
      (.init(status: 400, body: Array(#"{"code":20001,"message":"types is required","status":400}"#.utf8)), .rejected),
      (.init(status: 401, body: Array(#"{"code":20003,"message":"Authenticate","status":401}"#.utf8)), .misconfigured),
      (
        .init(status: 429, body: Array(#"{"code":20429,"message":"slow","status":429}"#.utf8)),
        .throttled(retryAfter: nil)
      ),
      (.init(status: 500, body: Array(#"{"code":20500,"message":"oops","status":500}"#.utf8)), .transient),
      (.init(status: 201, body: Array("{}".utf8)), .transient),
    ]
    for (answer, kind) in cases {
      let channel = try whatsApp(ScriptedTransport([answer, answer]))
      let failure = await #expect(throws: SendFailure.self) { _ = try await channel.deposit(content) }
      #expect(failure?.kind == kind)
    }
    #expect(try whatsApp().isDepositGone(SendFailure(.rejected, code: "21655", message: "x")))
    #expect(try !whatsApp().isDepositGone(SendFailure(.rejected, code: "21656", message: "x")))
  }
}
