// How fast a sender may go.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("A sender's pace")
struct PacerTests {
  private let start = Timestamp(seconds: 1_000)

  @Test("parts leave one at a time, at the rate")
  func evenly() {
    var pacer = Pacer(rate: 2, now: start)
    let times = (0..<4).map { _ in pacer.reserve(units: 1, now: start) - start }
    #expect(times == [.zero, .milliseconds(500), .seconds(1), .milliseconds(1_500)])
  }

  @Test("a look at the next turn takes no place")
  func look() {
    var pacer = Pacer(rate: 0.1, now: start)
    #expect(pacer.nextStart(now: start) == start)
    _ = pacer.reserve(units: 1, now: start)
    #expect(pacer.nextStart(now: start) - start == .seconds(10))
    #expect(pacer.nextStart(now: start + .seconds(60)) == start + .seconds(60))
    pacer.throttled(retryAfter: .seconds(90), now: start)
    #expect(pacer.nextStart(now: start) - start == .seconds(90))
  }

  @Test("a message of three parts takes three places")
  func segments() {
    var pacer = Pacer(rate: 1, now: start)
    #expect(pacer.reserve(units: 3, now: start) == start)
    #expect(pacer.reserve(units: 1, now: start) - start == .seconds(3))
  }

  @Test("idle time is not saved up for a burst")
  func noBurst() {
    var pacer = Pacer(rate: 1, now: start)
    let later = start + .seconds(60)
    #expect(pacer.reserve(units: 1, now: later) == later)
    #expect(pacer.reserve(units: 1, now: later) - later == .seconds(1))
  }

  @Test("a provider that says it is too much halves the rate and holds the sender back")
  func throttled() {
    var pacer = Pacer(rate: 8, now: start)
    pacer.throttled(retryAfter: .seconds(5), now: start)
    #expect(pacer.rate == 4)
    #expect(pacer.reserve(units: 1, now: start) - start == .seconds(5))
    pacer.throttled(retryAfter: nil, now: start)
    #expect(pacer.rate == 2)
  }

  @Test("a sender that is paused keeps its rate")
  func paused() {
    var pacer = Pacer(rate: 8, now: start)
    pacer.paused(for: .seconds(60), now: start)
    #expect(pacer.rate == 8 && pacer.nextStart(now: start) - start == .seconds(60))
  }

  @Test("the rate comes back by tenths, and never above the configured one")
  func recovers() {
    var pacer = Pacer(rate: 10, now: start)
    pacer.throttled(retryAfter: nil, now: start)
    _ = pacer.reserve(units: 1, now: start + .seconds(61))
    #expect(pacer.rate == 6)
    _ = pacer.reserve(units: 1, now: start + .seconds(3_600))
    #expect(pacer.rate == 10)
  }

  @Test("throttling without end does not stop a sender for good")
  func floor() {
    var pacer = Pacer(rate: 64, now: start)
    for _ in 0..<100 { pacer.throttled(retryAfter: nil, now: start) }
    #expect(pacer.rate == 1)
  }
}
