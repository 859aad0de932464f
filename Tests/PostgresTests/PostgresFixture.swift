// A server for the tests, and threads to talk to it.

import Glibc
import Logging
import Synchronization

@testable import Postgres

/// One throw-away server for all suites but those that stop it.
enum PostgresFixture {
  private static let started = Mutex<[EmbeddedCluster]>([])
  private static let shared = Task { try await startCluster() }

  static let logger = Logger(label: "postgres-tests") { _ in SwiftLogNoOpLogHandler() }

  static func configuration() async throws -> PostgresConfiguration {
    try await shared.value.configuration
  }

  /// A server of the test's own, stopped at exit if the test does not.
  static func startCluster() async throws -> EmbeddedCluster {
    let cluster = try await EmbeddedCluster.throwaway()
    started.withLock { clusters in
      if clusters.isEmpty {
        atexit {
          for cluster in PostgresFixture.started.withLock(\.self) { cluster.stopBlocking(timeout: .seconds(3)) }
        }
      }
      clusters.append(cluster)
    }
    return cluster
  }

  /// Runs `body` with an open connection, on a thread of its own: blocking calls do not belong on the test's.
  static func withConnection<Value: Sendable>(
    to configuration: PostgresConfiguration? = nil, _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws -> Value {
    let target = if let configuration { configuration } else { try await Self.configuration() }
    return try await DedicatedThread.run(name: "test-session") {
      let connection = Connection(target)
      try connection.open()
      return try body(connection)
    }
  }

  /// A name that no other test uses.
  static func uniqueName(_ stem: String) -> String {
    "\(stem)_\(counter.wrappingAdd(1, ordering: .relaxed).newValue)"
  }
  private static let counter = Atomic<Int>(0)

  static func count(_ table: String, on configuration: PostgresConfiguration? = nil) async throws -> Int64 {
    try await withConnection(to: configuration) { connection in
      try connection.execute(Statement("count_\(table)", "SELECT count(*) FROM \(table)")).single().int8(0)
    }
  }

  static func script(_ sql: String) async throws {
    try await withConnection { try $0.simple(sql) }
  }

  /// Ends a session.
  /// - Returns: how many there were.
  static func terminate(_ backend: Int32) async throws -> Int {
    try await withConnection { connection in
      try connection.execute(
        Statement(
          "terminate", "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid = \(backend)")
      ).count
    }
  }
}

/// Waits for a condition, at most `limit`.
func eventually(
  within limit: Duration = .seconds(5), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return try await condition()
}

/// What the work fails with; nil if it does not.
func failure<Value>(of work: () async throws -> Value) async -> PostgresError? {
  do { _ = try await work() } catch { return error as? PostgresError }
  return nil
}

/// The same for blocking work on another thread, where expectations would not know their test.
func caught<Value>(_ work: () throws -> Value) -> PostgresError? {
  do { _ = try work() } catch { return error as? PostgresError }
  return nil
}

/// A gate that threads wait at until a test opens it.
final class Gate: Sendable {
  private let monitor = Monitor((isOpen: false, visitors: 0))
  private let changed = Condition()

  func open() {
    monitor.withLock { $0.isOpen = true }
    changed.broadcast()
  }

  /// How many have come so far.
  var visitors: Int { monitor.withLock(\.visitors) }

  /// Blocking, at most ten seconds.
  func pass() {
    monitor.withLock { $0.visitors += 1 }
    let limit = ContinuousClock.now + .seconds(10)
    _ = monitor.wait(on: changed, until: { _ in limit }) { $0.isOpen ? true : nil }
  }
}

/// A value that threads and tasks share.
final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>
  init(_ value: Value) { mutex = Mutex(value) }
  var value: Value { mutex.withLock(\.self) }
  @discardableResult
  func update<Result: Sendable>(_ change: @Sendable (inout Value) -> Result) -> Result {
    mutex.withLock { change(&$0) }
  }
}
