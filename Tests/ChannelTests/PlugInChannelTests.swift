// What is particular to RCS and Messenger.

import ChannelMessenger
import ChannelProtocol
import ChannelRCS
import Foundation
import Testing
import Twilio

@Suite("RCS and Messenger")
struct PlugInChannelTests {
  private let pool = "MGfeedc0de000000000000000000000001"

  private func fields(_ channel: some TwilioChannel, _ message: OutboundMessage) throws -> [[String]] {
    try channel.request(for: message).fields.map { [$0.name, $0.value] }
  }

  private func rcs(_ json: String) throws -> RCSChannel {
    try RCSChannel(
      configuration: JSONDecoder().decode(RCSConfiguration.self, from: Data(json.utf8)), context: .test())
  }

  private func messenger(_ json: String) throws -> MessengerChannel {
    try MessengerChannel(
      configuration: JSONDecoder().decode(MessengerConfiguration.self, from: Data(json.utf8)), context: .test())
  }

  @Test("both sides of an RCS message have the prefix, and a file goes along with its text")
  func rcsRequest() throws {
    let channel = try rcs(#"{"from":["rcs:brand_agent"]}"#)
    let media = OutboundMessage.test(
      .rcs, from: "brand_agent", to: "+14155550134", body: "Look", content: .media(caption: nil), media: ["https://m/1"]
    )
    #expect(
      try fields(channel, media) == [
        ["To", "rcs:+14155550134"], ["From", "rcs:brand_agent"], ["Body", "Look"], ["MediaUrl", "https://m/1"],
      ])
    #expect(channel.senders == [Sender(address: "brand_agent", messagesPerSecond: 100)])
  }

  @Test("a pool may fall back to SMS only where the configuration lets it")
  func fallback() throws {
    let message = OutboundMessage.test(.rcs, from: pool, to: "+14155550134", body: "Hi")
    let strict = try rcs(#"{"messagingService":"\#(pool)"}"#)
    #expect(
      try fields(strict, message) == [["To", "rcs:+14155550134"], ["MessagingServiceSid", pool], ["Body", "Hi"]])
    let falling = try rcs(#"{"messagingService":"\#(pool)","from":["rcs:brand_agent"],"fallback":true}"#)
    #expect(
      try fields(falling, message) == [["To", "+14155550134"], ["MessagingServiceSid", pool], ["Body", "Hi"]])
    var named = message
    named.from = "brand_agent"
    #expect(try fields(falling, named).first == ["To", "rcs:+14155550134"], "an agent that was chosen is kept to")
    let problem = #expect(throws: ConfigurationProblems.self) {
      try rcs(#"{"from":["rcs:brand_agent"],"fallback":true}"#)
    }
    #expect(problem?.problems.map(\.path) == [["fallback"]])
  }

  @Test("RCS needs an agent or a pool, and an agent is no number", arguments: ["", "rcs:", "rcs:+1", "12345", "sms:x"])
  func agents(address: String) {
    let problem = #expect(throws: ConfigurationProblems.self) { try rcs(#"{"from":["\#(address)"]}"#) }
    #expect(problem?.problems.map(\.path) == [["from", "0"]])
  }

  @Test("a page and a person are ids with the prefix of Messenger")
  func messengerRequest() throws {
    let channel = try messenger(#"{"from":["messenger:100000000000001"]}"#)
    let message = OutboundMessage.test(.messenger, from: "100000000000001", to: "2000000000000002", body: "Hi")
    #expect(
      try fields(channel, message) == [
        ["To", "messenger:2000000000000002"], ["From", "messenger:100000000000001"], ["Body", "Hi"],
      ])
    #expect(channel.capabilities.recipients == .id && channel.capabilities.window == .seconds(86_400))
    for address in ["page", "whatsapp:+14155238886", "+14155238886"] {
      #expect(throws: ConfigurationProblems.self) { try messenger(#"{"from":["\#(address)"]}"#) }
    }
  }

  @Test("what the entries say reaches the engine")
  func policies() throws {
    let holding = try messenger(#"{"from":["1"],"outsideWindow":"hold","optOut":{"refuse":false}}"#)
    #expect(holding.policies == ChannelPolicies(refusesOptedOut: false, outsideWindow: .hold))
    #expect(try messenger(#"{"from":["1"]}"#).policies == ChannelPolicies())
    #expect(try !rcs(#"{"from":["brand"],"optOut":{"refuse":false}}"#).policies.refusesOptedOut)
    #expect(RCSConfiguration.keys.map(\.name) == ["from", "messagingService", "mps", "fallback", "optOut"])
    #expect(
      MessengerConfiguration.keys.map(\.name)
        == ["from", "messagingService", "mps", "outsideWindow", "holdFor", "optOut"])
  }

  @Test("each claims its own, and leaves the other's")
  func claims() throws {
    let rcs = try rcs(#"{"from":["rcs:brand_xyz123_agent"]}"#)
    let messenger = try messenger(#"{"from":["messenger:100000000000001"]}"#)
    for (file, claims) in [
      ("inbound_rcs_text.json", [WebhookClaim.exact, .account]),
      ("inbound_rcs_text_plain_from.json", [.exact, .account]),
      ("inbound_messenger_text.json", [.account, .exact]), ("status_rcs_read.json", [.exact, .account]),
      ("status_messenger_delivered.json", [.account, .exact]), ("inbound_sms_basic.json", [.account, .account]),
    ] {
      let request = WebhookRequest.signed(try Fixtures.fields(file))
      #expect([rcs.claim(request), messenger.claim(request)] == claims, "\(file)")
    }
  }
}
