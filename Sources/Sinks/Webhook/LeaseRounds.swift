// Rounds of asking the store whose endpoints are whose, and those who wait for the next one.

import Synchronization

/// Whoever changed an endpoint waits for a round that began after the change.
final class LeaseRounds: Sendable {
  private struct State {
    var begun = 0
    var isEnded = false
    var waiting: [(round: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())
  private let wake = WakeUp()

  /// A round begins; its number.
  func begin() -> Int {
    state.withLock { state in
      state.begun += 1
      return state.begun
    }
  }

  func done(_ round: Int) {
    release { $0 <= round }
  }

  /// No further round will come.
  func end() {
    state.withLock { $0.isEnded = true }
    release { _ in true }
  }

  private func release(_ isMeant: (Int) -> Bool) {
    let released = state.withLock { state in
      let released = state.waiting.filter { isMeant($0.round) }
      state.waiting.removeAll { isMeant($0.round) }
      return released
    }
    for waiter in released { waiter.continuation.resume() }
  }

  /// Returns after a round that begins from now on, after a second without one, or at the end.
  func next() async {
    let timeout = Task {
      try await Task.sleep(for: .seconds(1))
      self.release { _ in true }
    }
    defer { timeout.cancel() }
    await withCheckedContinuation { continuation in
      let mayWait = state.withLock { state in
        if state.isEnded { return false }
        state.waiting.append((state.begun + 1, continuation))
        return true
      }
      if mayWait { wake.signal() } else { continuation.resume() }
    }
  }

  /// Until somebody waits for a round, at most so long.
  func wait(atMost limit: Duration) async { await wake.wait(atMost: limit) }
}
