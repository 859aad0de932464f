// Every channel that comes with Fractal, held to the contract of adapters with every payload there is.

import ChannelMessenger
import ChannelProtocol
import ChannelRCS
import ChannelSMS
import ChannelWhatsApp
import GatewayTesting
import Testing
import Twilio

@Suite("The channels keep the contract of adapters")
struct AdapterConformanceTests {
  private let pool = "MGfeedc0de000000000000000000000001"

  @Test("SMS")
  func sms() async throws {
    let configuration = SMSConfiguration(senders: TwilioSenders(from: ["+15005550006", "10101"]))
    let fixtures = try AdapterFixtures<SMSChannel>.twilio(
      configuration, payloads: ["sms"], recipient: "+14155550101")
    #expect(fixtures.requests.count > 30 && fixtures.failures.count > 100)
    #expect(try await AdapterConformance(fixtures).violations() == [])
  }

  @Test("MMS")
  func mms() async throws {
    let configuration = MMSConfiguration(senders: TwilioSenders(from: ["+15005550006"]))
    let fixtures = try AdapterFixtures<MMSChannel>.twilio(
      configuration, payloads: ["mms"], recipient: "+14155550101")
    #expect(fixtures.requests.count == 5)
    #expect(try await AdapterConformance(fixtures).violations() == [])
  }

  @Test("WhatsApp")
  func whatsapp() async throws {
    let configuration = WhatsAppConfiguration(senders: TwilioSenders(from: ["whatsapp:+14155238886"]))
    let fixtures = try AdapterFixtures<WhatsAppChannel>.twilio(
      configuration, payloads: ["whatsapp"], recipient: "+447700900123")
    #expect(fixtures.requests.count > 30)
    #expect(try await AdapterConformance(fixtures).violations() == [])
  }

  @Test("RCS, by an agent and by a pool that may fall back to SMS")
  func rcs() async throws {
    let agent = RCSConfiguration(senders: TwilioSenders(from: ["rcs:brand_xyz123_agent"]))
    let falling = RCSConfiguration(senders: TwilioSenders(messagingService: pool), fallback: true)
    for configuration in [agent, falling] {
      let fixtures = try AdapterFixtures<RCSChannel>.twilio(
        configuration, payloads: ["rcs"], and: ["status_rcs_fallback_to_sms_delivered.json"],
        recipient: "+14155550134")
      #expect(fixtures.requests.count == 9)
      #expect(try await AdapterConformance(fixtures).violations() == [])
    }
  }

  @Test("Messenger")
  func messenger() async throws {
    let configuration = MessengerConfiguration(senders: TwilioSenders(from: ["messenger:100000000000001"]))
    let fixtures = try AdapterFixtures<MessengerChannel>.twilio(
      configuration, payloads: ["messenger"], recipient: "2000000000000002")
    #expect(fixtures.requests.count == 4)
    #expect(try await AdapterConformance(fixtures).violations() == [])
  }
}
