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
