// Messages whose window closes while they wait.

import ChannelProtocol
import GatewayTesting
import Storage
import Testing

@testable import Gateway

@Suite("A window that closes while a message waits", .timeLimit(.minutes(2)))
struct ClosedWindowTests {
  /// Noon.
  private static let start = Timestamp(seconds: 1_767_225_600 + 12 * 3_600)
  private static let window = Duration.seconds(24 * 3_600)

  private func run(
    _ outside: ChannelPolicies.OutsideWindow, quietHours: QuietHours? = nil,
    _ body: (SenderLoopFixture, ManualClock) async throws -> Void
  ) async throws {
    let clock = ManualClock(Self.start, tick: .microseconds(1))
    try await SenderLoopFixture.run(
      rate: 50, clock: clock, window: Self.window, policies: ChannelPolicies(outsideWindow: outside),
      quietHours: quietHours
    ) { try await body($0, clock) }
  }

  private func write(_ sid: String, to fixture: SenderLoopFixture) async throws {
    _ = try await fixture.store.receive(
      InboundRecord(
        id: fixture.clock.makeIdentifier(),
        message: InboundMessage(
          accountSID: "AC1", providerSID: sid, channelType: .sms, from: "+14155550101", to: "+15005550006",
          body: "Hi", content: Content(.text("Hi")), receivedAt: fixture.clock.now(), raw: .empty),
        channel: "echo", line: "+15005550006"), deadline: .seconds(10))
  }

  @Test("where the channel rejects, it fails without a call when its turn comes too late, and goes when it does not")
  func rejected() async throws {
    try await run(.reject) { fixture, clock in
      try await write("SM1", to: fixture)
      let late = try await fixture.queue("late")
      clock.advance(by: Self.window)
      _ = try await fixture.loop().work()
      #expect(fixture.sent.calls == 0)
      let failed = try #require(try await fixture.store.message(late.id)).message
      #expect(failed.status == .failed && failed.error?.code == "outside_window")
      try await write("SM2", to: fixture)
      try await fixture.queue("in time")
      _ = try await fixture.loop().work()
      #expect(fixture.sent.bodies == ["in time"])
    }
  }

  @Test("where the channel holds, it waits for them to write again")
  func held() async throws {
    try await run(.hold) { fixture, clock in
      try await write("SM1", to: fixture)
      try await fixture.queue("late")
      clock.advance(by: Self.window)
      _ = try await fixture.loop().work()
      #expect(fixture.sent.calls == 0)
      try await write("SM2", to: fixture)
      _ = try await fixture.loop().work()
      #expect(fixture.sent.bodies == ["late"])
    }
  }

  @Test("where the channel has a template for it, the text goes in that, once, and the message says so")
  func replaced() async throws {
    try await run(.template(sid: "HX1")) { fixture, clock in
      try await fixture.syncTemplate("HX1", body: "News: {{1}}")
      try await write("SM1", to: fixture)
      let paced = try await fixture.queue("late")
      let scheduled = try await fixture.queue("planned", scheduledAt: clock.now() + Self.window - .seconds(1))
      clock.advance(by: Self.window)
      let loop = fixture.loop()
      _ = try await loop.work()
      #expect(
        Set(fixture.sent.templates) == [
          TemplateReference(sid: "HX1", variables: ["1": "late"]),
          TemplateReference(sid: "HX1", variables: ["1": "planned"]),
        ])
      #expect(fixture.sent.bodies == ["", ""])
      for (queued, text) in [(paced, "late"), (scheduled, "planned")] {
        let message = try #require(try await fixture.store.message(queued.id)).message
        #expect(message.status == .accepted && message.body == nil && message.template?.sid == "HX1")
        #expect(message.content == Content(.template(sid: "HX1", variables: ["1": text])))
      }
      _ = try await loop.work()
      #expect(fixture.sent.calls == 2)
    }
  }

  @Test("a message that quiet hours keep beyond the window goes in the morning, in the template")
  func replacedInTheMorning() async throws {
    // Quiet from one hour after noon for twenty-four hours but one minute: the queue runs into it.
    let hours = QuietHours(from: 13 * 60, to: 12 * 60 + 59, timeZone: "UTC")
    try await run(.template(sid: "HX1"), quietHours: hours) { fixture, clock in
      try await fixture.syncTemplate("HX1", body: "News: {{1}}")
      try await write("SM1", to: fixture)
      try await fixture.queue("late", quietZone: "UTC")
      clock.advance(by: .seconds(3_600))
      let next = try #require(try await fixture.loop().work())
      #expect(fixture.sent.calls == 0 && next - clock.now() > .seconds(80_000))
      clock.set(next + .seconds(1))
      _ = try await fixture.loop().work()
      #expect(fixture.sent.templates == [TemplateReference(sid: "HX1", variables: ["1": "late"])])
    }
  }

  @Test("a template that took a text's place is what is looked up, and what is sent again")
  func replacedAndLost() async throws {
    try await run(.template(sid: "HX1")) { fixture, clock in
      try await fixture.syncTemplate("HX1", body: "News: {{1}}")
      try await write("SM1", to: fixture)
      try await fixture.queue("late")
      clock.advance(by: Self.window)
      fixture.sent.refuse(with: SendFailure(.unknownOutcome, code: "1", message: "no answer"))
      _ = try await fixture.loop().work()
      #expect(fixture.sent.calls == 1)
      fixture.sent.refuse(with: nil)
      clock.advance(by: .seconds(40))
      // They write: the window is open again, and the message stays what it was called for as.
      try await write("SM2", to: fixture)
      _ = try await fixture.resolver().work()
      #expect(fixture.sent.lookUps.map(\.renderedTexts) == [["News: late"]])
      _ = try await fixture.loop().work()
      #expect(fixture.sent.templates == [TemplateReference(sid: "HX1", variables: ["1": "late"])])
    }
  }

  @Test("what no template can carry fails without a call, and says why: a picture, a template with other gaps")
  func irreplaceable() async throws {
    try await run(.template(sid: "HX1")) { fixture, clock in
      try await fixture.syncTemplate("HX1", body: "Dear {{name}}: {{1}}")
      try await write("SM1", to: fixture)
      let picture = try await fixture.queue("look", media: ["https://example.com/x.png"])
      let text = try await fixture.queue("late")
      clock.advance(by: Self.window)
      _ = try await fixture.loop().work()
      #expect(fixture.sent.calls == 0)
      for (queued, words) in [(picture, "only text"), (text, "its template cannot be sent: is required")] {
        let error = try #require(try await fixture.store.message(queued.id)?.message.error)
        #expect(error.code == "outside_window" && error.message.contains(words), "\(error.message)")
      }
    }
  }

  @Test("quiet hours that end after the window count when it is taken: it is judged by the time it leaves at")
  func quietHours() async throws {
    // Quiet from noon for twenty-three hours.
    let hours = QuietHours(from: 12 * 60, to: 11 * 60, timeZone: "UTC")
    func request() throws -> SendRequest {
      try SendRequest(BodyReader.parse(Array(#"{"to":"+14155550101","channel":"echo","body":"Hi"}"#.utf8)))
    }
    func intake(_ fixture: SenderLoopFixture) -> MessageIntake {
      MessageIntake(store: fixture.store, directory: ChannelDirectory([fixture.channel]), clock: fixture.clock)
    }
    try await run(.reject, quietHours: hours) { fixture, clock in
      try await write("SM1", to: fixture)
      clock.advance(by: .seconds(1_801))
      let taken = try await intake(fixture).accept(try request())
      #expect(taken.status == .scheduled, "the window is open in the morning")
      #expect(try await intake(fixture).preview(try request()).problems.isEmpty)
    }
    let later = QuietHours(from: 12 * 60, to: 11 * 60 + 59, timeZone: "UTC", repliesPass: false)
    try await run(.reject, quietHours: later) { fixture, clock in
      clock.set(Self.start - .seconds(3_600))
      try await write("SM1", to: fixture)
      clock.set(Self.start + .seconds(60))
      await #expect(throws: Problem.self) { _ = try await intake(fixture).accept(try request()) }
      #expect(try await intake(fixture).preview(try request()).problems.map(\.code) == ["outside_window"])
    }
  }
}
