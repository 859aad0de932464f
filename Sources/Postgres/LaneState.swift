// Who waits in a lane's queue, and who is in its batch: all that does not depend on what they wait for.

import DequeModule

/// One that waits for an answer. A reference: an item may be large, and goes from one list to the other.
///
/// Neither this nor ``LaneState`` is generic: code that is not specialised for an operation looks its types up at every
/// step, and did so for a fifteenth of a lane's time.
// Sound: `isUnanswered` is touched under the queue's lock only.
class LaneEntry: @unchecked Sendable {
  final let deadline: ContinuousClock.Instant
  /// Whether its completion is still there: whoever takes that sets it.
  final var isUnanswered = true

  init(deadline: ContinuousClock.Instant) { self.deadline = deadline }
}

struct LaneState: Sendable {
  private(set) var waiting: Deque<LaneEntry> = []
  private(set) var inFlight: [LaneEntry] = []
  /// The batch in flight may have been committed without our knowing, or is being written now.
  var outcomeUnknown = false
  var isClosed = false
  /// No later than the earliest deadline in here.
  private(set) var earliest: ContinuousClock.Instant?

  /// - Returns: whether it is the first that waits, and whether its deadline is the earliest.
  mutating func append(_ entry: LaneEntry) -> (isFirst: Bool, isEarliest: Bool) {
    let isFirst = waiting.isEmpty
    waiting.append(entry)
    return (isFirst, note(entry.deadline))
  }

  // MARK: The batch

  /// Puts those who have waited longest into the batch in flight.
  /// - Returns: how many.
  mutating func beginBatch(maximum: Int) -> Int {
    outcomeUnknown = false
    let count = min(maximum, waiting.count)
    // Each pass of a lane asks every queue, most of which are empty.
    if count == 0 { return 0 }
    inFlight.append(contentsOf: waiting.prefix(count))
    waiting.removeFirst(count)
    return count
  }

  mutating func endBatch() { inFlight.removeAll(keepingCapacity: true) }

  /// Until when somebody of the batch waits; nil: nobody does.
  func latestDeadline(in range: Range<Int>) -> ContinuousClock.Instant? {
    var latest: ContinuousClock.Instant?
    for index in range where inFlight[index].isUnanswered {
      let deadline = inFlight[index].deadline
      if latest.map({ $0 < deadline }) ?? true { latest = deadline }
    }
    return latest
  }

  /// Those of the batch that somebody waits for.
  func unanswered(in range: Range<Int>) -> [Int] {
    var indices: [Int] = []
    indices.reserveCapacity(range.count)
    for index in range where inFlight[index].isUnanswered { indices.append(index) }
    return indices
  }

  // MARK: Deadlines and the end

  /// Takes those out whose deadline has passed in the queue, and names those of the batch whose has: they stay in their
  /// places, nobody watches them any more, and whoever asks answers all of them under the same lock.
  mutating func takeLate(now: ContinuousClock.Instant) -> (waiting: [LaneEntry], inFlight: [LaneEntry]) {
    let lateWaiting = Array(waiting.filter { $0.deadline <= now })
    if !lateWaiting.isEmpty { waiting.removeAll { $0.deadline <= now } }
    let lateInFlight = inFlight.filter { $0.isUnanswered && $0.deadline <= now }
    earliest = nil
    for entry in waiting { note(entry.deadline) }
    for entry in inFlight where entry.isUnanswered && entry.deadline > now { note(entry.deadline) }
    return (lateWaiting, lateInFlight)
  }

  /// - Returns: whether it is the earliest.
  @discardableResult
  private mutating func note(_ deadline: ContinuousClock.Instant) -> Bool {
    if let earliest, earliest <= deadline { return false }
    earliest = deadline
    return true
  }

  /// The same for everybody.
  mutating func takeAll() -> (waiting: [LaneEntry], inFlight: [LaneEntry]) {
    defer { waiting.removeAll() }
    earliest = nil
    return (Array(waiting), inFlight.filter(\.isUnanswered))
  }
}
