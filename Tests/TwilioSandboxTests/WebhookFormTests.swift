// Webhook forms against the shared fixtures: the same fields, and the same values where both are fixed.

import Testing

@testable import TwilioSandbox

@Suite("Webhook forms")
struct WebhookFormTests {
  private static let account = "ACfeedc0de000000000000000000000001"
  /// What differs from message to message.
  private static let changing: Set<String> = [
    "MessageSid", "SmsSid", "SmsMessageSid", "MediaUrl0", "MediaUrl1", "ExternalUserId", "ChannelMetadata",
    "ChannelInstallSid", "RawDlrDoneDate", "FromZip", "FromCity", "FromState", "MessagingServiceSid",
  ]
  /// Fields that a phone sends along, which the sandbox takes from the request.
  private static let extras: Set<String> = [
    "ButtonText", "ButtonPayload", "ButtonType", "ListId", "ListTitle", "ListDescription", "OriginalRepliedMessageSid",
    "OriginalRepliedMessageSender", "Forwarded", "FrequentlyForwarded", "Latitude", "Longitude", "Address", "Label",
    "OptOutType",
  ]

  private static func state() -> SandboxState {
    var configuration = SandboxConfiguration.test
    configuration.accounts = [
      SandboxAccount(
        sid: account,
        senders: [
          "+15005550006", "whatsapp:+14155238886", "whatsapp:+15005550006", "rcs:brand_xyz123_agent",
          "messenger:100000000000001",
        ], webhooks: SandboxWebhooks(incoming: "http://127.0.0.1:1/in", status: "http://127.0.0.1:1/status"))
    ]
    return SandboxState(configuration)
  }

  @Test(
    "an inbound message has the fields of the fixture, no more and no less, with its values",
    arguments: [
      "inbound_sms_basic", "inbound_sms_unicode_emoji", "inbound_sms_empty_body", "inbound_sms_special_form_chars",
      "inbound_sms_international_no_geo_values", "inbound_sms_short_code_sender", "inbound_sms_messaging_service",
      "inbound_sms_whitespace_preserved", "inbound_sms_stop_default_handling", "inbound_sms_optout_stop_advanced",
      "inbound_mms_single_image", "inbound_mms_ten_media", "inbound_mms_vcard", "inbound_whatsapp_text",
      "inbound_whatsapp_image_caption", "inbound_whatsapp_sticker", "inbound_whatsapp_voice_note",
      "inbound_whatsapp_document_pdf", "inbound_whatsapp_video", "inbound_whatsapp_contact_card",
      "inbound_whatsapp_location", "inbound_whatsapp_template_quick_reply", "inbound_whatsapp_list_reply",
      "inbound_whatsapp_reply_to_message", "inbound_whatsapp_messaging_service", "inbound_rcs_text",
      "inbound_messenger_text",
    ])
  func inbound(name: String) throws {
    let expected = try Fixture.form(name)
    var text = InboundText(from: expected["From"] ?? "", to: expected["To"], body: expected["Body"] ?? "")
    text.profileName = expected["ProfileName"] ?? ""
    text.messagingServiceSID = expected["MessagingServiceSid"]
    text.media = (0..<(Int(expected["NumMedia"] ?? "") ?? 0)).map {
      .init(contentType: expected["MediaContentType\($0)"] ?? "")
    }
    for (field, value) in expected where Self.extras.contains(field) { text.extra.append(field, value) }

    var state = Self.state()
    let webhook = try #require(
      try state.receive(text, mediaBaseURL: "https://api.twilio.com", now: .now).webhook)
    let form = webhook.form.dictionary
    #expect(Set(form.keys) == Set(expected.keys))
    #expect(webhook.form.fields.count == form.count)
    for (field, value) in expected where !Self.changing.contains(field) && !field.hasPrefix("MediaUrl") {
      #expect(Array((form[field] ?? "nil").utf8) == Array(value.utf8), "\(field)")
    }
    #expect(form["MessageSid"]?.prefix(2) == expected["MessageSid"]?.prefix(2))
    if let url = form["MediaUrl0"] {
      #expect(
        url.wholeMatch(
          of: /https:\/\/api.twilio.com\/2010-04-01\/Accounts\/AC\w{32}\/Messages\/MM\w{32}\/Media\/ME\w{32}/) != nil)
    }
  }

  @Test(
    "a status callback has the fields of the fixture, with its values",
    arguments: [
      "status_sms_sending", "status_sms_sent", "status_sms_delivered", "status_mms_delivered",
      "status_sms_undelivered_30003", "status_sms_undelivered_30007", "status_sms_failed_30001",
      "status_sms_failed_21610", "status_sms_queued_messaging_service", "status_sms_canceled", "status_whatsapp_sent",
      "status_whatsapp_template_sent", "status_whatsapp_delivered", "status_whatsapp_read",
      "status_whatsapp_failed_63016", "status_whatsapp_undelivered_63024", "status_messenger_delivered",
    ])
  func status(name: String) throws {
    let expected = try Fixture.form(name)
    let status = try #require(expected["MessageStatus"].flatMap(SandboxMessage.Status.init))
    let now = UTCTime(microseconds: 1_790_783_000_000_000)
    var message = SandboxMessage(
      sid: expected["MessageSid"] ?? "", accountSID: Self.account, messagingServiceSID: expected["MessagingServiceSid"],
      from: expected["From"] == "" ? nil : expected["From"], to: expected["To"] ?? "", body: "x", status: status,
      direction: .outboundAPI, segments: 1, media: [], contentSID: name.contains("template") ? "HX" : nil,
      errorCode: expected["ErrorCode"].flatMap { Int($0) }, created: now, updated: now)
    message.outcome = .delivered
    let form = StatusCallbackForm.make(message, now: now).dictionary
    // Not every carrier names a reason in words.
    let optional: Set<String> = ["ErrorMessage"]
    #expect(Set(form.keys).subtracting(optional) == Set(expected.keys).subtracting(optional))
    for (field, value) in expected where !Self.changing.contains(field) && !optional.contains(field) {
      #expect(form[field] == value, "\(field)")
    }
  }

  @Test("a receipt is dated as carriers date it")
  func receipt() throws {
    let time = try #require(UTCTime.parse("2026-09-30T15:42:01Z")?.time)
    #expect(time.carrierDate == "2609301542")
    #expect(time.rfc2822 == "Wed, 30 Sep 2026 15:42:01 +0000")
    #expect(UTCTime(microseconds: -1).rfc2822 == "Wed, 31 Dec 1969 23:59:59 +0000")
    #expect(try #require(UTCTime.parse("2024-02-29")).time.rfc2822 == "Thu, 29 Feb 2024 00:00:00 +0000")
    #expect(UTCTime.parse("2019-06-11 22:05:25.000")?.time.rfc2822 == "Tue, 11 Jun 2019 22:05:25 +0000")
    #expect(UTCTime.parse("2019-06-11T22:05:25+02:00") == nil)
    #expect(UTCTime.parse("yesterday") == nil)
  }
}
