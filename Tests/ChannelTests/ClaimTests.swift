// Whose a webhook is, of several channels at one pair of URLs.

import ChannelProtocol
import ChannelSMS
import ChannelWhatsApp
import Testing
import Twilio

@Suite struct ClaimTests {
  private let sms: SMSChannel
  private let mms: MMSChannel
  private let whatsapp: WhatsAppChannel

  init() throws {
    let phone = TwilioSenders(from: ["+15005550006", "10101"])
    sms = try SMSChannel(configuration: SMSConfiguration(senders: phone), context: .test())
    mms = try MMSChannel(configuration: MMSConfiguration(senders: phone), context: .test())
    let senders = TwilioSenders(from: ["whatsapp:+14155238886"])
    whatsapp = try WhatsAppChannel(configuration: WhatsAppConfiguration(senders: senders), context: .test())
  }

  private func claims(_ file: String) throws -> [WebhookClaim] {
    let request = WebhookRequest.signed(try Fixtures.fields(file))
    return [sms.claim(request), mms.claim(request), whatsapp.claim(request)]
  }

  @Test("all channels listen at the same two paths")
  func routes() {
    #expect(sms.routes == whatsapp.routes && mms.routes == sms.routes)
    #expect(
      sms.routes == [
        WebhookRoute(path: "/webhooks/twilio/incoming", purpose: .incoming),
        WebhookRoute(path: "/webhooks/twilio/status", purpose: .status),
      ])
  }

  @Test("our address decides, then the kind, then the account")
  func strength() throws {
    #expect(try claims("inbound_sms_basic.json") == [.exact, .address, .account])
    #expect(try claims("inbound_sms_to_short_code.json") == [.exact, .address, .account])
    #expect(try claims("inbound_mms_single_image.json") == [.address, .exact, .account])
    #expect(try claims("inbound_whatsapp_text.json") == [.account, .account, .exact])
    // A WhatsApp number that no channel names.
    #expect(try claims("inbound_whatsapp_reply_to_message.json") == [.account, .account, .kind])
    #expect(try claims("inbound_rcs_text.json") == [.account, .account, .account])
    #expect(try claims("status_sms_sent.json") == [.exact, .address, .account])
    #expect(try claims("status_mms_delivered.json") == [.address, .exact, .account])
    #expect(try claims("status_whatsapp_read.json") == [.account, .account, .kind])
    #expect(try claims("status_sms_canceled.json") == [.kind, .kind, .account])
  }

  @Test("a pool's webhooks are its channel's, whatever number they came to")
  func pool() throws {
    let senders = TwilioSenders(messagingService: "MGfeedc0de000000000000000000000001")
    let channel = try SMSChannel(configuration: SMSConfiguration(senders: senders), context: .test())
    #expect(try channel.claim(.signed(Fixtures.fields("inbound_sms_messaging_service.json"))) == .exact)
    #expect(try channel.claim(.signed(Fixtures.fields("status_sms_canceled.json"))) == .exact)
    #expect(try channel.claim(.signed(Fixtures.fields("inbound_sms_basic.json"))) == .kind)
    #expect(channel.senders == [Sender(address: "MGfeedc0de000000000000000000000001", messagesPerSecond: 1)])
  }

  @Test("another account's requests are nobody's, and a request without an account is claimed weakly")
  func accounts() throws {
    var account = Account.test
    account.accountSID = "ACother"
    let other = try SMSChannel(
      configuration: SMSConfiguration(senders: TwilioSenders(from: ["+15005550006"])), context: .test(account: account))
    let request = WebhookRequest.signed(try Fixtures.fields("inbound_sms_basic.json"))
    #expect(other.claim(request) == .none)
    #expect(throws: WebhookRejection.unknownAccount) { try other.receive(request) }
    #expect(sms.claim(.signed([(name: "x", value: "y")])) == .account)
  }

  @Test("a message of a channel nobody configured is read all the same, under its own type")
  func otherChannels() throws {
    for (file, type) in [
      ("inbound_rcs_text_plain_from.json", ChannelType.rcs), ("inbound_messenger_text.json", .messenger),
      ("inbound_mms_single_image.json", .mms),
    ] {
      guard case .message(let message) = try sms.receive(.signed(Fixtures.fields(file))).first else {
        Issue.record("\(file)")
        continue
      }
      #expect(message.channelType == type)
    }
  }

  @Test("several channels parse one request once")
  func parsedOnce() throws {
    let request = WebhookRequest.signed(try Fixtures.fields("inbound_sms_basic.json"))
    _ = sms.claim(request)
    var parses = 0
    let webhook = request.parsed(as: TwilioWebhook.self) { request in
      parses += 1
      return TwilioWebhook.reading(request)
    }
    #expect(parses == 0)
    #expect(webhook.kind == .message)
  }
}
