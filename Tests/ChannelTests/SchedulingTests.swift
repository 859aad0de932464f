// What Twilio keeps until its time, takes back, and lists.

import ChannelProtocol
import ChannelSMS
import ChannelWhatsApp
import HTTPTypes
import Testing
import Twilio

@Suite struct SchedulingTests {
  private static let service = "MGfeedc0de000000000000000000000001"
  private static let now = Timestamp(seconds: 1_790_783_000)

  private func channel(_ transport: ScriptedTransport, service: String? = Self.service) throws -> SMSChannel {
    try SMSChannel(
      configuration: SMSConfiguration(senders: TwilioSenders(from: ["+15005550006"], messagingService: service)),
      context: .test(transport: transport))
  }

  @Test("Twilio keeps a message of a service's from fifteen minutes to thirty-five days ahead")
  func window() throws {
    let pooled = try channel(ScriptedTransport([]))
    func keeps(_ ahead: Int, _ channel: SMSChannel) -> Bool {
      channel.canSchedule(from: Self.service, at: Self.now + .seconds(ahead), now: Self.now)
    }
    #expect(!keeps(0, pooled) && !keeps(15 * 60 - 1, pooled))
    #expect(keeps(15 * 60, pooled) && keeps(35 * 86_400, pooled))
    #expect(!keeps(35 * 86_400 + 1, pooled))
    #expect(!keeps(3_600, try channel(ScriptedTransport([]), service: nil)))
  }

  @Test("a message that is handed over early says so, with the time and its validity from then")
  func handOver() async throws {
    let transport = ScriptedTransport([try .init(fixture: "create_scheduled_201.json")])
    var message = OutboundMessage(
      id: Identifier(at: Self.now, randomness: 1), from: Self.service, to: "+14155550101", channelType: .sms,
      body: "Later", content: Content(.text("Later")), validity: .seconds(600), statusCallback: "")
    message.sendAt = Timestamp(rfc3339: "2026-10-01T08:00:00Z")
    let receipt = try await channel(transport).send(message)
    #expect(receipt.status == .accepted && receipt.providerStatus == "scheduled")
    let form = String(decoding: try #require(transport.asked.first).body, as: UTF8.self)
    #expect(form.contains("ScheduleType=fixed&SendAt=2026-10-01T08%3A00%3A00.000Z"))
    #expect(form.contains("ValidityPeriod=600") && form.contains("MessagingServiceSid=\(Self.service)"))
  }

  @Test("a message is taken back; one that went on already is refused, and a lost answer is no answer")
  func cancel() async throws {
    let transport = ScriptedTransport([
      try .init(fixture: "update_cancel_200.json"), try .init(fixture: "update_cancel_400_too_late.json"),
      .init(status: 502),
    ])
    let channel = try channel(transport)
    let update = try await channel.cancel(providerSID: "SMfeedc0de000000000000000000000101")
    #expect(update.report.status == .canceled && update.report.source == .provider)
    #expect(transport.asked.first?.body == Array("Status=canceled".utf8))
    await #expect { try await channel.cancel(providerSID: "SM1") } throws: { ($0 as? SendFailure)?.kind == .rejected }
    await #expect { try await channel.cancel(providerSID: "SM1") } throws: {
      ($0 as? SendFailure)?.kind == .unknownOutcome
    }
  }

  @Test("the account's list becomes messages and reports, page by page, as far back as was asked")
  func history() async throws {
    let transport = ScriptedTransport([
      try .init(fixture: "list_200_page1.json"), try .init(fixture: "list_200_last_page.json"),
      try .init(fixture: "list_200_page1.json"),
    ])
    let channel = try channel(transport)
    let start = try #require(Timestamp(rfc3339: "2026-09-30T15:00:00Z"))
    let first = try await channel.history(since: start, page: nil)
    #expect(transport.asked[0].url.contains("DateSent%3E=2026-09-30"))
    #expect(first.messages.count == 2)
    guard case .outbound(let report)? = first.messages.first,
      case .inbound(let message, hasFiles: false)? = first.messages.last
    else {
      Issue.record("\(first.messages)")
      return
    }
    #expect(report.report.status == .delivered && report.report.source == .poll)
    #expect(message.recovered && message.from == "+14155550101" && message.to == "+15005550006")
    #expect(message.content == Content(.text("Hello")) && message.channelType == .sms)
    #expect(message.receivedAt == Timestamp(rfc3339: "2026-09-30T15:42:01Z"))
    let next = try #require(first.next)
    let last = try await channel.history(since: start, page: next)
    #expect(transport.asked[1].url == "https://api.twilio.com" + next)
    #expect(last.next == nil)
    // Everything on this page is older: nothing is left to ask for.
    let late = try await channel.history(since: start + .seconds(3_600), page: nil)
    #expect(late.messages.isEmpty && late.next == nil)
  }

  @Test("the files of a listed message are named as its webhook would have named them")
  func files() async throws {
    let transport = ScriptedTransport([try .init(fixture: "media_list_200.json")])
    let message = InboundMessage(
      accountSID: "ACfeedc0de000000000000000000000001", providerSID: "MM1", channelType: .mms, from: "+1", to: "+2",
      body: "look", content: Content(.unknown(providerType: nil, raw: [:])), receivedAt: Self.now, recovered: true,
      raw: .empty)
    let whole = try await channel(transport).addingFiles(to: message)
    #expect(!whole.media.isEmpty && whole.content == Content(.media(caption: "look")))
    #expect(
      whole.media.allSatisfy {
        $0.url.hasPrefix(
          "https://api.twilio.com/2010-04-01/Accounts/ACfeedc0de000000000000000000000001/Messages/MM1/Media/ME")
      })
  }
}
