// One sender's loop against a real store: how a claim, the pace and the clock go together.

import ChannelProtocol
import GatewayTesting
import Sinks
import Storage
import Testing

@testable import Gateway

@Suite("A sender's loop", .timeLimit(.minutes(2)))
struct SenderLoopTests {
  @Test("a claim that has nearly run out is given back uncalled, and nothing goes out twice")
  func claimsThatRunOut() async throws {
    try await SenderLoopFixture.run(rate: 2) { fixture in
      // Two messages to a claim, one every half second, and a claim that is good for a tenth: the second is given back.
      let loop = fixture.loop { context in
        context.claimLease = .milliseconds(600)
        context.callMargin = .milliseconds(500)
        context.claimAhead = .milliseconds(50)
      }
      for number in 1...4 { try await fixture.queue("message \(number)") }
      #expect(
        try await eventually(within: .seconds(30)) {
          _ = try await loop.work()
          return fixture.sent.bodies.count >= 4
        })
      _ = try await loop.work()
      #expect(fixture.sent.bodies.sorted() == (1...4).map { "message \($0)" })
    }
  }

  @Test("a message whose turn is far off is not claimed: it can still be overtaken, and taken over")
  func turnsFarOff() async throws {
    try await SenderLoopFixture.run(rate: 0.01) { fixture in
      let loop = fixture.loop()
      try await fixture.queue("first")
      try await fixture.queue("second")
      let next = try await loop.work()
      #expect(fixture.sent.bodies == ["first"])
      #expect(next.map { $0 - SystemClock().now() > .seconds(60) } ?? false)
      let waiting = try await fixture.store.messages(MessageQuery(), page: PageRequest()).items
      #expect(waiting.first { $0.body == "second" }?.status == .queued)
    }
  }

  @Test("an account that is refused ends no message: its sender waits, and all goes out when it is mended")
  func refusedAccount() async throws {
    let clock = ManualClock(SystemClock().now(), tick: .microseconds(1))
    try await SenderLoopFixture.run(rate: 50, clock: clock) { fixture in
      let loop = fixture.loop()
      var refusal = SendFailure(.misconfigured, code: "20003", message: "Authenticate")
      refusal.senderPause = .seconds(60)
      fixture.sent.refuse(with: refusal)
      try await fixture.queue("first")
      _ = try await loop.work()
      try await fixture.queue("second")
      let next = try #require(try await loop.work())
      #expect(fixture.sent.calls == 1, "whatever else it sent would be refused alike")
      #expect(next - clock.now() > .seconds(50))
      fixture.sent.refuse(with: nil)
      clock.advance(by: .seconds(80))
      _ = try await loop.work()
      #expect(fixture.sent.bodies.sorted() == ["first", "second"])
    }
  }

  @Test("two throttled calls and one without an answer are not three without an answer: the message goes out")
  func mixedFailures() async throws {
    let clock = ManualClock(SystemClock().now(), tick: .microseconds(1))
    try await SenderLoopFixture.run(rate: 50, clock: clock) { fixture in
      let loop = fixture.loop()
      try await fixture.queue("patient")
      for kind in [SendFailure.Kind.throttled(retryAfter: nil), .throttled(retryAfter: nil), .unknownOutcome] {
        fixture.sent.refuse(with: SendFailure(kind, code: "1", message: "not now"))
        _ = try await loop.work()
        clock.advance(by: .seconds(40))
      }
      fixture.sent.refuse(with: nil)
      // The provider has no such message, long after the call.
      _ = try await fixture.resolver().work()
      _ = try await loop.work()
      #expect(fixture.sent.bodies == ["patient"] && fixture.sent.calls == 4)
    }
  }

  @Test("however many outcomes an outage has left open, new messages go on, and nothing goes out twice")
  func openOutcomes() async throws {
    let clock = ManualClock(SystemClock().now(), tick: .microseconds(1))
    try await SenderLoopFixture.run(rate: 500, clock: clock) { fixture in
      let loop = fixture.loop()
      fixture.sent.refuse(with: SendFailure(.unknownOutcome, code: "1", message: "no answer"))
      for number in 0..<24 { try await fixture.queue("lost \(number)") }
      _ = try await loop.work()
      #expect(fixture.sent.calls == 24)
      fixture.sent.refuse(with: nil)
      clock.advance(by: .seconds(40))
      // The provider takes its time to say what it has.
      fixture.sent.closeGate()
      let resolving = Task { try await fixture.resolver().work() }
      #expect(await eventually { fixture.sent.lookUps.count == OutcomeResolver.concurrency })
      try await fixture.queue("new")
      _ = try await loop.work()
      #expect(fixture.sent.bodies == ["new"] && fixture.sent.lookUps.count == OutcomeResolver.concurrency)
      fixture.sent.openGate()
      #expect(try await resolving.value == nil)
      clock.advance(by: .seconds(1))
      _ = try await loop.work()
      #expect(fixture.sent.bodies.sorted() == (["new"] + (0..<24).map { "lost \($0)" }).sorted())
      #expect(fixture.sent.lookUps.count == 24)
    }
  }

  @Test("a template whose outcome nobody knows is looked up by what it says")
  func renderedTexts() async throws {
    let clock = ManualClock(SystemClock().now(), tick: .microseconds(1))
    try await SenderLoopFixture.run(rate: 50, clock: clock) { fixture in
      try await fixture.syncTemplate("HX1", body: "Dear {{1}}, {{ 2 }}!", samples: ["1": "you", "2": "hello"])
      fixture.sent.refuse(with: SendFailure(.unknownOutcome, code: "1", message: "no answer"))
      try await fixture.queue(template: TemplateReference(sid: "HX1", variables: ["1": "Sam", "2": "ciao"]))
      try await fixture.queue(template: TemplateReference(sid: "HX2", variables: [:]))
      _ = try await fixture.loop().work()
      clock.advance(by: .seconds(5))
      _ = try await fixture.resolver().work()
      let texts = fixture.sent.lookUps.sorted { ($0.template?.sid ?? "") < ($1.template?.sid ?? "") }.map(
        \.renderedTexts)
      #expect(texts == [["Dear Sam, ciao!"], []])
    }
  }

  @Test("a sender whose messages fail afterwards for speed goes slower, once for a burst of them")
  func braked() async throws {
    let clock = ManualClock(SystemClock().now(), tick: .microseconds(1))
    try await SenderLoopFixture.run(rate: 50, clock: clock) { fixture in
      let loop = fixture.loop()
      try await fixture.queue("first")
      _ = try await loop.work()
      let stored = try #require(try await fixture.store.messages(MessageQuery(), page: PageRequest()).items.first)
      func event(_ code: String) -> EncodedEvent {
        var message = stored
        message.status = .failed
        message.error = MessageError(code: code, message: "words")
        var writer = JSONWriter()
        message.write(to: &writer) { $0.member("previousStatus", "accepted") }
        return EncodedEvent(
          Event(
            seq: 1, id: message.id, type: .messageStatus, at: clock.now(), conversationID: nil, channel: "echo",
            data: writer.bytes))
      }
      let key = "AC1/sms/+15005550006"
      #expect(SenderBrake.senderKeys(event("30001"), in: ChannelDirectory([fixture.channel])) == [key])
      #expect(SenderBrake.senderKeys(event("30003"), in: ChannelDirectory([fixture.channel])).isEmpty)
      for _ in 0..<3 { await loop.brake() }
      #expect(await loop.rate == 25)
    }
  }
}
