// Sessions for everything that is not on a lane: one thread and one connection each.

public import Logging
import Synchronization

/// A fixed number of sessions, lent to closures in order of arrival.
///
/// A call's deadline covers waiting and running. At it a waiting caller fails with `.deadlineExceeded`; a running
/// statement is cancelled, which may overrun the deadline by `Connection.cancelGrace` and a little. Callers beyond
/// `queueLimit` waiting ones fail at once with `.poolExhausted`.
public final class SessionPool: Sendable {
  private let configuration: PostgresConfiguration
  private let logger: Logger
  private let size: Int
  private let monitor: Monitor<SessionPoolState>
  private let work = Condition()
  private let timer = Condition()
  private let ended = Condition()
  private let interrupts: [Interrupt]
  private let ids = Atomic<UInt64>(0)
  /// A running call is answered by its own session, unless that is stuck for longer than this past the deadline.
  private static let stuckGrace = Connection.cancelGrace + .milliseconds(150)

  /// - Parameters:
  ///   - size: sessions, at least one.
  ///   - queueLimit: callers that may wait for one.
  public init(configuration: PostgresConfiguration, size: Int, queueLimit: Int, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
    self.size = max(1, size)
    self.monitor = Monitor(SessionPoolState(size: max(1, size), queueLimit: queueLimit))
    self.interrupts = (0..<max(1, size)).map { _ in Interrupt() }
  }

  /// Starts the threads. Connections are made at first use.
  public func start() throws(PostgresError) {
    for session in 0..<size {
      try spawn("pg-session-\(session)") { [self] in serve(session) }
    }
    try spawn("pg-pool-timer") { [self] in watchDeadlines() }
  }

  private func spawn(_ name: String, _ body: @escaping @Sendable () -> Void) throws(PostgresError) {
    monitor.withLock { $0.liveThreads += 1 }
    let started = DedicatedThread.start(name: name) { [self] in
      body()
      monitor.withLock { $0.liveThreads -= 1 }
      ended.broadcast()
      // The timer's thread goes when it is the last one.
      timer.broadcast()
    }
    if !started {
      monitor.withLock { $0.liveThreads -= 1 }
      throw PostgresError(.unavailable, "the system has no thread left")
    }
  }

  /// Runs `body`, blocking, on a session's own thread.
  ///
  /// An open transaction that `body` leaves behind is rolled back. Cancelling the calling task ends the wait, or
  /// cancels the statement.
  ///
  /// - Throws: what `body` throws; `.poolExhausted`, `.deadlineExceeded`, `.unavailable`, `.cancelled`, `.closed`.
  public func run<Value: Sendable>(
    deadline: Duration = .seconds(5), _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws -> Value {
    let reply = SessionReply<Value>()
    let id = ids.wrappingAdd(1, ordering: .relaxed).newValue
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        reply.arm(continuation)
        submit(
          SessionJob(
            id: id, deadline: .now + deadline,
            perform: { connection in reply.resume(with: Result { try body(connection) }) },
            fail: { reply.resume(with: .failure($0)) }))
        // A cancel that came before the job was there has found nothing.
        if reply.isCancelled { cancel(id) }
      }
    } onCancel: {
      reply.markCancelled()
      cancel(id)
    }
  }

  /// Refuses new calls, fails the waiting ones, and waits for the running ones, which are cancelled after `grace`.
  public func close(grace: Duration = .seconds(5)) async {
    let waiting = monitor.withLock { state in
      state.forcedEnd = .now + grace
      return state.close()
    }
    for job in waiting { job.fail(PostgresError(.closed, "the session pool is closing")) }
    work.broadcast()
    timer.broadcast()
    // Only fails when no thread can be made; then nothing can be waited for either.
    try? await DedicatedThread.run(name: "pg-pool-close") { [self] in
      let limit = ContinuousClock.now + grace + Self.stuckGrace
      _ = monitor.wait(on: ended, until: { _ in limit }) { $0.liveThreads == 0 ? true : nil }
    }
  }

  /// Calls that wait for a session.
  public var waitingCalls: Int { monitor.withLock { $0.waiting.count } }

  // MARK: Callers

  private func submit(_ job: SessionJob) {
    switch monitor.withLock({ $0.admit(job) }) {
    case .refused(let error): job.fail(error)
    case .accepted(let isEarliest):
      work.signal()
      if isEarliest { timer.signal() }
    }
  }

  private func cancel(_ id: UInt64) {
    let waited: SessionJob? = monitor.withLock { state in
      switch state.cancel(id) {
      case .waited(let job): return job
      case .runs(let session):
        // Under the lock: the session cannot begin another call meanwhile.
        interrupts[session].raise()
        return nil
      case .gone: return nil
      }
    }
    waited?.fail(PostgresError(.cancelled, "cancelled while waiting for a session"))
  }

  // MARK: Threads

  private func serve(_ session: Int) {
    let connection = Connection(configuration, interrupt: interrupts[session])
    while let job = nextJob(for: session) {
      connection.deadline = job.deadline
      do throws(PostgresError) {
        try connection.ensureOpen()
        job.perform(connection)
      } catch {
        logger.warning("no session with PostgreSQL", metadata: ["error": "\(error)"])
        job.fail(error)
      }
      if connection.isOpen && connection.isInTransaction { connection.rollBack() }
      monitor.withLock { $0.finish(session) }
    }
    connection.close()
    timer.broadcast()
  }

  private func nextJob(for session: Int) -> SessionJob? {
    let next: SessionJob?? = monitor.wait(on: work, until: { _ in nil }) { state in
      if let job = state.take(for: session) {
        interrupts[session].reset()
        return .some(job)
      }
      return state.isClosed ? .some(nil) : nil
    }
    return next ?? nil
  }

  private func watchDeadlines() {
    while true {
      let isDone = monitor.wait(on: timer, until: { Self.earliest($0.nextSweep, $0.forcedEnd) }) { state in
        state.isClosed && state.liveThreads <= 1 ? true : nil
      }
      if isDone != nil { return }
      let (waited, stuck) = monitor.withLock { state in
        if let end = state.forcedEnd, end.hasPassed {
          for session in state.running.keys { interrupts[session].raise() }
          state.forcedEnd = .now + Self.stuckGrace
        }
        return state.sweep(now: .now, grace: Self.stuckGrace)
      }
      for job in waited { job.fail(PostgresError(.deadlineExceeded, "no session became free before the deadline")) }
      for job in stuck {
        job.fail(PostgresError(.deadlineExceeded, "the session did not answer in time", outcomeUnknown: true))
      }
    }
  }

  private static func earliest(
    _ left: ContinuousClock.Instant?, _ right: ContinuousClock.Instant?
  ) -> ContinuousClock.Instant? {
    guard let left, let right else { return left ?? right }
    return min(left, right)
  }
}
