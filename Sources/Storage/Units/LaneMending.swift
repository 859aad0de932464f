// What may stand in the lane's way, and can be mended on the spot.

import Postgres

enum LaneMending {
  private static let makeRoom = Statement("ensure_event_partitions_now", "SELECT ensure_event_partitions(2)")
  private static let breakLock = Statement("break_log_lock", "SELECT break_log_lock('2 seconds'::interval)")

  /// A session that stopped in the middle of a unit and holds conversations: PostgreSQL waits for the unit's next statement,
  /// and none of its timeouts knows that state.
  private static let breakUnits = Statement(
    "break_stalled_units",
    """
    SELECT count(*) FROM (
      SELECT pg_terminate_backend(a.pid) AS is_ended FROM pg_stat_activity a
      WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()
        AND a.state = 'active' AND a.wait_event = 'ClientRead' AND a.query_start < now() - interval '2 seconds'
        AND a.backend_xid IS NOT NULL AND a.query !~* '^\\s*copy'
        AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.granted
          AND l.relation = 'conversations'::regclass AND l.mode IN ('RowExclusiveLock', 'RowShareLock'))
    ) broken WHERE is_ended
    """)

  /// Called on the lane's thread after a rollback.
  /// - Returns: whether the batch is worth another attempt at once.
  static let mend: @Sendable (PostgresError, Connection) -> Bool = { error, connection in
    switch error.sqlState {
    case .some(.checkViolation) where error.table == "events" || error.message.contains("no partition"):
      // The log ran ahead of its maintenance.
      return (try? connection.execute(makeRoom)) != nil
    case .some(.lockNotAvailable):
      // A client that froze in the middle of its last packet may sit on the log's lock, or before that on rows: its
      // session is ended.
      let broken = (try? connection.execute(breakLock).first?.int4(0)) ?? 0
      let stalled = (try? connection.execute(breakUnits).single().int8(0)) ?? 0
      return broken > 0 || stalled > 0
    default:
      return false
    }
  }
}
