// The retry schedule and what an answer's Retry-After may change.

import ChannelProtocol
import Testing

@testable import Sinks

@Suite("webhook retries")
struct WebhookRetryTests {
  let now = Timestamp(seconds: 1_700_000_000)

  @Test("each pause is the schedule's, spread upwards by at most a fifth", arguments: 0..<7)
  func pauses(attempts: Int) {
    let schedule = RetrySchedule.standard
    let base = schedule.pauses[attempts]
    #expect(
      schedule.disposition(attempts: attempts, now: now, retryAfter: nil, jitter: 0) == .retry(at: now + base))
    #expect(
      schedule.disposition(attempts: attempts, now: now, retryAfter: nil, jitter: 1) == .retry(at: now + base * 1.2))
  }

  @Test("after the last pause the delivery is dead, and not before 24 hours")
  func end() {
    let schedule = RetrySchedule.standard
    #expect(schedule.disposition(attempts: 7, now: now, retryAfter: .seconds(1), jitter: 0) == .dead)
    #expect(schedule.pauses.reduce(.zero, +) >= .seconds(86_400))
    #expect(RetrySchedule(pauses: []).disposition(attempts: 0, now: now, retryAfter: nil, jitter: 0) == .dead)
  }

  @Test(
    "Retry-After counts from the pause to a day",
    arguments: [(1, 5), (7, 7), (10, 10), (7_200, 7_200), (86_400, 86_400), (999_999, 86_400)])
  func retryAfter(asked: Int, expected: Int) {
    let schedule = RetrySchedule(pauses: [.seconds(5)])
    let disposition = schedule.disposition(attempts: 0, now: now, retryAfter: .seconds(asked), jitter: 0)
    #expect(disposition == .retry(at: now + .seconds(expected)))
  }

  @Test(
    "throttling answers that say how long have the endpoint left alone as long", arguments: [429, 502, 503, 504, 500])
  func pauses(status: Int) {
    let result = WebhookResult(.success(HTTPAnswer(status: status, retryAfter: "7200")), at: now, latency: .zero)
    #expect(result.pause(at: now) == (status == 500 ? nil : .seconds(7_200)))
  }

  @Test("Retry-After is read as seconds or a date in any of its three forms")
  func parsing() {
    #expect(RetryAfter.parse("120", now: now) == .seconds(120))
    #expect(RetryAfter.parse(" 0", now: now) == .zero)
    #expect(RetryAfter.parse("Tue, 14 Nov 2023 22:13:50 GMT", now: now) == .seconds(30))
    #expect(RetryAfter.parse("Sun, 06 Nov 1994 08:49:37 GMT", now: now) == .zero)
    #expect(RetryAfter.parse("Tuesday, 14-Nov-23 22:13:50 GMT", now: now) == .seconds(30))
    #expect(RetryAfter.parse("Sunday, 06-Nov-94 08:49:37 GMT", now: now) == .zero)
    #expect(RetryAfter.parse("Tue Nov 14 22:13:50 2023", now: now) == .seconds(30))
    let early = Timestamp(seconds: 1_699_000_000)
    #expect(RetryAfter.parse("Fri Nov  3 08:26:41 2023", now: early) == .seconds(1))
    for text in ["Tuesday, 14-Nov-2023 22:13:50 GMT", "Tue Nov 14 22:13:50", "Tue Foo 14 22:13:50 2023"] {
      #expect(RetryAfter.parse(text, now: now) == nil, "\(text)")
    }
    for text in ["", "-1", "soon", "99999999999999999999", "Tue, 14 Nov 2023", "Tue, 14 Foo 2023 22:13:50 GMT"] {
      #expect(RetryAfter.parse(text, now: now) == nil, "\(text)")
    }
  }
}
