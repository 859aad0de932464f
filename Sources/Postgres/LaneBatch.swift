// How a lane writes one batch, and what it does when that fails.

import CoreMetrics

extension LaneQueue {
  func runBatch(on session: LaneSession) -> Bool {
    let maximum = max(1, operation.maximumBatch)
    var begun = session.begun as? Begun
    session.begun = nil
    var depth = 0
    let count = state.withLock { state in
      depth = state.waiting.count
      var count = min(maximum, depth)
      if let entries = begun?.entries {
        // Somebody's time may be up since.
        if entries.count <= depth && zip(entries, state.waiting).allSatisfy({ $0 === $1 }) {
          count = entries.count
        } else {
          begun = nil
        }
      }
      // One by one: nothing here is specialised for the operation, and each generic call would look its types up.
      state.inFlight.reserveCapacity(count)
      for _ in 0..<count { state.inFlight.append(state.waiting.removeFirst()) }
      state.outcomeUnknown = false
      return count
    }
    // It must not hold its rows for longer than it is needed.
    if begun == nil { session.connection.dropFollowing() }
    if count == 0 { return false }
    metrics.depth.record(depth - count)
    metrics.batchItems.record(count)
    let start = ContinuousClock.now
    write(0..<count, begun, on: session, BatchRecovery())
    if session.begun == nil { session.connection.dropFollowing() }
    metrics.batchDuration.recordNanoseconds(start.duration(to: .now).nanosecondsClamped)
    // Nobody in here is without an answer by now.
    state.withLock { $0.inFlight.removeAll(keepingCapacity: true) }
    return true
  }

  /// Sends the first statements of the next batch while the last one's commit is waited for.
  private func beginNext(on session: LaneSession) {
    guard !session.isWanted(self) else { return }
    let maximum = max(1, operation.maximumBatch)
    let entries = state.withLock { Array($0.waiting.prefix(maximum)) }
    guard !entries.isEmpty else { return }
    let next = session.connection.beginNext { try operation.start(entries.map(\.item), in: $0) }
    session.begun = next.map { Begun(entries, $0.start, $0.unit) }
  }

  private func execute(
    _ items: [Operation.Item], _ begun: Begun?, on connection: Connection
  ) throws -> [Result<Operation.Output, any Error>] {
    guard let begun, begun.unit === connection.following, begun.entries.count == items.count else {
      return try operation.execute(items, on: connection)
    }
    return try operation.execute(items, from: begun.start, in: begun.unit, on: connection)
  }

  /// Writes the items of `range` that still have somebody waiting; returns when the answer of each is settled. Those of
  /// what was written are given as soon as the thread has nothing better to do.
  private func write(
    _ range: Range<Int>, _ begun: Begun? = nil, on session: LaneSession, _ recovery: BatchRecovery
  ) {
    var recovery = recovery
    var begun = begun
    while true {
      guard let latest = latestDeadline(in: range) else { return }
      var live = LiveItems(indices: Array(range), wasUnknown: state.withLock(\.outcomeUnknown))
      do {
        try session.prepare(until: latest)
        live = takeLiveItems(in: range)
        if live.indices.isEmpty { return }
        // Not behind a part of a batch: the next comes after its last.
        if range.count == state.withLock(\.inFlight.count) {
          session.connection.whenCommitting { self.beginNext(on: session) }
        }
        defer { session.connection.whenCommitting(nil) }
        let results = try execute(live.items, begun, on: session.connection)
        try session.checkFinished()
        guard results.count == live.items.count else {
          throw PostgresError(
            .unexpectedResult, "\(operation.name) gave \(results.count) results for \(live.items.count) items")
        }
        session.succeeded()
        let completions = takeCompletions(live.indices)
        state.withLock { $0.outcomeUnknown = live.wasUnknown }
        // While the server is at work on the next batch.
        session.connection.postpone {
          for position in completions.indices { completions[position]?(results[position]) }
        }
        if session.begun != nil { session.connection.runErrands() }
        return
      } catch {
        begun = nil
        session.begun = nil
        session.connection.dropFollowing()
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

  private func latestDeadline(in range: Range<Int>) -> ContinuousClock.Instant? {
    state.withLock { state in
      var latest: ContinuousClock.Instant?
      for index in range where state.inFlight[index].isUnanswered {
        latest = max(latest ?? state.inFlight[index].deadline, state.inFlight[index].deadline)
      }
      return latest
    }
  }

  /// What is written now: whoever's time is up from here on is told that it may have been.
  private func takeLiveItems(in range: Range<Int>) -> LiveItems {
    state.withLock { state in
      var live = LiveItems(wasUnknown: state.outcomeUnknown)
      live.indices.reserveCapacity(range.count)
      live.items.reserveCapacity(range.count)
      for index in range where state.inFlight[index].isUnanswered {
        live.indices.append(index)
        live.items.append(state.inFlight[index].item)
      }
      state.outcomeUnknown = true
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
      for index in indices { completions.append(state.inFlight[index].takeCompletion()) }
    }
    return completions
  }
}
