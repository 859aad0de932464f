// A client that takes the log's lock, or others, and does not give them back.

import CLibpq
import GatewayTesting
import Synchronization

@testable import Postgres

/// Holds the lock in a session of its own, on a thread of its own.
final class LockHolder: Sendable {
  enum Manner: Sendable {
    /// BEGIN, the lock, and then nothing. PostgreSQL's own timeout for that is switched off here.
    case idleInTransaction
    /// The unit's end never comes: none of PostgreSQL's timeouts knows this state.
    case unfinishedUnit
  }

  /// What PostgreSQL sees the holder do.
  static let state = """
    SELECT concat_ws(' ', a.state, a.wait_event) FROM pg_stat_activity a JOIN pg_locks l USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted
    """
  static let logLock = "SELECT pg_advisory_xact_lock(7310577382525465186)"

  private struct State {
    var isReleased = false
    var hasCommitted = false
    var isClosed = false
  }

  private let monitor = Monitor(State())
  private let changed = Condition()
  private let backend = Atomic<Int32>(0)
  private let fixture: StoreFixture

  private init(_ fixture: StoreFixture) { self.fixture = fixture }

  /// - Parameters:
  ///   - lock: the statement that takes what is held.
  ///   - also: a statement that runs after it, before the client stops.
  static func take(
    _ manner: Manner, on fixture: StoreFixture, lock: String = logLock, also: String? = nil
  ) async throws -> LockHolder {
    let holder = LockHolder(fixture)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let started = DedicatedThread.start(name: "lock-holder") { holder.hold(manner, lock, also, ready: continuation) }
      if !started { continuation.resume(throwing: PostgresError(.unavailable, "no thread")) }
    }
    return holder
  }

  /// Commits, waits for it, and keeps the session.
  func release() async throws {
    monitor.withLock { $0.isReleased = true }
    changed.broadcast()
    guard await eventually({ monitor.withLock { $0.hasCommitted } }) else {
      throw PostgresError(.deadlineExceeded, "the holder does not commit")
    }
  }

  /// Lets the session and the thread end.
  func close() {
    monitor.withLock { $0.isClosed = true }
    changed.broadcast()
  }

  /// Whether the server has ended its session.
  func isGone() async -> Bool {
    let process = backend.load(ordering: .sequentiallyConsistent)
    return await eventually(within: .seconds(1)) {
      (try? await fixture.number("SELECT count(*) FROM pg_stat_activity WHERE pid = \(process)")) == 0
    }
  }

  private func hold(
    _ manner: Manner, _ lock: String, _ also: String?, ready: CheckedContinuation<Void, any Error>
  ) {
    var configuration = fixture.database.configuration
    configuration.idleInTransactionTimeout = .zero
    let connection = Connection(configuration)
    do {
      try connection.open()
      backend.store(connection.backendProcess, ordering: .sequentiallyConsistent)
      switch manner {
      case .idleInTransaction:
        try connection.simple("BEGIN; \(lock); \(also ?? "SELECT 1")")
      case .unfinishedUnit:
        guard let handle = connection.handle else { throw PostgresError(.connectionLost, "not open") }
        for sql in ["BEGIN", lock] {
          guard PQsendQueryParams(handle, sql, 0, nil, nil, nil, nil, 0) == 1 else {
            throw connection.lost(mayCommit: false)
          }
        }
        // Executed so far, but never brought to an end with a Sync.
        guard PQsendFlushRequest(handle) == 1, PQflush(handle) == 0 else { throw connection.lost(mayCommit: false) }
      }
      ready.resume()
    } catch {
      return ready.resume(throwing: error)
    }
    let limit = ContinuousClock.now + .seconds(60)
    let isReleased = monitor.wait(on: changed, until: { _ in limit }) { state -> Bool? in
      state.isReleased ? true : state.isClosed ? false : nil
    }
    guard isReleased == true else { return }
    connection.deadline = .now + .seconds(2)
    guard (try? connection.execute(.commit)) != nil else { return }
    monitor.withLock { $0.hasCommitted = true }
    _ = monitor.wait(on: changed, until: { _ in limit }) { $0.isClosed ? true : nil }
  }
}
