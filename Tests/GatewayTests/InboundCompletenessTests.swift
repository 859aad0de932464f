// What a message says beyond its text, from the wire to the API: replies, reactions, forms, advertisements, people
// without a number, and kinds that nobody has documented.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("What comes in is understood", .serialized, .timeLimit(.minutes(2)))
struct InboundCompletenessTests {
  @Test("a reply and a reaction name our message, and a reply to the contact's own message names that")
  func replies() async throws {
    try await WholeGateway.runForFixtures { gateway in
      let text = try FixtureFile.named("inbound_whatsapp_text")
      let reply = try FixtureFile.named("inbound_whatsapp_reply_to_message")
      let reaction = try FixtureFile.named("inbound_whatsapp_reaction")
      try await gateway.take(text)
      let original = try await gateway.message(providerSID: text.sid)
      let ours = try await gateway.sentToFixtureContact(sid: "SMfeedc0de000000000000000000009005")

      try await gateway.take(reply)
      #expect(try await gateway.message(providerSID: reply.sid)["replyTo"] == .string(ours))
      try await gateway.take(reaction, ["OriginalRepliedMessageSid": "SMfeedc0de000000000000000000009005"])
      let reacted = try await gateway.message(providerSID: reaction.sid)
      #expect(
        reacted["content"]
          == [
            "kind": "reaction", "emoji": "👍", "messageId": .string(ours),
            "providerMessageSid": "SMfeedc0de000000000000000000009005",
          ])
      try await gateway.take(
        reply, ["MessageSid": "SM1", "SmsSid": "SM1", "OriginalRepliedMessageSid": text.sid])
      #expect(try await gateway.message(providerSID: "SM1")["replyTo"] == original["id"])
      // Of a message that we never had, the provider's id is still in the payload.
      try await gateway.take(
        reply, ["MessageSid": "SM2", "SmsSid": "SM2", "OriginalRepliedMessageSid": "SMunheardof"])
      let stray = try await gateway.message(providerSID: "SM2")
      #expect(stray["replyTo"] == JSONValue.null && stray["raw"]?["OriginalRepliedMessageSid"] == "SMunheardof")
    }
  }

  @Test("buttons, lists, forms, forwarded messages and advertisements are what they are")
  func contents() async throws {
    try await WholeGateway.runForFixtures { gateway in
      func content(_ name: String) async throws -> JSONValue? {
        let file = try FixtureFile.named(name)
        try await gateway.take(file)
        return try await gateway.message(providerSID: file.sid)["content"]
      }
      let button = try await content("inbound_whatsapp_session_quick_reply")
      #expect(button?["kind"] == "buttonReply" && button?["payload"] == #"{"action":"agent","ticket":42}"#)
      let list = try await content("inbound_whatsapp_list_reply")
      #expect(list?["id"] == "dest_nyc" && list?["description"] == "Flights to New York")
      let form = try await content("inbound_whatsapp_flow_response")
      #expect(form?["kind"] == "interactive" && form?["type"] == "flowResponse")
      #expect(form?["data"]?["flow_token"] == "abcd1234")
      #expect(form?["data"]?["screen_2_Choose_all_that_apply_0"] == ["1_A_new_outfit"])
      #expect(try await content("inbound_whatsapp_forwarded")?["forwarded"] == true)
      let often = try await content("inbound_whatsapp_frequently_forwarded")
      #expect(often?["forwarded"] == true && often?["frequentlyForwarded"] == true)
      let advertisement = try await content("inbound_whatsapp_click_to_whatsapp_ad")
      #expect(advertisement?["kind"] == "text")
      #expect(advertisement?["referral"]?["ReferralCtwaClid"] == "ARAkLkA8rmlFeiCktEJQ-EXAMPLE-_zfUQ2a")
      #expect(advertisement?["referral"]?["ReferralSourceType"] == "ad")
      let place = try await content("inbound_whatsapp_location")
      #expect(place?["kind"] == "location" && place?["latitude"]?.numberValue != nil)
      let suggestion = try await content("inbound_rcs_suggested_reply")
      #expect(suggestion?["kind"] == "buttonReply" && suggestion?["payload"] == "postback_yes")
    }
  }

  @Test("a person without a number is a contact, is answered at their id, and is the same one with their number")
  func withoutNumber() async throws {
    try await WholeGateway.runForFixtures { gateway in
      let hidden = try FixtureFile.named("inbound_whatsapp_bsuid_only")
      try await gateway.take(hidden)
      let message = try await gateway.message(providerSID: hidden.sid)
      #expect(message["from"] == "US.13491208655302741918")
      let path = "/api/contacts/\(message["contactId"]?.stringValue ?? "")"
      let contact = try await gateway.call("GET", path).json
      #expect(contact["name"] == "sheena" && contact["channels"]?.arrayValue?.count == 1)
      let answer = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"whatsapp:US.13491208655302741918","body":"Hello Sheena"}"#)
      #expect(answer.status == 202 && answer.json["contactId"] == message["contactId"], "\(answer.text)")

      let text = try FixtureFile.named("inbound_whatsapp_text")
      try await gateway.take(text, ["ExternalUserId": "whatsapp:US.13491208655302741918"])
      #expect(try await gateway.message(providerSID: text.sid)["contactId"] == message["contactId"])
      let addresses = try await gateway.call("GET", path).json["channels"]?.arrayValue?.compactMap {
        $0["address"]?.stringValue
      }
      #expect(addresses == ["US.13491208655302741918", "+447700900123"])
    }
  }

  @Test(
    "edited and deleted messages, polls and whatever comes next are kept whole and named",
    arguments: ["edited", "deleted", "poll", "order", "system"])
  func unheardOf(type: String) async throws {
    try await WholeGateway.runForFixtures { gateway in
      let text = try FixtureFile.named("inbound_whatsapp_text")
      try await gateway.take(text, ["MessageType": type, "EditedMessageSid": "SM0"])
      let message = try await gateway.message(providerSID: text.sid)
      #expect(message["content"]?["kind"] == "unknown" && message["content"]?["providerType"] == .string(type))
      #expect(message["content"]?["raw"]?["EditedMessageSid"] == "SM0")
      #expect(message["body"]?.stringValue == text.fields["Body"])
      #expect(message["raw"] == message["content"]?["raw"])
    }
  }
}

extension WholeGateway {
  fileprivate func take(_ file: FixtureFile, _ change: [String: String] = [:]) async throws {
    #expect(try await post(file, to: "/webhooks/twilio/incoming", change) == 200, "\(file.name)")
  }

  /// A message of ours to the contact of the fixtures that the provider knows under this id. Returns our id.
  fileprivate func sentToFixtureContact(sid: String) async throws -> String {
    let sent = try await call(
      "POST", "/api/messages", json: #"{"to":"whatsapp:+447700900123","channel":"whatsapp","body":"Which one?"}"#)
    let id = try #require(sent.json["id"]?.stringValue, "\(sent.text)")
    let report = try FixtureFile.named("status_whatsapp_sent")
    let status = try await post(
      report, to: "/webhooks/twilio/status?message=\(id)", ["MessageSid": sid, "SmsSid": sid])
    #expect(status == 200)
    return id
  }
}
