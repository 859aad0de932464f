// What follows from a call that did not succeed.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("After a failed send")
struct SendDecisionTests {
  private let now = Timestamp(seconds: 5_000)
  private let decision = SendDecision(policy: SendPolicy())

  private func after(
    _ kind: SendFailure.Kind, attempts: Int = 1, failures: Int = 0, jitter: Double = 0.5,
    _ change: (inout SendFailure) -> Void = { _ in }
  ) -> SendDecision.Next {
    var failure = SendFailure(kind, code: "1", message: "words")
    change(&failure)
    return decision.after(
      failure, attempts: attempts, transientFailures: failures, now: now, jitter: jitter)
  }

  @Test(
    "what the provider refused for good is failed with its code",
    arguments: [
      SendFailure.Kind.rejected, .optedOut, .misconfigured,
    ])
  func refused(kind: SendFailure.Kind) {
    #expect(after(kind) == .fail(code: "1", message: "words"))
  }

  @Test("what may succeed later is tried again, after pauses that double, with jitter, and an end")
  func transient() {
    func retry(_ pause: Duration) -> SendDecision.Next { .retry(at: now + pause, isFailure: true) }
    #expect(after(.transient) == retry(.seconds(1)))
    #expect(after(.transient, failures: 2) == retry(.seconds(4)))
    #expect(after(.transient, failures: 10) == retry(.seconds(300)))
    #expect(after(.transient, jitter: 0) == retry(.milliseconds(800)))
    #expect(after(.transient, failures: 11) == .fail(code: "1", message: "words"))
    #expect(after(.transient, attempts: 500, failures: 1) == retry(.seconds(2)), "throttled calls are none of these")
  }

  @Test("what is worth one more try gets one, however often it was throttled in between")
  func once() {
    func once(_ failures: Int) -> SendDecision.Next {
      after(.transient, attempts: 9, failures: failures) { $0.maximumRepeats = 1 }
    }
    #expect(once(0) == .retry(at: now + .seconds(1), isFailure: true))
    #expect(once(1) == .fail(code: "1", message: "words"))
  }

  @Test("a fault of the account's is no message's end: it waits with its sender")
  func account() {
    #expect(
      after(.misconfigured, attempts: 99, failures: 99, jitter: 0) { $0.senderPause = .seconds(60) }
        == .retry(at: now + .seconds(60)))
  }

  @Test("too fast is never a reason to give up, and the provider's own pause is kept")
  func throttled() {
    #expect(after(.throttled(retryAfter: .seconds(90))) == .retry(at: now + .seconds(90)))
    #expect(after(.throttled(retryAfter: nil), attempts: 500) == .retry(at: now + .seconds(32)))
  }

  @Test("a call without an answer is looked up, never repeated")
  func unknown() {
    #expect(after(.unknownOutcome, attempts: 50) == .unresolved(lookAgainAt: now + .seconds(2)))
  }

  @Test("absence is believed only when the provider's list has had time")
  func absence() {
    func absent(_ age: Duration, unknown: Int = 1) -> SendDecision.Next {
      decision.afterAbsence(unknownOutcomes: unknown, attemptedAt: now - age, now: now)
    }
    #expect(absent(.seconds(2)) == .unresolved(lookAgainAt: now + .seconds(10)))
    #expect(absent(.seconds(25)) == .unresolved(lookAgainAt: now + .seconds(5)))
    #expect(absent(.seconds(30)) == .retry(at: now))
    guard case .fail("unknown_outcome", _) = absent(.seconds(31), unknown: 3) else {
      Issue.record("three calls without an answer are for a person")
      return
    }
  }

  @Test("a message at the provider that may be this one is waited on, and never a reason to send again")
  func doubt() {
    func doubtful(_ age: Duration) -> SendDecision.Next { decision.afterDoubt(attemptedAt: now - age, now: now) }
    #expect(doubtful(.seconds(599)) == .unresolved(lookAgainAt: now + .seconds(10)))
    guard case .fail("unknown_outcome", _) = doubtful(.seconds(600)) else {
      Issue.record("after ten minutes it is for a person")
      return
    }
  }
}
