// One operation's queue on a write lane: where callers wait and batches are taken from.

import CoreMetrics

/// The queue of one operation. Several of them share a lane's thread and connection.
public final class LaneQueue<Operation: BatchOperation>: Sendable {
  /// Called once with an item's answer, on a thread of the lane's: it must be quick and must not block.
  public typealias Completion = @Sendable (Result<Operation.Output, any Error>) -> Void

  // Sound: `completion` is touched under the queue's lock only.
  final class Entry: LaneEntry, @unchecked Sendable {
    let item: Operation.Item
    private var completion: Completion?

    init(item: Operation.Item, deadline: ContinuousClock.Instant, completion: @escaping Completion) {
      self.item = item
      self.completion = completion
      super.init(deadline: deadline)
    }

    /// Whoever has it answers.
    func takeCompletion() -> Completion? {
      isUnanswered = false
      defer { completion = nil }
      return completion
    }
  }

  /// ``submit(_:deadline:completion:)`` alone adds entries.
  func own(_ entry: LaneEntry) -> Entry { unsafeDowncast(entry, to: Entry.self) }

  let operation: Operation
  let queueLimit: Int
  let state = Monitor(LaneState())
  let signal: LaneSignal
  let metrics: LaneMetrics

  init(_ operation: Operation, queueLimit: Int, signal: LaneSignal, metrics: LaneMetrics) {
    self.operation = operation
    self.queueLimit = max(1, queueLimit)
    self.signal = signal
    self.metrics = metrics
  }

  /// Items that wait for a batch.
  public var depth: Int { state.withLock { $0.waiting.count } }

  /// Writes the item with the next batch and returns after the commit.
  ///
  /// The answer comes at the deadline at the latest: `.deadlineExceeded`, with `outcomeUnknown` when the item was in a
  /// batch that may have been committed. A caller that is cancelled still waits: its item may be in a transaction.
  ///
  /// - Throws: `.unavailable` at once when the queue is full, `.closed`, or what the operation says of the item.
  public func submit(_ item: Operation.Item, deadline: Duration) async throws -> Operation.Output {
    try await withCheckedThrowingContinuation { continuation in
      submit(item, deadline: deadline) { continuation.resume(with: $0) }
    }
  }

  /// The same without a task: `completion` is given what the other form returns or throws, a refusal at once and on
  /// the caller's thread.
  public func submit(_ item: Operation.Item, deadline: Duration, completion: @escaping Completion) {
    let limit = ContinuousClock.now + deadline
    let entry = Entry(item: item, deadline: limit, completion: completion)
    var refusal: PostgresError?
    var isFirst = false
    var isEarliest = false
    state.withLock { state in
      if state.isClosed {
        refusal = PostgresError(.closed, "the lane is closed")
      } else if state.waiting.count >= queueLimit {
        refusal = PostgresError(.unavailable, "the queue of \(operation.name) is full (\(queueLimit) items)")
      } else {
        (isFirst, isEarliest) = state.append(entry)
      }
    }
    if let refusal {
      metrics.refused.increment()
      completion(.failure(refusal))
    }
    if isFirst { signal.announceWork() }
    if isEarliest { signal.watch(limit) }
  }
}

// MARK: What the lane's threads do with a queue

/// A queue with its types erased.
protocol LaneWork: Sendable {
  /// Takes and writes one batch; false when there was none.
  func runBatch(on session: LaneSession) -> Bool
  /// Answers whose time is up; returns the next deadline.
  func sweep(now: ContinuousClock.Instant) -> ContinuousClock.Instant?
  /// Refuses new items from now on.
  func refuseFurther()
  /// Answers everybody.
  func failAll(_ error: PostgresError)
}

extension LaneQueue: LaneWork {
  func sweep(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    var late: [Completion] = []
    var lateInFlight: [Completion] = []
    var outcomeUnknown = false
    let earliest = state.withLock { state in
      let (waiting, inFlight) = state.takeLate(now: now)
      late = waiting.compactMap { own($0).takeCompletion() }
      lateInFlight = inFlight.compactMap { own($0).takeCompletion() }
      outcomeUnknown = state.outcomeUnknown
      return state.earliest
    }
    metrics.expired.increment(by: late.count + lateInFlight.count)
    for completion in late {
      completion(.failure(PostgresError(.deadlineExceeded, "the deadline passed in the queue")))
    }
    for completion in lateInFlight {
      completion(
        .failure(
          PostgresError(
            .deadlineExceeded, "the deadline passed while the batch was written", outcomeUnknown: outcomeUnknown)))
    }
    return earliest
  }

  func refuseFurther() { state.withLock { $0.isClosed = true } }

  func failAll(_ error: PostgresError) {
    var waiting: [Completion] = []
    var inFlight: [Completion] = []
    var inFlightError = error
    state.withLock { state in
      let (entries, entriesInFlight) = state.takeAll()
      waiting = entries.compactMap { own($0).takeCompletion() }
      inFlight = entriesInFlight.compactMap { own($0).takeCompletion() }
      inFlightError.outcomeUnknown = state.outcomeUnknown
    }
    for completion in waiting { completion(.failure(error)) }
    for completion in inFlight { completion(.failure(inFlightError)) }
  }
}
