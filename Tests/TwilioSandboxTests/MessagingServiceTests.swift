// Messaging Services as senders: a pool, a sticky choice, and the service's id on everything.

import Testing

@testable import TwilioSandbox

@Suite("Messaging Services")
struct MessagingServiceTests {
  private static let service = "MG" + String(repeating: "a", count: 32)
  private static let other = "MG" + String(repeating: "b", count: 32)
  private static let pool = ["+15005550016", "+15005550026", "whatsapp:+14155238886"]
  private static let start = UTCTime(microseconds: 1_790_783_000_000_000)

  private static func state() -> SandboxState {
    var configuration = SandboxConfiguration.test
    configuration.accounts[0].senders = ["+15005550006"] + pool
    configuration.accounts[0].services = [service: pool]
    return SandboxState(configuration)
  }

  private static func send(
    _ state: inout SandboxState, to: String, service: String = service
  ) throws(TwilioError) -> SandboxMessage {
    var form = FormFields(["To": to, "MessagingServiceSid": service, "Body": "x"])
    form.append("StatusCallback", "http://127.0.0.1:1/status")
    return try state.create(form, account: state.accounts[0], now: start).message
  }

  private static func finish(_ state: inout SandboxState) -> [OutgoingWebhook] {
    var told: [OutgoingWebhook] = []
    while let due = state.nextDue { told += state.advance(to: due) }
    return told
  }

  @Test("only the account's own services are taken, once it names some")
  func known() throws {
    var state = Self.state()
    #expect(throws: TwilioError.invalidService) {
      try Self.send(&state, to: "+14155550101", service: Self.other)
    }
    state.accounts[0].services = [:]
    #expect(try Self.send(&state, to: "+14155550101", service: Self.other).messagingServiceSID == Self.other)
  }

  @Test("a number of the pool is chosen late, evenly, and for one person always the same")
  func sticky() throws {
    var state = Self.state()
    let people = ["+14155550101", "+14155550102", "+14155550101", "+14155550102", "whatsapp:+447700900123"]
    let sids = try people.map { person in
      let message = try Self.send(&state, to: person)
      #expect(message.from == nil && message.json["from"] == .null && message.status == .accepted)
      return message.sid
    }
    let told = Self.finish(&state)
    let senders = sids.map { state.log[$0]?.from }
    #expect(Set(senders[0...1]) == ["+15005550016", "+15005550026"])
    #expect(senders[2] == senders[0] && senders[3] == senders[1])
    #expect(senders[4] == "whatsapp:+14155238886")
    #expect(told.allSatisfy { $0.form["MessagingServiceSid"] == Self.service })
    let first = told.filter { $0.messageSID == sids[0] }
    #expect(first.first?.status == .queued && first.allSatisfy { $0.form["From"] == senders[0] })
    #expect(state.log[sids[0]]?.json["messaging_service_sid"] == .string(Self.service))
  }

  @Test("whoever writes to a number of the pool is answered from it, and the webhook names the service")
  func inbound() throws {
    var state = Self.state()
    state.accounts[0].webhooks.incoming = "http://127.0.0.1:1/incoming"
    let text = InboundText(from: "+14155550109", to: "+15005550026", body: "hello")
    let received = try state.receive(text, mediaBaseURL: "", now: Self.start)
    #expect(received.webhook?.form["MessagingServiceSid"] == Self.service)
    let sid = try Self.send(&state, to: "+14155550109").sid
    _ = Self.finish(&state)
    #expect(state.log[sid]?.from == "+15005550026")
    let plain = try state.receive(
      InboundText(from: "+14155550109", to: "+15005550006", body: "x"), mediaBaseURL: "", now: Self.start)
    #expect(plain.webhook?.form["MessagingServiceSid"] == nil)
  }

  @Test("a scheduled message of a service is listed, fires at its time, and says where it came from then")
  func scheduled() throws {
    var state = Self.state()
    var form = FormFields([
      "To": "+14155550101", "MessagingServiceSid": Self.service, "Body": "x", "ScheduleType": "fixed",
      "SendAt": "2026-09-30T16:00:00.123Z",
    ])
    form.append("StatusCallback", "http://127.0.0.1:1/status")
    let message = try state.create(form, account: state.accounts[0], now: Self.start).message
    #expect(message.status == .scheduled && message.from == nil)
    #expect(
      state.log.page(where: { $0.status == .scheduled }, size: 10, token: nil).messages.map(\.sid) == [message.sid])
    let due = try #require(state.nextDue)
    #expect(due == message.sendAt)
    let before = UTCTime(microseconds: due.microseconds - 1)
    #expect(state.advance(to: before).isEmpty)
    #expect(Self.finish(&state).map(\.status.rawValue) == ["queued", "sending", "sent", "delivered"])
    #expect(state.log[message.sid]?.from == "+15005550016")
  }
}
