// How far back the log goes.

import ChannelProtocol
import Postgres

/// Where the log begins is a number in `consumer_cursors`, moved in the transaction that removes what lies below: a reader
/// with an older place is told so, and not given what happens to be left.
extension PostgresMessageStore {
  private static let makeHorizon = Statement(
    "make_event_horizon", "INSERT INTO consumer_cursors (name, seq) VALUES ('retention', 0) ON CONFLICT DO NOTHING")
  /// Another node at this work is not waited for.
  private static let lockHorizon = Statement(
    "lock_event_horizon", "SELECT seq FROM consumer_cursors WHERE name = 'retention' FOR UPDATE SKIP LOCKED")
  private static let moveHorizon = Statement(
    "move_event_horizon", "UPDATE consumer_cursors SET seq = $1, updated_at = now() WHERE name = 'retention'")

  /// The last number that nobody needs any more. Endpoints that collect need what deliveries have not been made of, and
  /// what has not arrived; replays, also of those that are disabled, need what they have still to come to. The newest
  /// event is always kept: by it readers see what they have missed.
  private static let unneeded = """
    SELECT least(
      (SELECT seq FROM consumer_cursors WHERE name = 'webhooks' AND EXISTS (SELECT FROM webhooks w WHERE \(collects))),
      (SELECT min(d.seq) - 1 FROM webhooks w CROSS JOIN LATERAL (
        SELECT d.seq FROM deliveries d WHERE d.webhook_id = w.id AND d.state < 2 ORDER BY d.seq LIMIT 1) d
        WHERE \(collects)),
      (SELECT min(next_seq) - 1 FROM webhook_replays),
      (SELECT seq - 1 FROM events ORDER BY seq DESC LIMIT 1)) AS seq
    """

  private static let old = Statement(
    "old_events",
    """
    WITH unneeded AS (\(unneeded)), batch AS (SELECT seq, at FROM events WHERE seq > $1 ORDER BY seq LIMIT $2)
    SELECT max(b.seq) FROM batch b JOIN unneeded n ON b.seq <= n.seq
    WHERE b.seq < coalesce((SELECT min(seq) FROM batch WHERE at >= $3), 9223372036854775807)
    """)

  private static let remove = Statement("remove_old_events", "DELETE FROM events WHERE seq > $1 AND seq <= $2")

  /// The first partition, where all of it is old, or below the horizon already.
  private static let oldPartition = Statement(
    "old_event_partition",
    """
    WITH unneeded AS (\(unneeded)), first AS (
      SELECT substr(c.relname, length('events_') + 1)::int8 AS number
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'events'::regclass
      ORDER BY 1 LIMIT 1
    ), last AS (SELECT number, (number + 1) * 1000000 - 1 AS seq FROM first)
    SELECT l.number, l.seq FROM last l JOIN unneeded n ON l.seq <= n.seq
    WHERE l.seq <= $1 OR coalesce(
      (SELECT e.at < $2 FROM events e WHERE e.seq <= l.seq ORDER BY e.seq DESC LIMIT 1), true)
    """)

  /// Who waits for a partition to be free has everybody else wait behind it.
  private static let hurry = Statement(
    "hurry_event_retention", "SELECT set_config('lock_timeout', '100ms', true)")

  private static let eventChunk = 5_000
  /// Between two of them others come to their turn.
  private static let eventPause = Duration.milliseconds(50)

  /// Removes events that are older, as far as nobody needs them: whole partitions where it can, and what is left in parts.
  @discardableResult
  public func expireEvents(olderThan age: Duration) async throws -> EventExpiry {
    let before = clock.now() - age
    try await run { _ = try $0.execute(Self.makeHorizon) }
    var expiry = EventExpiry()
    do {
      while try await dropOldPartition(before) {}
    } catch let error as PostgresError where error.sqlState != nil {
      // Something else depends on it, or it is not ours to drop: its rows go all the same.
      expiry.obstacle = "\(error)"
    }
    while try await removeOldEvents(before) { try await Task.sleep(for: Self.eventPause) }
    expiry.hold = try await heldEvents(olderThan: before)
    return expiry
  }

  /// - Returns: whether there was one.
  private func dropOldPartition(_ before: Timestamp) async throws -> Bool {
    do {
      return try await run { connection in
        try connection.transaction { connection in
          guard let horizon = try connection.execute(Self.lockHorizon).first?.int8(0) else { return false }
          var parameters = Parameters()
          parameters.int8(horizon)
          parameters.timestamp(before)
          guard let row = try connection.execute(Self.oldPartition, parameters).first else { return false }
          let (number, last) = (try row.int8(0), try row.int8(1))
          if last > horizon {
            var moved = Parameters()
            moved.int8(last)
            try connection.execute(Self.moveHorizon, moved)
          }
          try connection.execute(Self.hurry)
          try connection.simple("DROP TABLE events_\(number)")
          return true
        }
      }
    } catch let error as PostgresError where error.sqlState?.isContention == true {
      // Somebody reads in it: its rows go one by one, and itself another time.
      return false
    }
  }

  /// - Returns: whether there may be more.
  private func removeOldEvents(_ before: Timestamp) async throws -> Bool {
    try await run { connection in
      try connection.transaction { connection in
        guard let horizon = try connection.execute(Self.lockHorizon).first?.int8(0) else { return false }
        var batch = Parameters()
        batch.int8(horizon)
        batch.int8(Int64(Self.eventChunk))
        batch.timestamp(before)
        guard let last = try connection.execute(Self.old, batch).single().int8OrNil(0) else { return false }
        var moved = Parameters()
        moved.int8(last)
        var range = Parameters()
        range.int8(horizon)
        range.int8(last)
        _ = try connection.pipeline([(Self.moveHorizon, moved), (Self.remove, range)])
        return true
      }
    }
  }
}
