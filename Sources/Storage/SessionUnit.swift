// Units of work beside the lane: for what is rare and may take long, which messages on their way in must not wait for.

import Postgres

extension PostgresMessageStore {
  /// Runs a unit that makes events on a session of the pool, again where it lost a race: a unit carries its own ids.
  func runUnit<T: Sendable>(
    deadline: Duration = .seconds(60), _ body: @escaping @Sendable (Connection) throws -> T
  ) async throws -> T {
    var triesLeft = 10
    while true {
      do {
        return try await sessions.run(deadline: deadline) { try Self.mending(body, on: $0) }
      } catch let error as PostgresError where triesLeft > 0 && error.sqlState?.isLostRace == true {
        triesLeft -= 1
        try await Task.sleep(for: .milliseconds(.random(in: 5..<60)))
      }
    }
  }

  /// As the lane does: what stands in the way of the log's numbering is mended on the spot.
  private static func mending<T>(_ body: (Connection) throws -> T, on connection: Connection) throws -> T {
    do {
      return try body(connection)
    } catch let error as PostgresError {
      if connection.isInTransaction { try connection.execute(.rollback) }
      guard LaneMending.mend(error, connection) else { throw error }
      return try body(connection)
    }
  }
}

extension SQLState {
  /// Somebody else was first: with the same row, with a lock, or by deleting what a row refers to.
  fileprivate var isLostRace: Bool { isContention || self == .uniqueViolation || self == .foreignKeyViolation }
}
