// How a lane writes one batch, and what it does when that fails.

import CoreMetrics

extension LaneQueue {
  func runBatch(on session: LaneSession) -> Bool {
    let maximum = max(1, operation.maximumBatch)
    let (count, left) = state.withLock { state in (state.beginBatch(maximum: maximum), state.waiting.count) }
    if count == 0 { return false }
    metrics.depth.record(left)
    metrics.batchItems.record(count)
    let start = ContinuousClock.now
    write(0..<count, on: session, BatchRecovery())
    metrics.batchDuration.recordNanoseconds(start.duration(to: .now).nanosecondsClamped)
    // Nobody in here is without an answer by now.
    state.withLock { $0.endBatch() }
    return true
  }

  /// Writes the items of `range` that still have somebody waiting; returns when the answer of each is settled. Those of
  /// what was written are given as soon as the thread has nothing better to do.
  private func write(_ range: Range<Int>, on session: LaneSession, _ recovery: BatchRecovery) {
    var recovery = recovery
    while true {
      let (deadline, wasUnknown) = state.withLock { ($0.latestDeadline(in: range), $0.outcomeUnknown) }
      guard let latest = deadline else { return }
      var live = LiveItems(indices: Array(range), wasUnknown: wasUnknown)
      do {
        try session.prepare(until: latest)
        live = takeLiveItems(in: range)
        if live.indices.isEmpty { return }
        let results = try operation.execute(live.items, on: session.connection)
        try session.checkFinished()
        guard results.count == live.items.count else {
          throw PostgresError(
            .unexpectedResult, "\(operation.name) gave \(results.count) results for \(live.items.count) items")
        }
        session.succeeded()
        let completions = takeCompletions(live.indices)
        state.withLock { $0.outcomeUnknown = live.wasUnknown }
        // While the server is at work on the next batch.
        return session.connection.postpone {
          for position in completions.indices { completions[position]?(results[position]) }
        }
      } catch {
        // Nobody waits for more than one batch.
        session.connection.runErrands()
        var error: any Error = error
        // Once an attempt has been lost, later ones cannot tell what it did: only success can.
        let mayHaveCommitted = live.wasUnknown || (error as? PostgresError)?.outcomeUnknown ?? false
        state.withLock { $0.outcomeUnknown = mayHaveCommitted }
        if session.mend(error) {
          metrics.retries.increment()
          continue
        }
        var action = recovery.decide(error, itemCount: live.indices.count)
        if session.signal.isPastClosing {
          error = PostgresError(.closed, "the lane closed before it was written", outcomeUnknown: mayHaveCommitted)
          action = .fail
        }
        switch action {
        case .fail:
          if var lost = error as? PostgresError, mayHaveCommitted {
            lost.outcomeUnknown = true
            error = lost
          }
          return answer(live.indices) { _ in .failure(error) }
        case .split:
          metrics.splits.increment()
          let middle = live.indices[live.indices.count / 2]
          write(range.lowerBound..<middle, on: session, recovery)
          return write(middle..<range.upperBound, on: session, recovery)
        case .retryNow, .retryAfterBackoff, .reconnect:
          metrics.retries.increment()
          session.waitBeforeRetry(action, after: error, operation: operation.name)
        }
      }
    }
  }

  /// Those of a batch that somebody waits for.
  private struct LiveItems {
    var indices: [Int] = []
    var items: [Operation.Item] = []
    /// An attempt before may have been committed.
    var wasUnknown = false
  }

  /// What is written now, a connection being there: whose time has passed meanwhile was told that nothing was, and whose
  /// time passes from here on is told that it may have been.
  private func takeLiveItems(in range: Range<Int>) -> LiveItems {
    state.withLock { state in
      var live = LiveItems(indices: state.unanswered(in: range), wasUnknown: state.outcomeUnknown)
      live.items.reserveCapacity(live.indices.count)
      for index in live.indices { live.items.append(own(state.inFlight[index]).item) }
      if !live.indices.isEmpty { state.outcomeUnknown = true }
      return live
    }
  }

  /// Resumes those who still wait. `result` is asked by the position within `indices`.
  private func answer(_ indices: [Int], _ result: (Int) -> Result<Operation.Output, any Error>) {
    let completions = takeCompletions(indices)
    for position in completions.indices { completions[position]?(result(position)) }
  }

  /// Whoever has them answers: the deadline's watch no longer does.
  private func takeCompletions(_ indices: [Int]) -> [Completion?] {
    var completions: [Completion?] = []
    completions.reserveCapacity(indices.count)
    state.withLock { state in
      for index in indices { completions.append(own(state.inFlight[index]).takeCompletion()) }
    }
    return completions
  }
}
