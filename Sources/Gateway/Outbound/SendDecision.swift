// What follows from a call that did not succeed: a table, without I/O.

import ChannelProtocol
import Storage

/// The times and numbers that decide on another attempt.
struct SendPolicy: Sendable {
  /// The pause before the second attempt; doubled with each further one, up to `maximumBackoff`.
  var backoff: Duration = .seconds(1)
  var maximumBackoff: Duration = .seconds(300)
  /// Calls that the provider answered with "not now", or that never reached it; those it throttled do not count.
  var maximumAttempts = 12
  /// How long after a call without an answer the provider is first asked what became of it.
  var firstLook: Duration = .seconds(2)
  /// The pause between looks.
  var lookAgain: Duration = .seconds(10)
  /// How long after the call the provider's "no such message" is believed: its list may lag behind.
  var settleAfter: Duration = .seconds(30)
  /// How long after the call a message that may be another's is waited on.
  var doubtFor: Duration = .seconds(600)
  /// Calls of one message that may go without an answer before a person must decide.
  var maximumUnknown = 3

  init() {}
}

/// What is to be written down after a call.
struct SendDecision: Sendable {
  enum Next: Sendable, Hashable {
    case fail(code: String, message: String)
    /// - Parameter isFailure: it counts towards ``SendPolicy/maximumAttempts``.
    case retry(at: Timestamp, isFailure: Bool = false)
    case unresolved(lookAgainAt: Timestamp)
  }

  let policy: SendPolicy

  /// - Parameters:
  ///   - attempts: calls made, this one included.
  ///   - transientFailures: those of them that were not processed for another reason than speed, before this one.
  ///   - jitter: 0 ..< 1.
  func after(
    _ failure: SendFailure, attempts: Int, transientFailures: Int, now: Timestamp, jitter: Double
  ) -> Next {
    // Somebody mends the account; until then no message is given up for what is not its fault. Its validity ends it.
    if let pause = failure.senderPause { return .retry(at: now + pause * (1 + 0.2 * jitter)) }
    switch failure.kind {
    case .rejected, .optedOut, .misconfigured:
      return .fail(code: failure.code, message: failure.message)
    case .throttled(let retryAfter):
      // Never a reason to give a message up: its validity ends it.
      return .retry(at: now + max(retryAfter ?? .zero, backoff(attempts: min(attempts, 6), jitter: jitter)))
    case .transient:
      let failures = transientFailures + 1
      let maximum = min(policy.maximumAttempts, failure.maximumRepeats.map { $0 + 1 } ?? .max)
      return failures >= maximum
        ? .fail(code: failure.code, message: failure.message)
        : .retry(at: now + backoff(attempts: failures, jitter: jitter), isFailure: true)
    case .unknownOutcome:
      return .unresolved(lookAgainAt: now + policy.firstLook)
    }
  }

  /// After the provider said that it has no such message.
  /// - Parameter unknownOutcomes: calls of it that went without an answer, the last one included.
  func afterAbsence(unknownOutcomes: Int, attemptedAt: Timestamp, now: Timestamp) -> Next {
    guard now - attemptedAt >= policy.settleAfter else {
      return .unresolved(lookAgainAt: min(now + policy.lookAgain, attemptedAt + policy.settleAfter))
    }
    return unknownOutcomes >= policy.maximumUnknown
      ? .fail(
        code: "unknown_outcome",
        message: "The provider gave no answer \(unknownOutcomes) times, and has no such message.")
      : .retry(at: now)
  }

  /// After the provider showed a message that may be this one or another. Whose it is its callback says, or the other
  /// message's adoption; sent again it would perhaps arrive twice.
  func afterDoubt(attemptedAt: Timestamp, now: Timestamp) -> Next {
    now - attemptedAt < policy.doubtFor
      ? .unresolved(lookAgainAt: now + policy.lookAgain)
      : .fail(
        code: "unknown_outcome",
        message: "The provider gave no answer, and has a message that may be this one under another text.")
  }

  /// After the provider could not be asked.
  func afterFailedLook(now: Timestamp) -> Next { .unresolved(lookAgainAt: now + policy.lookAgain) }

  private func backoff(attempts: Int, jitter: Double) -> Duration {
    var pause = policy.backoff
    for _ in 1..<max(attempts, 1) where pause < policy.maximumBackoff { pause = pause * 2 }
    return min(pause, policy.maximumBackoff) * (0.8 + 0.4 * jitter)
  }
}

extension SendDecision.Next {
  var result: SendRecord.Result {
    switch self {
    case .fail(let code, let message): .failed(code: code, message: message)
    case .retry(let at, let isFailure): .retry(at: at, isFailure: isFailure)
    case .unresolved(let at): .unresolved(lookAgainAt: at)
    }
  }
}
