// How queues wake their lane's two threads.

/// Shared by a lane and its queues: is there work, when is the next deadline, is the lane closing.
final class LaneSignal: Sendable {
  struct State: Sendable {
    var hasWork = false
    /// No later than the earliest deadline of any item; nil: nothing to watch.
    var nextSweep: ContinuousClock.Instant?
    /// Set when the lane closes: until then it drains.
    var closeDeadline: ContinuousClock.Instant?
    var writerHasEnded = false
  }

  private let monitor = Monitor(State())
  private let work = Condition()
  private let timer = Condition()
  private let ended = Condition()

  // MARK: From queues

  func announceWork() {
    monitor.withLock { $0.hasWork = true }
    work.signal()
  }

  func watch(_ deadline: ContinuousClock.Instant) {
    let isEarlier = monitor.withLock { state in
      if let next = state.nextSweep, next <= deadline { return false }
      state.nextSweep = deadline
      return true
    }
    if isEarlier { timer.signal() }
  }

  // MARK: The lane's thread

  /// Waits for work.
  ///
  /// - Returns: false when the lane is closing; there may still be something to drain.
  func waitForWork() -> Bool {
    let isWork = monitor.wait(on: work, until: { _ in nil }) { state -> Bool? in
      if state.hasWork {
        state.hasWork = false
        return true
      }
      return state.closeDeadline == nil ? nil : false
    }
    return isWork ?? false
  }

  /// Waits between attempts; cut short when the lane closes.
  func pause(_ duration: Duration) {
    let limit = ContinuousClock.now + duration
    _ = monitor.wait(on: work, until: { min(limit, $0.closeDeadline ?? limit) }) { _ -> Bool? in nil }
  }

  var isPastClosing: Bool { monitor.withLock { $0.closeDeadline?.hasPassed ?? false } }

  func writerEnded() {
    monitor.withLock { $0.writerHasEnded = true }
    timer.broadcast()
    ended.broadcast()
  }

  // MARK: The timer's thread

  /// Waits for the next deadline.
  ///
  /// - Returns: false when the writer has ended.
  func waitForDeadline() -> Bool {
    let hasEnded = monitor.wait(
      on: timer,
      until: { state in
        guard let close = state.closeDeadline, !close.hasPassed else { return state.nextSweep }
        return state.nextSweep.map { min($0, close) } ?? close
      }
    ) { $0.writerHasEnded ? true : nil }
    if hasEnded == nil { monitor.withLock { $0.nextSweep = nil } }
    return hasEnded == nil
  }

  // MARK: The owner

  func beginClosing(deadline: ContinuousClock.Instant) {
    monitor.withLock { $0.closeDeadline = $0.closeDeadline ?? deadline }
    work.broadcast()
    timer.broadcast()
  }

  /// Blocks the calling thread.
  func waitForEnd(until limit: ContinuousClock.Instant) -> Bool {
    monitor.wait(on: ended, until: { _ in limit }) { $0.writerHasEnded ? true : nil } ?? false
  }
}
