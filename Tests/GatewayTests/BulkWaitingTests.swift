// What happens to a bulk's recipients between its acceptance and the call: windows close, people opt out.

import ChannelProtocol
import GatewayTesting
import Storage
import Testing

@testable import Gateway

@Suite("A bulk while it waits", .timeLimit(.minutes(2)))
struct BulkWaitingTests {
  private static let start = Timestamp(seconds: 1_767_225_600)
  private static let window = Duration.seconds(24 * 3_600)
  private static let contact = "+14155550101"

  private func run(
    _ outside: ChannelPolicies.OutsideWindow, _ body: (SenderLoopFixture, ManualClock) async throws -> Void
  ) async throws {
    let clock = ManualClock(Self.start, tick: .microseconds(1))
    try await SenderLoopFixture.run(
      rate: 50, clock: clock, window: Self.window, policies: ChannelPolicies(outsideWindow: outside)
    ) { try await body($0, clock) }
  }

  /// - Parameter line: which of our senders the contact writes to.
  private func write(
    to fixture: SenderLoopFixture, line: String = "+15005550006", sid: String = "SM-in", optOut: OptOutSignal? = nil
  ) async throws {
    var message = InboundMessage(
      accountSID: "AC1", providerSID: sid, channelType: .sms, from: Self.contact, to: line, body: "Hi",
      content: Content(.text("Hi")), receivedAt: fixture.clock.now(), raw: .empty)
    message.optOut = optOut
    _ = try await fixture.store.receive(
      InboundRecord(id: fixture.clock.makeIdentifier(), message: message, channel: "echo", line: line),
      deadline: .seconds(10))
  }

  /// A bulk to the one contact, accepted as a request is.
  private func accept(_ fixture: SenderLoopFixture) async throws -> NewBulk {
    let request = try BulkRequest(
      BodyReader.parse(Array(#"{"channel":"echo","body":"News","recipients":[{"to":"+14155550101"}]}"#.utf8)))
    return try await BulkIntake(
      store: fixture.store, directory: ChannelDirectory([fixture.channel]), clock: fixture.clock
    ).accept(request, id: fixture.clock.makeIdentifier())
  }

  private func runner(_ fixture: SenderLoopFixture) -> BulkRunner {
    BulkRunner(
      store: fixture.store,
      intake: MessageIntake(
        store: fixture.store, directory: ChannelDirectory([fixture.channel]), clock: fixture.clock),
      node: fixture.clock.makeIdentifier(), logger: ThrowawayDatabase.silentLogger)
  }

  private func loop(_ fixture: SenderLoopFixture) -> SenderLoop {
    fixture.loop(key: fixture.channel.senderKey(Sender(address: "+15005550006", messagesPerSecond: 1)))
  }

  /// The contact writes, the bulk is accepted, and the window closes before its message is made, or before its call.
  private func close(
    _ fixture: SenderLoopFixture, _ clock: ManualClock, beforeMessage: Bool
  ) async throws -> (bulk: NewBulk, message: Message?) {
    try await write(to: fixture)
    let bulk = try await accept(fixture)
    #expect(bulk.recipients.count == 1 && bulk.refused.isEmpty)
    if beforeMessage { clock.advance(by: Self.window) }
    _ = try await runner(fixture).work()
    if !beforeMessage { clock.advance(by: Self.window) }
    _ = try await loop(fixture).work()
    return (bulk, try await message(in: fixture))
  }

  /// The bulk's only message: its id is that of its time, where it waited long to be made.
  private func message(in fixture: SenderLoopFixture) async throws -> Message? {
    var query = MessageQuery()
    query.direction = .outbound
    return try await fixture.store.messages(query, page: PageRequest()).items.first
  }

  @Test("where the channel rejects, nothing is called for: the recipient is rejected, or the message fails")
  func rejected() async throws {
    try await run(.reject) { fixture, clock in
      let (bulk, message) = try await close(fixture, clock, beforeMessage: true)
      #expect(message == nil && fixture.sent.calls == 0)
      let refused = try #require(try await fixture.store.bulk(bulk.id)?.refused)
      #expect(refused.map(\.code) == ["outside_window"])
    }
    try await run(.reject) { fixture, clock in
      let (bulk, message) = try await close(fixture, clock, beforeMessage: false)
      #expect(message?.status == .failed && message?.error?.code == "outside_window" && fixture.sent.calls == 0)
      #expect(try await fixture.store.bulk(bulk.id)?.counts == [.failed: 1])
    }
  }

  @Test("where the channel has a template for it, the recipient's text goes in that", arguments: [true, false])
  func replaced(beforeMessage: Bool) async throws {
    try await run(.template(sid: "HX1")) { fixture, clock in
      try await fixture.syncTemplate("HX1", body: "Hello: {{1}}")
      let (_, message) = try await close(fixture, clock, beforeMessage: beforeMessage)
      #expect(message?.status == .accepted && message?.template?.sid == "HX1")
      #expect(fixture.sent.templates == [TemplateReference(sid: "HX1", variables: ["1": "News"])])
      #expect(fixture.sent.calls == 1)
    }
  }

  @Test(
    "where the channel holds, the message waits for the contact, and goes once they write", arguments: [true, false])
  func held(beforeMessage: Bool) async throws {
    try await run(.hold) { fixture, clock in
      let (_, message) = try await close(fixture, clock, beforeMessage: beforeMessage)
      #expect(message != nil && fixture.sent.calls == 0)
      try await write(to: fixture, sid: "SM-again")
      _ = try await loop(fixture).work()
      #expect(fixture.sent.bodies == ["News"])
    }
  }

  private enum Moment: CaseIterable { case before, made, waiting }

  /// The contact opts out of one of our senders, or of all, at a moment of the bulk's life.
  private func optOut(of line: String?, _ moment: Moment) async throws -> (sent: Int, code: String?) {
    var outcome: (sent: Int, code: String?) = (0, nil)
    try await run(.reject) { fixture, _ in
      func optOut(at now: Moment) async throws {
        guard now == moment else { return }
        if let line { return try await write(to: fixture, line: line, sid: "SM-stop", optOut: .stop) }
        try await fixture.store.setOptOut(Address(type: .sms, value: Self.contact), optedOut: true)
      }
      try await write(to: fixture)
      try await optOut(at: .before)
      let bulk = try await accept(fixture)
      try await optOut(at: .made)
      _ = try await runner(fixture).work()
      try await optOut(at: .waiting)
      _ = try await loop(fixture).work()
      let refused = try await fixture.store.bulk(bulk.id)?.refused.first?.code
      let message = try await message(in: fixture)
      outcome = (fixture.sent.calls, bulk.refused.first?.code ?? refused ?? message?.error?.code)
    }
    return outcome
  }

  @Test("who opts out of the sender, or of all, gets nothing whenever that was; who opts out of another sender does")
  func optedOut() async throws {
    for moment in Moment.allCases {
      for line in ["+15005550006", nil] {
        let outcome = try await optOut(of: line, moment)
        #expect(outcome.sent == 0, "\(line ?? "all") \(moment)")
        #expect(
          outcome.code == (moment == .waiting ? "opted_out" : "recipient_opted_out"), "\(line ?? "all") \(moment)")
      }
      for line in ["+15005550007", "MG1"] {
        let outcome = try await optOut(of: line, moment)
        #expect(outcome.sent == 1 && outcome.code == nil, "\(line) \(moment)")
      }
    }
  }
}
