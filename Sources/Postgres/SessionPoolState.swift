// Who waits for a session, who has one, and whose time is up: the pool's decisions as a value.

import DequeModule

/// The pool's state. No I/O; the clock is passed in.
struct SessionPoolState: Sendable {
  struct Running: Sendable {
    let job: SessionJob
    /// The caller got its answer although the session has not finished.
    var isAnswered = false
  }

  enum Admission {
    case accepted(isEarliest: Bool)
    case refused(PostgresError)
  }

  let queueLimit: Int
  private(set) var waiting: Deque<SessionJob> = []
  private(set) var running: [Int: Running] = [:]
  private(set) var isClosed = false
  /// Sessions that are free or not yet started; a job for one of them does not count against the queue's limit.
  var freeSessions: Int
  /// No later than the earliest deadline; nil: nothing to watch.
  var nextSweep: ContinuousClock.Instant?
  var liveThreads = 0
  var forcedEnd: ContinuousClock.Instant?

  init(size: Int, queueLimit: Int) {
    self.queueLimit = queueLimit
    self.freeSessions = size
  }

  mutating func admit(_ job: SessionJob) -> Admission {
    if isClosed { return .refused(PostgresError(.closed, "the session pool is closed")) }
    if waiting.count >= queueLimit + freeSessions {
      return .refused(PostgresError(.poolExhausted, "every session is busy and \(queueLimit) callers wait"))
    }
    waiting.append(job)
    return .accepted(isEarliest: watch(job.deadline))
  }

  /// The next job for a session that is free; the session has it from now on.
  mutating func take(for session: Int) -> SessionJob? {
    guard let job = waiting.popFirst() else { return nil }
    running[session] = Running(job: job)
    freeSessions -= 1
    return job
  }

  mutating func finish(_ session: Int) {
    running[session] = nil
    freeSessions += 1
  }

  enum Cancellation {
    case waited(SessionJob)
    case runs(session: Int)
    case gone
  }

  mutating func cancel(_ id: UInt64) -> Cancellation {
    if let index = waiting.firstIndex(where: { $0.id == id }) { return .waited(waiting.remove(at: index)) }
    if let session = running.first(where: { $0.value.job.id == id })?.key { return .runs(session: session) }
    return .gone
  }

  /// What has expired by `now`. A running call gets `grace` for its own answer, which knows more.
  mutating func sweep(
    now: ContinuousClock.Instant, grace: Duration
  ) -> (waited: [SessionJob], running: [SessionJob]) {
    var expired: [SessionJob] = []
    var stuck: [SessionJob] = []
    nextSweep = nil
    if waiting.contains(where: { $0.deadline <= now }) {
      expired = waiting.filter { $0.deadline <= now }
      waiting.removeAll { $0.deadline <= now }
    }
    for job in waiting { _ = watch(job.deadline) }
    for (session, call) in running where !call.isAnswered {
      if call.job.deadline + grace <= now {
        stuck.append(call.job)
        running[session]?.isAnswered = true
      } else {
        _ = watch(call.job.deadline + grace)
      }
    }
    return (expired, stuck)
  }

  mutating func close() -> [SessionJob] {
    isClosed = true
    defer { waiting.removeAll() }
    return Array(waiting)
  }

  private mutating func watch(_ deadline: ContinuousClock.Instant) -> Bool {
    if let nextSweep, nextSweep <= deadline { return false }
    nextSweep = deadline
    return true
  }
}
