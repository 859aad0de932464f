// What may stand in the lane's way, and can be mended on the spot.

import Postgres

enum LaneMending {
  private static let makeRoom = Statement("ensure_event_partitions_now", "SELECT ensure_event_partitions(2)")
  private static let breakLock = Statement("break_log_lock", "SELECT break_log_lock('2 seconds'::interval)")

  /// Called on the lane's thread after a rollback.
  /// - Returns: whether the batch is worth another attempt at once.
  static let mend: @Sendable (PostgresError, Connection) -> Bool = { error, connection in
    switch error.sqlState {
    case .some(.checkViolation) where error.table == "events" || error.message.contains("no partition"):
      // The log ran ahead of its maintenance.
      return (try? connection.execute(makeRoom)) != nil
    case .some(.lockNotAvailable):
      // A client that froze in the middle of its last packet may sit on the log's lock: its session is ended.
      return ((try? connection.execute(breakLock).first?.int4(0)) ?? 0) > 0
    default:
      return false
    }
  }
}
