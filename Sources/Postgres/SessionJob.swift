// One call to the session pool: its closure, and the caller that waits for the answer.

import Synchronization

/// The caller's continuation, resumed exactly once by whoever comes first: the session, the sweep, or the cancel.
final class SessionReply<Value: Sendable>: Sendable {
  private struct State {
    var continuation: CheckedContinuation<Value, any Error>?
    var isCancelled = false
  }
  private let state = Mutex(State())

  func arm(_ continuation: CheckedContinuation<Value, any Error>) {
    state.withLock { $0.continuation = continuation }
  }

  func resume(with result: Result<Value, any Error>) {
    let continuation = state.withLock { state in
      defer { state.continuation = nil }
      return state.continuation
    }
    continuation?.resume(with: result)
  }

  func markCancelled() { state.withLock { $0.isCancelled = true } }
  var isCancelled: Bool { state.withLock(\.isCancelled) }
}

/// A call, with its types erased.
struct SessionJob: Sendable {
  let id: UInt64
  let deadline: ContinuousClock.Instant
  let perform: @Sendable (Connection) -> Void
  let fail: @Sendable (PostgresError) -> Void
}
