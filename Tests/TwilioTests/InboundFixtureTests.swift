// Every inbound payload, through signature and parser, against the reference interpretation.

import ChannelProtocol
import Foundation
import HTTPTypes
import Testing

@testable import Twilio

@Suite struct InboundFixtureTests {
  static let fixtures = (try? Fixtures.index(kind: "inbound")) ?? []

  private func message(_ file: String) throws -> InboundMessage {
    let request = WebhookRequest.signed(try Fixtures.fields(file))
    guard case .message(let message) = try TwilioLine.test().receive(request).first
    else { throw CocoaError(.coderInvalidValue) }
    return message
  }

  @Test("every inbound fixture is read as its reference says, and no field is lost")
  func allFixtures() throws {
    #expect(Self.fixtures.count > 50)
    for fixture in Self.fixtures {
      let file = try #require(fixture["file"]?.stringValue)
      let expect = try #require(fixture["expect"])
      let message = try message(file)
      let comment = Comment(rawValue: file)
      #expect(message.accountSID == expect["account_sid"]?.stringValue, comment)
      #expect(message.providerSID == expect["message_sid"]?.stringValue, comment)
      #expect(message.channelType.rawValue == expect["channel"]?.stringValue, comment)
      #expect(message.from == expect["from"]?.stringValue.map { Address.split($0).value }, comment)
      #expect(message.to == expect["to"]?.stringValue.map { Address.split($0).value }, comment)
      #expect(message.body == expect["body"]?.stringValue, comment)
      #expect(message.segmentCount.map { Int64($0) } == expect["num_segments"]?.integerValue, comment)
      #expect(message.media.map(\.url) == expect["media"]?.arrayValue?.map { $0["url"]?.stringValue }, comment)
      #expect(
        message.media.map(\.contentType) == expect["media"]?.arrayValue?.map { $0["content_type"]?.stringValue },
        comment)
      #expect(message.content.forwarded ?? false == expect["forwarded"]?.boolValue, comment)
      #expect(message.content.frequentlyForwarded ?? false == expect["frequently_forwarded"]?.boolValue, comment)
      #expect((message.content.referral != nil) == expect["has_referral"]?.boolValue, comment)
      #expect(
        (message.isOptOutAnswered ? message.optOut?.rawValue.uppercased() : nil) == expect["opt_out_type"]?.stringValue,
        comment)
      #expect(message.profileName == expect["profile_name"]?.stringValue, comment)
      #expect(message.replyToProviderSID == expect["reply_to"]?["sid"]?.stringValue, comment)
      #expect(message.receivedAt == Sample.now && !message.recovered, comment)
      if let id = expect["external_user_id"]?.stringValue.map({ Address.split($0).value }) {
        #expect(message.from == id || message.aliases.contains(id), comment)
      }
      try checkContent(message, expect, comment)
      let raw = try JSONValue(message.raw).objectValue
      #expect(try raw == Fixtures.json(file).objectValue, comment)
    }
  }

  private func checkContent(_ message: InboundMessage, _ expect: JSONValue, _ comment: Comment) throws {
    if let button = expect["button"], !button.isNull {
      switch message.content.kind {
      case .buttonReply(let text, let payload):
        #expect(text == button["text"]?.stringValue && payload == button["payload"]?.stringValue, comment)
      case .listReply(let id, let title, _):
        #expect(title == button["text"]?.stringValue && id == button["payload"]?.stringValue, comment)
      default: Issue.record("\(comment): neither a button's nor a list's answer")
      }
    }
    if let place = expect["location"], !place.isNull {
      guard case .location(let location) = message.content.kind else {
        Issue.record("\(comment): no location")
        return
      }
      #expect(location.latitude == Double(place["latitude"]?.stringValue ?? ""), comment)
      #expect(location.longitude == Double(place["longitude"]?.stringValue ?? ""), comment)
      #expect(
        location.label == place["label"]?.stringValue && location.address == place["address"]?.stringValue, comment)
    }
    if expect["has_flow_response"]?.boolValue == true {
      guard case .interactive(let type, let data) = message.content.kind else {
        Issue.record("\(comment): no form")
        return
      }
      #expect(type == "flowResponse" && data["flow_token"]?.stringValue == "abcd1234", comment)
    }
  }

  @Test(
    "the kind of content is told by what the fields carry",
    arguments: [
      ("inbound_sms_basic.json", "text"), ("inbound_sms_empty_body.json", "text"),
      ("inbound_mms_single_image.json", "media"), ("inbound_mms_vcard.json", "contacts"),
      ("inbound_mms_text_plus_pdf_audio.json", "media"), ("inbound_whatsapp_image_caption.json", "media"),
      ("inbound_whatsapp_sticker.json", "sticker"), ("inbound_whatsapp_contact_card.json", "contacts"),
      ("inbound_whatsapp_location_pin_only.json", "location"), ("inbound_whatsapp_reaction.json", "reaction"),
      ("inbound_whatsapp_list_reply.json", "listReply"), ("inbound_whatsapp_session_quick_reply.json", "buttonReply"),
      ("inbound_whatsapp_flow_response.json", "interactive"), ("inbound_whatsapp_unsupported_empty.json", "unknown"),
      ("inbound_whatsapp_unknown_future_params.json", "text"), ("inbound_rcs_suggested_action.json", "buttonReply"),
      ("inbound_whatsapp_voice_call_permission.json", "buttonReply"),
      ("inbound_whatsapp_text_legacy_shape.json", "text"),
      ("fallback_url_inbound_with_error.json", "text"),
    ])
  func kinds(file: String, kind: String) throws {
    var writer = JSONWriter()
    try message(file).content.write(to: &writer)
    let json = try JSONValue(RawPayload(json: writer.bytes))
    #expect(json["kind"]?.stringValue == kind)
  }

  @Test("a reaction keeps its emoji and the message it is on, a list's answer its description")
  func details() throws {
    #expect(
      try message("inbound_whatsapp_reaction.json").content.kind
        == .reaction(emoji: "👍", messageID: nil, providerMessageSID: "SMfeedc0de000000000000000000009006"))
    #expect(
      try message("inbound_whatsapp_list_reply.json").content.kind
        == .listReply(id: "dest_nyc", title: "NYC", description: "Flights to New York"))
    #expect(try message("inbound_whatsapp_document_pdf.json").media.first?.filename == "invoice-2026-09.pdf")
    #expect(try message("inbound_whatsapp_image_caption.json").content.kind == .media(caption: "front of the house"))
  }

  @Test("a kind not understood is kept whole, and its type is named")
  func unknownKind() throws {
    guard case .unknown(let type, let raw) = try message("inbound_whatsapp_unsupported_empty.json").content.kind
    else {
      Issue.record("not unknown")
      return
    }
    #expect(type == "unsupported")
    #expect(try raw == Fixtures.json("inbound_whatsapp_unsupported_empty.json").objectValue)
  }

  @Test("of a person with a phone number and a business-scoped id each is the other's alias")
  func aliases() throws {
    #expect(try message("inbound_whatsapp_text.json").aliases == ["GB.9F3K2L7Q0X4V8Z1M"])
    #expect(try message("inbound_whatsapp_bsuid_only.json").aliases == [])
    #expect(try message("inbound_whatsapp_parent_bsuid.json").aliases == ["BR.5K9P2R7T1V3X8Z0Q"])
  }

  @Test("the advertisement a message came from is kept by Twilio's names")
  func referral() throws {
    let referral = try #require(try message("inbound_whatsapp_click_to_whatsapp_ad.json").content.referral)
    #expect(referral["ReferralHeadline"] == "Send us a message")
    #expect(referral["ReferralCtwaClid"] == "ARAkLkA8rmlFeiCktEJQ-EXAMPLE-_zfUQ2a")
    #expect(referral.keys.allSatisfy { $0.hasPrefix("Referral") })
  }

  @Test("hostile fields make unknown content or plain text, never a crash or a NUL")
  func hostileFields() throws {
    let base = [
      ("AccountSid", Sample.accountSID), ("MessageSid", "SM1"), ("From", "whatsapp:+1"), ("To", "whatsapp:+2"),
    ]
    func content(_ fields: [(String, String)]) throws -> Content.Kind? {
      let all = (base + fields).map { (name: $0.0, value: $0.1) }
      guard case .message(let message) = try TwilioLine.test().receive(.signed(all)).first else { return nil }
      return message.content.kind
    }
    let nested = String(repeating: "[", count: 5_000)
    #expect(try content([("InteractiveData", nested)]) == .interactive(type: "interactive", data: .string(nested)))
    #expect(
      try content([("FlowData", #"{"a":"x\u0000y"}"#)])
        == .interactive(type: "flowResponse", data: ["a": "x\u{FFFD}y"]))
    #expect(try content([("Body", "a\0b")]) == .text("a\u{FFFD}b"))
    guard case .unknown = try content([("MessageType", "location"), ("Latitude", "nan"), ("Longitude", "1e999")]) else {
      Issue.record("nowhere is no place")
      return
    }
    guard case .unknown = try content([("MessageType", "poll"), ("Body", "which?")]) else {
      Issue.record("a poll is no text")
      return
    }
  }

  @Test("a message sent by GET is read from the query")
  func get() throws {
    let fields = try Fixtures.fields("inbound_whatsapp_text.json")
    guard case .message(let message) = try TwilioLine.test().receive(.signed(fields, method: .get)).first else {
      Issue.record("no message")
      return
    }
    #expect(message.body == "Hello from WhatsApp 👋")
    #expect(try JSONValue(message.raw) == Fixtures.json("inbound_whatsapp_text.json"))
  }
}
