// The channels' options: what decodes, and what is refused with words.

import ChannelProtocol
import ChannelSMS
import ChannelWhatsApp
import Foundation
import Testing
import Twilio

@Suite struct ConfigurationTests {
  private func decode<Configuration: ChannelConfiguration>(_ type: Configuration.Type, _ json: String) throws
    -> Configuration
  {
    try JSONDecoder().decode(type, from: Data(json.utf8))
  }

  @Test("the options of the example configuration decode, with their defaults")
  func defaults() throws {
    let sms = try SMSChannel(
      configuration: decode(SMSConfiguration.self, #"{"from":["+15005550006"],"mps":2.5,"optOut":{"refuse":false}}"#),
      context: .test())
    #expect(sms.senders == [Sender(address: "+15005550006", messagesPerSecond: 2.5)])
    #expect(!sms.configuration.optOut.refuse)
    let mms = try MMSChannel(
      configuration: decode(MMSConfiguration.self, #"{"from":["+15005550006"]}"#), context: .test())
    #expect(mms.senders[0].messagesPerSecond == 1 && mms.configuration.optOut.refuse)
    let whatsapp = try WhatsAppChannel(
      configuration: decode(
        WhatsAppConfiguration.self, #"{"from":["whatsapp:+14155238886","+14155238886","+15005550006"]}"#),
      context: .test())
    #expect(whatsapp.senders.map(\.address) == ["+14155238886", "+15005550006"])
    #expect(whatsapp.senders[0].messagesPerSecond == 80 && whatsapp.configuration.window.policy == .reject)
    let hold = try decode(
      WhatsAppConfiguration.self, #"{"from":["+1"],"window":{"policy":"template","template":"HX1"}}"#)
    #expect(hold.window == WindowOptions(policy: .template, template: "HX1"))
  }

  @Test("a pool comes first, and the numbers in it may still be chosen")
  func poolAndNumbers() throws {
    let senders = TwilioSenders(from: ["+15005550006"], messagingService: "MG1")
    let channel = try SMSChannel(configuration: SMSConfiguration(senders: senders), context: .test())
    #expect(channel.senders.map(\.address) == ["MG1", "+15005550006"])
    let request = try channel.request(for: .test(body: "x"))
    #expect(request.from == "+15005550006" && request.messagingServiceSID == "MG1")
    #expect(try channel.request(for: .test(from: "MG1", body: "x")).from == nil)
  }

  @Test(
    "an SMS channel that cannot send is refused, and the option at fault is named",
    arguments: [
      (TwilioSenders(), ["from"]), (TwilioSenders(from: [""]), ["from", "0"]),
      (TwilioSenders(from: ["whatsapp:+15005550006"]), ["from", "0"]),
      (TwilioSenders(from: ["15005550006"]), ["from", "0"]),
      (TwilioSenders(from: ["+0123456789"]), ["from", "0"]),
      (TwilioSenders(from: ["+15005550006", "+1500555000x"]), ["from", "1"]),
      (TwilioSenders(messagingService: ""), ["messagingService"]),
      (TwilioSenders(messagingService: "SM1"), ["messagingService"]),
    ])
  func refused(senders: TwilioSenders, path: [String]) {
    let problem = #expect(throws: ConfigurationProblems.self) {
      try SMSChannel(configuration: SMSConfiguration(senders: senders), context: .test())
    }
    #expect(problem?.problems.map(\.path) == [path] && problem?.problems.first?.message.isEmpty == false)
  }

  @Test(
    "short codes and alphanumeric senders are addresses of SMS, not of WhatsApp", arguments: ["10101", "EXAMPLEBANK"])
  func otherSenders(address: String) throws {
    let senders = TwilioSenders(from: [address])
    let sms = try SMSChannel(configuration: SMSConfiguration(senders: senders), context: .test())
    #expect(sms.senders.map(\.address) == [address])
    #expect(throws: ConfigurationProblems.self) {
      try WhatsAppChannel(configuration: WhatsAppConfiguration(senders: senders), context: .test())
    }
  }

  @Test("the policy template needs a template")
  func windowPolicy() {
    let senders = TwilioSenders(from: ["+14155238886"])
    for (window, path) in [
      (WindowOptions(policy: .template), ["window", "policy"]),
      (WindowOptions(policy: .template, template: "MG1"), ["window", "template"]),
    ] {
      let configuration = WhatsAppConfiguration(senders: senders, window: window)
      let problem = #expect(throws: ConfigurationProblems.self) {
        try WhatsAppChannel(configuration: configuration, context: .test())
      }
      #expect(problem?.problems.map(\.path) == [path])
    }
  }

  @Test("every key that decodes is described, so that the checker knows it")
  func keys() {
    #expect(SMSConfiguration.keys.map(\.name) == ["from", "messagingService", "mps", "optOut", "smartEncoding"])
    #expect(MMSConfiguration.keys.map(\.name) == ["from", "messagingService", "mps", "optOut", "smartEncoding"])
    #expect(WhatsAppConfiguration.keys.map(\.name) == ["from", "messagingService", "mps", "window", "optOut"])
  }

  @Test("an SMS channel counts the parts of a text")
  func segments() throws {
    let senders = TwilioSenders(from: ["+14155238886"])
    let channel = try SMSChannel(configuration: SMSConfiguration(senders: senders), context: .test())
    #expect(channel.segments(of: "plain") == Segments(count: 1, encoding: .gsm7))
    #expect(channel.segments(of: String(repeating: "’", count: 71)) == Segments(count: 2, encoding: .ucs2))
  }

  @Test("with smart encoding an SMS channel counts, and asks for, what Twilio sends; an MMS channel asks for it too")
  func smartEncoding() throws {
    let json = Data(#"{"from":["+14155238886"],"smartEncoding":true}"#.utf8)
    let sms = try SMSChannel(
      configuration: JSONDecoder().decode(SMSConfiguration.self, from: json), context: .test())
    let text = String(repeating: "’", count: 160)
    #expect(sms.segments(of: text) == Segments(count: 1, encoding: .gsm7))
    #expect(sms.measure("a’👍").forcing.map(\.character) == ["👍"])
    let mms = try MMSChannel(
      configuration: JSONDecoder().decode(MMSConfiguration.self, from: json), context: .test())
    #expect(try sms.request(for: .test(body: text)).smartEncoded && mms.request(for: .test(body: text)).smartEncoded)
    let plain = try SMSChannel(
      configuration: SMSConfiguration(senders: TwilioSenders(from: ["+14155238886"])), context: .test())
    #expect(try !plain.request(for: .test(body: text)).smartEncoded)
  }

  @Test("capabilities say what is implemented")
  func capabilities() throws {
    let senders = TwilioSenders(from: ["+14155238886"])
    let sms = try SMSChannel(configuration: SMSConfiguration(senders: senders), context: .test()).capabilities
    let mms = try MMSChannel(configuration: MMSConfiguration(senders: senders), context: .test()).capabilities
    let whatsapp = try WhatsAppChannel(configuration: WhatsAppConfiguration(senders: senders), context: .test())
      .capabilities
    #expect(sms.maximumMedia == 0 && sms.segments && sms.window == nil && !sms.location)
    #expect(mms.maximumMedia == 10 && !mms.segments)
    #expect(whatsapp.maximumMedia == 1 && whatsapp.window == .seconds(86_400) && whatsapp.readReceipts)
    #expect(whatsapp.templates && whatsapp.location && whatsapp.interactive && !sms.interactive)
  }
}
