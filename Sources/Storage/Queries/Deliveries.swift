// Outbound webhooks as rows: made in step with the log, and shared out among the nodes.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let lockCursor = Statement(
    "lock_webhook_cursor", "SELECT seq FROM consumer_cursors WHERE name = 'webhooks' FOR UPDATE SKIP LOCKED")

  private static let readBatch = Statement(
    "read_webhook_batch",
    "SELECT count(*), max(seq) FROM (SELECT seq FROM events WHERE seq > $1 ORDER BY seq LIMIT $2) batch")

  /// Without endpoints the cursor is moved once a second at most: a commit beside each of the lane's would cost as much as
  /// they do.
  private static let isWorthALock = Statement(
    "is_webhook_cursor_due",
    """
    SELECT updated_at < now() - interval '1 second' OR EXISTS (SELECT FROM webhooks w WHERE \(collects))
    FROM consumer_cursors WHERE name = 'webhooks'
    """)

  /// In one snapshot: what is committed when no endpoint is there to be told of it, need not be looked at.
  private static let skip = Statement(
    "skip_unwanted_events",
    """
    UPDATE consumer_cursors SET seq = newest.seq, updated_at = now()
    FROM (SELECT seq FROM events ORDER BY seq DESC LIMIT 1) newest
    WHERE name = 'webhooks' AND consumer_cursors.seq < newest.seq
      AND NOT EXISTS (SELECT FROM webhooks w WHERE \(collects))
    RETURNING 1
    """)

  /// One that was paused goes on collecting; one that was disabled does not.
  static let collects = "(w.active OR w.disabled_reason IS NULL)"

  /// What an endpoint asked for.
  static let wants = """
    (cardinality(w.events) = 0 OR e.type = ANY (w.events))
      AND (cardinality(w.channels) = 0 OR e.channel = ANY (w.channels))
    """

  /// A delivery's order is its conversation's; an event of none has an order of its own. What is collected waits beside
  /// the line (see `endpointSchema`).
  private static let materialise = Statement(
    "materialise_deliveries",
    """
    WITH made AS (
      INSERT INTO deliveries (id, webhook_id, seq, event_id, type, order_key, state, run_at, created_at)
      SELECT uuid_of_time(clock_timestamp()), w.id, e.seq, e.id, e.type, coalesce(e.conversation_id, e.id),
        CASE WHEN w.active THEN 0 ELSE 1 END, now(), now()
      FROM events e JOIN webhooks w ON \(collects) AND \(wants) AND e.seq > w.after_seq
      WHERE e.seq > $1 AND e.seq <= $2
      ON CONFLICT DO NOTHING
      RETURNING webhook_id
    )
    SELECT DISTINCT webhook_id FROM made
    """)

  private static let advance = Statement(
    "advance_webhook_cursor",
    "UPDATE consumer_cursors SET seq = $1, updated_at = now() WHERE name = 'webhooks'")

  public func materialiseDeliveries(limit: Int) async throws -> MaterialisedDeliveries {
    try await run { connection in
      guard try connection.execute(Self.isWorthALock).first?.bool(0) ?? false else { return MaterialisedDeliveries() }
      return try connection.transaction { connection in
        // Another node has the cursor: it does this work.
        guard let cursor = try connection.execute(Self.lockCursor).first?.int8(0) else {
          return MaterialisedDeliveries(isElsewhere: true)
        }
        if try !connection.execute(Self.skip).isEmpty { return MaterialisedDeliveries() }
        var batch = Parameters()
        batch.int8(cursor)
        batch.int8(Int64(limit))
        let row = try connection.execute(Self.readBatch, batch).single()
        let count = Int(try row.int8(0))
        guard count > 0, let last = try row.int8OrNil(1) else { return MaterialisedDeliveries() }
        var range = Parameters()
        range.int8(cursor)
        range.int8(last)
        var advanced = Parameters()
        advanced.int8(last)
        let made = try connection.pipeline([(Self.materialise, range), (Self.advance, advanced)])[0]
        return MaterialisedDeliveries(
          events: count, endpoints: Set(try made.map { Identifier(try $0.uuid(0)) }))
      }
    }
  }

  // MARK: Whose an endpoint is

  private static let lease = Statement(
    "lease_webhooks",
    """
    WITH free AS (
      SELECT id FROM webhooks WHERE active AND (node = $1 OR node IS NULL OR lease_until < now())
      ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE webhooks SET node = $1, lease_until = now() + make_interval(secs => $2)
    WHERE id IN (SELECT id FROM free)
    RETURNING \(endpointColumns), resumed_at, failing_since
    """)

  static let endpointColumns = """
    id, url, headers, secret, CASE WHEN previous_secret_until > now() THEN previous_secret END,
      ARRAY(SELECT o.secret FROM unnest(older_secrets, older_secrets_until) WITH ORDINALITY AS o(secret, until, ord)
        WHERE o.until > now() ORDER BY o.ord),
      timeout_ms, concurrency, rate_limit
    """

  private static let release = Statement(
    "release_webhooks", "UPDATE webhooks SET node = NULL, lease_until = NULL WHERE node = $1")

  public func leaseEndpoints(node: Identifier, lease: Duration) async throws -> [WebhookEndpoint] {
    let openSecret = openSecret
    return try await run { connection in
      var parameters = Parameters()
      parameters.identifier(node)
      parameters.double(lease.inSeconds)
      return try connection.execute(Self.lease, parameters).map { row in
        var reader = ColumnReader(row)
        var endpoint = try WebhookEndpoint(&reader, openSecret: openSecret)
        endpoint.resumedAt = try reader.timestampOrNil()
        endpoint.failingSince = try reader.timestampOrNil()
        return endpoint
      }
    }
  }

  public func releaseEndpoints(node: Identifier) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(node)
      try connection.execute(Self.release, parameters)
    }
  }
}

extension WebhookEndpoint {
  init(_ reader: inout ColumnReader, openSecret: ([UInt8]) -> [UInt8]?) throws {
    self.init(
      id: try reader.identifier(), url: try reader.text(),
      headers: (try StoredJSON.value(reader.jsonb()).objectValue ?? [:]).compactMapValues { $0.stringValue },
      secrets: ([try reader.bytes()] + [try reader.bytesOrNil()].compactMap { $0 } + (try reader.bytesArray()))
        .compactMap(openSecret),
      timeout: try reader.int4OrNil().map { .milliseconds($0) }, concurrency: try reader.int4OrNil(),
      rateLimit: try reader.doubleOrNil())
  }
}
