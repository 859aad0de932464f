// What follows from a call that did not succeed.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("After a failed send")
struct SendDecisionTests {
  private let now = Timestamp(seconds: 5_000)
  private let decision = SendDecision(policy: SendPolicy())

  private func after(_ kind: SendFailure.Kind, attempts: Int = 1, jitter: Double = 0.5) -> SendDecision.Next {
    decision.after(
      SendFailure(kind, code: "1", message: "words"), attempts: attempts, now: now, jitter: jitter)
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
    #expect(after(.transient) == .retry(at: now + .seconds(1)))
    #expect(after(.transient, attempts: 3) == .retry(at: now + .seconds(4)))
    #expect(after(.transient, attempts: 11) == .retry(at: now + .seconds(300)))
    #expect(after(.transient, jitter: 0) == .retry(at: now + .milliseconds(800)))
    #expect(after(.transient, attempts: 12) == .fail(code: "1", message: "words"))
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
    func absent(_ age: Duration, attempts: Int = 1) -> SendDecision.Next {
      decision.afterAbsence(attempts: attempts, attemptedAt: now - age, now: now)
    }
    #expect(absent(.seconds(2)) == .unresolved(lookAgainAt: now + .seconds(10)))
    #expect(absent(.seconds(25)) == .unresolved(lookAgainAt: now + .seconds(5)))
    #expect(absent(.seconds(30)) == .retry(at: now))
    guard case .fail("unknown_outcome", _) = absent(.seconds(31), attempts: 3) else {
      Issue.record("three calls without an answer are for a person")
      return
    }
  }
}
