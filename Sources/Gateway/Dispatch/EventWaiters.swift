// Requests that wait for something new in the event log.

import ChannelProtocol
import HTTPTypes
import Sinks
import Synchronization

/// Wakes those who wait each time this node's ring grows. Their number is bounded.
final class EventWaiters: Sendable {
  private struct State {
    var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
    var nextNumber = 0
    var isClosed = false
  }

  private let ring: EventRing
  private let maximum: Int
  private let state = Mutex(State())

  init(ring: EventRing, maximum: Int = 1_000) {
    self.ring = ring
    self.maximum = maximum
  }

  var count: Int { state.withLock { $0.waiting.count } }

  /// Wakes waiters until the task is cancelled, and lets all of them go then: a server that stops waits for nobody.
  func run() async {
    await ring.follow { [weak self] _ in self?.wake() }
    close()
  }

  /// Returns when the log has gone beyond `seq`, the time is over, the node is stopping or the client has gone.
  /// - Throws: ``Problem``: 503 where too many wait already.
  func wait(beyond seq: Int64, for limit: Duration) async throws(Problem) {
    let (wakes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    guard let number = add(continuation) else {
      throw Problem(
        .serviceUnavailable, "too_many_waiting", "Too many requests wait for events already.",
        headers: [.retryAfter: "1"])
    }
    defer { _ = state.withLock { $0.waiting.removeValue(forKey: number) } }
    let ring = ring
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        // Looked at once it is known to be woken: nothing comes in between.
        if ring.position.seq > seq { return }
        for await _ in wakes where ring.position.seq > seq { return }
      }
      group.addTask { try? await Task.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }

  private func add(_ continuation: AsyncStream<Void>.Continuation) -> Int? {
    state.withLock { state in
      guard !state.isClosed else {
        continuation.finish()
        return state.nextNumber
      }
      guard state.waiting.count < maximum else { return nil }
      state.nextNumber += 1
      state.waiting[state.nextNumber] = continuation
      return state.nextNumber
    }
  }

  /// On the appender's thread.
  private func wake() {
    for continuation in state.withLock({ Array($0.waiting.values) }) { continuation.yield() }
  }

  private func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      return Array(state.waiting.values)
    }
    for continuation in waiting { continuation.finish() }
  }
}
