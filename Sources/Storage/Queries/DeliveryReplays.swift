// Events delivered once more: a replay is a row that says what is left of it.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// What is still on its way comes anyway.
  private static let measure = Statement(
    "measure_webhook_replay",
    """
    SELECT count(*), min(e.seq), max(e.seq) FROM webhooks w JOIN events e ON \(wants)
    WHERE w.id = $1 AND w.removed_at IS NULL AND e.at >= $2 AND e.at < $3 AND e.seq > $4 AND NOT EXISTS (
      SELECT FROM deliveries d WHERE d.webhook_id = w.id AND d.seq = e.seq AND d.state < 2)
    """)

  /// Where a webhook stood when it was disabled, if that is since when a replay is asked for: as it is shown, in
  /// milliseconds.
  private static let disabled = Statement(
    "disabled_webhook_place",
    """
    SELECT disabled_seq FROM webhooks
    WHERE id = $1 AND date_trunc('milliseconds', disabled_at) = date_trunc('milliseconds', $2::timestamptz)
    """)

  private static let insert = Statement(
    "insert_webhook_replay",
    """
    INSERT INTO webhook_replays (id, webhook_id, since, until, next_seq, last_seq, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING
    """)

  /// They take turns: a long one does not keep the others waiting.
  private static let take = Statement(
    "take_webhook_replay",
    """
    SELECT id, webhook_id, since, until, next_seq, last_seq FROM webhook_replays
    ORDER BY advanced_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    """)

  /// They wait for their time, which is now: those that are in line are not held up by them, unless they are of the same
  /// conversation.
  private static let make = Statement(
    "make_replayed_deliveries",
    """
    WITH chunk AS (
      SELECT e.seq, e.id, e.type, e.conversation_id FROM webhooks w JOIN events e ON \(wants)
      WHERE w.id = $1 AND e.at >= $2 AND e.at < $3 AND e.seq >= $4 AND e.seq <= $5 ORDER BY e.seq LIMIT $6
    ), made AS (
      INSERT INTO deliveries (id, webhook_id, seq, event_id, type, order_key, state, run_at, created_at)
      SELECT uuid_of_time(clock_timestamp()), $1, seq, id, type, coalesce(conversation_id, id), 1, now(), now() FROM chunk
      ON CONFLICT (webhook_id, seq) DO UPDATE SET state = 1, run_at = excluded.run_at, attempts = 0, holds_until = NULL
        WHERE deliveries.state >= 2
    )
    SELECT count(*), max(seq) FROM chunk
    """)

  private static let move = Statement(
    "move_webhook_replay",
    "UPDATE webhook_replays SET next_seq = $2, advanced_at = clock_timestamp() WHERE id = $1")
  private static let end = Statement("end_webhook_replay", "DELETE FROM webhook_replays WHERE id = $1")

  public func replayWebhook(
    _ id: Identifier, since: Timestamp, until: Timestamp, as replay: Identifier
  ) async throws -> Int {
    let now = clock.now()
    // Counting may read much of the log.
    return try await sessions.run(deadline: .seconds(60)) { connection in
      var place = Parameters()
      place.identifier(id)
      place.timestamp(since)
      let reached = try connection.execute(Self.disabled, place).first?.int8OrNil(0)
      let since = reached == nil ? since : Timestamp(seconds: 0)
      var range = Parameters()
      range.identifier(id)
      range.timestamp(since)
      range.timestamp(until)
      range.int8(reached ?? 0)
      let row = try connection.execute(Self.measure, range).single()
      guard let first = try row.int8OrNil(1), let last = try row.int8OrNil(2) else { return 0 }
      var parameters = Parameters()
      parameters.identifier(replay)
      parameters.identifier(id)
      parameters.timestamp(since)
      parameters.timestamp(until)
      parameters.int8(first)
      parameters.int8(last)
      parameters.timestamp(now)
      try connection.execute(Self.insert, parameters)
      return Int(try row.int8(0))
    }
  }

  public func advanceReplays(limit: Int) async throws -> MaterialisedDeliveries {
    try await run { connection in
      try connection.transaction { connection in
        guard let row = try connection.execute(Self.take).first else { return MaterialisedDeliveries() }
        var reader = ColumnReader(row)
        let id = try reader.identifier()
        let webhook = try reader.identifier()
        var chunk = Parameters()
        chunk.identifier(webhook)
        chunk.timestamp(try reader.timestamp())
        chunk.timestamp(try reader.timestamp())
        chunk.int8(try reader.int8())
        chunk.int8(try reader.int8())
        chunk.int8(Int64(limit))
        let made = try connection.execute(Self.make, chunk).single()
        let count = Int(try made.int8(0))
        var parameters = Parameters()
        parameters.identifier(id)
        if count == limit, let last = try made.int8OrNil(1) {
          parameters.int8(last + 1)
          try connection.execute(Self.move, parameters)
        } else {
          try connection.execute(Self.end, parameters)
        }
        // Another replay may wait behind this one: a round that found one is worth another.
        return MaterialisedDeliveries(events: max(count, 1), endpoints: [webhook])
      }
    }
  }
}
