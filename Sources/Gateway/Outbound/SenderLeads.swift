// Which senders this node leads at the moment, and how their loops are woken.

import Synchronization

/// Shared between the loops and what renews their leads.
final class SenderLeads: Sendable {
  private struct State {
    var leading: Set<String> = []
    var until = ContinuousClock.now
    var wakers: [String: AsyncStream<Void>.Continuation] = [:]
  }

  private let state = Mutex(State())

  func register(_ key: String, _ waker: AsyncStream<Void>.Continuation) {
    state.withLock { $0.wakers[key] = waker }
  }

  func set(_ leading: Set<String>, until: ContinuousClock.Instant) {
    let gained = state.withLock { state -> [AsyncStream<Void>.Continuation] in
      let gained = leading.subtracting(state.leading)
      state.leading = leading
      state.until = until
      return gained.compactMap { state.wakers[$0] }
    }
    for waker in gained { waker.yield() }
  }

  /// Whether the lead is still ours, with a margin for the time a claim takes.
  func isLeading(_ key: String) -> Bool {
    state.withLock { $0.leading.contains(key) && .now < $0.until }
  }

  func wake(_ key: String) {
    _ = state.withLock { $0.wakers[key] }?.yield()
  }

  func wakeAll() {
    for waker in state.withLock({ Array($0.wakers.values) }) { waker.yield() }
  }
}
