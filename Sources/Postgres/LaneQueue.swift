// One operation's queue on a write lane: where callers wait and batches are taken from.

import CoreMetrics
import DequeModule

/// The queue of one operation. Several of them share a lane's thread and connection.
public final class LaneQueue<Operation: BatchOperation>: Sendable {
  /// Called once with an item's answer, on a thread of the lane's: it must be quick and must not block.
  public typealias Completion = @Sendable (Result<Operation.Output, any Error>) -> Void

  /// A reference: an item may be large, and goes from one list to the other.
  // Sound: `completion` is touched under the queue's lock only.
  final class Entry: @unchecked Sendable {
    let item: Operation.Item
    let deadline: ContinuousClock.Instant
    /// nil: answered.
    private(set) var completion: Completion?

    init(item: Operation.Item, deadline: ContinuousClock.Instant, completion: @escaping Completion) {
      self.item = item
      self.deadline = deadline
      self.completion = completion
    }

    var isUnanswered: Bool { completion != nil }

    /// Whoever has it answers.
    func takeCompletion() -> Completion? {
      defer { completion = nil }
      return completion
    }
  }

  struct State: Sendable {
    var waiting: Deque<Entry> = []
    var inFlight: [Entry] = []
    /// The batch in flight may have been committed without our knowing, or is being written now.
    var outcomeUnknown = false
    /// No later than the earliest deadline in here.
    var earliest: ContinuousClock.Instant?
    var isClosed = false
  }

  let operation: Operation
  let queueLimit: Int
  let state = Monitor(State())
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
        isFirst = state.waiting.isEmpty
        state.waiting.append(entry)
        if state.earliest.map({ limit < $0 }) ?? true {
          state.earliest = limit
          isEarliest = true
        }
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
      if state.waiting.contains(where: { $0.deadline <= now }) {
        late = state.waiting.compactMap { $0.deadline <= now ? $0.completion : nil }
        state.waiting.removeAll { $0.deadline <= now }
      }
      for entry in state.inFlight where entry.deadline <= now {
        if let completion = entry.takeCompletion() { lateInFlight.append(completion) }
      }
      outcomeUnknown = state.outcomeUnknown
      let inFlight = state.inFlight.lazy.filter { $0.completion != nil }.map(\.deadline).min()
      let waiting = state.waiting.lazy.map(\.deadline).min()
      state.earliest = [inFlight, waiting].compactMap(\.self).min()
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
      waiting = state.waiting.compactMap(\.completion)
      state.waiting.removeAll()
      inFlight = state.inFlight.compactMap { $0.takeCompletion() }
      inFlightError.outcomeUnknown = state.outcomeUnknown
      state.earliest = nil
    }
    for completion in waiting { completion(.failure(error)) }
    for completion in inFlight { completion(.failure(inFlightError)) }
  }
}
