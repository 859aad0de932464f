// Outbound webhooks as rows: made in step with the log, leased, finished.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let lockCursor = Statement(
    "lock_webhook_cursor", "SELECT seq FROM consumer_cursors WHERE name = 'webhooks' FOR UPDATE SKIP LOCKED")

  private static let readBatch = Statement(
    "read_webhook_batch",
    "SELECT count(*), max(seq) FROM (SELECT seq FROM events WHERE seq > $1 ORDER BY seq LIMIT $2) batch")

  /// In one snapshot: what is committed when no endpoint is there to be told of it, need not be looked at.
  private static let skip = Statement(
    "skip_unwanted_events",
    """
    UPDATE consumer_cursors SET seq = newest.seq, updated_at = now()
    FROM (SELECT seq FROM events ORDER BY seq DESC LIMIT 1) newest
    WHERE name = 'webhooks' AND consumer_cursors.seq < newest.seq AND NOT EXISTS (SELECT FROM webhooks WHERE active)
    RETURNING 1
    """)

  /// A delivery's order is its conversation's; an event of none has an order of its own.
  private static let materialise = Statement(
    "materialise_deliveries",
    """
    INSERT INTO deliveries (id, webhook_id, seq, event_id, type, order_key, run_at, first_due_at, created_at)
    SELECT gen_random_uuid(), w.id, e.seq, e.id, e.type, coalesce(e.conversation_id, e.id), now(), now(), now()
    FROM events e JOIN webhooks w ON w.active
      AND (cardinality(w.events) = 0 OR e.type = ANY (w.events))
      AND (cardinality(w.channels) = 0 OR e.channel = ANY (w.channels))
      AND e.at >= w.created_at
    WHERE e.seq > $1 AND e.seq <= $2
    ON CONFLICT DO NOTHING
    """)

  private static let advance = Statement(
    "advance_webhook_cursor",
    "UPDATE consumer_cursors SET seq = $1, updated_at = now() WHERE name = 'webhooks'")

  public func materialiseDeliveries(limit: Int) async throws -> Int {
    try await run { connection in
      try connection.transaction { connection in
        // Another node has the cursor: it does this work.
        guard let cursor = try connection.execute(Self.lockCursor).first?.int8(0) else { return 0 }
        if try !connection.execute(Self.skip).isEmpty { return 0 }
        var batch = Parameters()
        batch.int8(cursor)
        batch.int8(Int64(limit))
        let row = try connection.execute(Self.readBatch, batch).single()
        let count = Int(try row.int8(0))
        guard count > 0, let last = try row.int8OrNil(1) else { return 0 }
        var range = Parameters()
        range.int8(cursor)
        range.int8(last)
        var advanced = Parameters()
        advanced.int8(last)
        _ = try connection.pipeline([(Self.materialise, range), (Self.advance, advanced)])
        return count
      }
    }
  }

  /// Nodes claim one after another: a count of what is under way must see what another node has just taken. A
  /// statement of its own, so that the claim's snapshot is younger than the lock.
  private static let lockClaims = Statement(
    "lock_delivery_claims", "SELECT pg_advisory_xact_lock(7310577382525465188)")

  /// Only the oldest unfinished delivery of an order is offered: a failing one holds back its own conversation only.
  private static let claim = Statement(
    "claim_deliveries",
    """
    WITH due AS (
      SELECT d.id FROM webhooks w
      CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM deliveries b
        WHERE b.webhook_id = w.id AND b.state = 0 AND b.lease_until > now()) busy
      CROSS JOIN LATERAL (
        SELECT d.id, d.run_at, d.seq FROM deliveries d
        WHERE d.webhook_id = w.id AND d.state = 0 AND d.run_at <= now()
          AND (d.lease_until IS NULL OR d.lease_until <= now())
          AND NOT EXISTS (
            SELECT FROM deliveries o
            WHERE o.webhook_id = d.webhook_id AND o.order_key = d.order_key AND o.state = 0 AND o.seq < d.seq)
        ORDER BY d.run_at, d.seq LIMIT greatest($2 - busy.n, 0)
        FOR UPDATE SKIP LOCKED) d
      WHERE w.active
      ORDER BY d.run_at, d.seq LIMIT $1
    ), claimed AS (
      UPDATE deliveries d SET lease = $3, lease_until = now() + make_interval(secs => $4)
      FROM due WHERE d.id = due.id
      RETURNING d.id, d.webhook_id, d.seq, d.attempts, d.first_due_at
    )
    SELECT c.id, c.attempts, c.first_due_at, w.id, w.url, w.headers, w.secret,
      CASE WHEN w.previous_secret_until > now() THEN w.previous_secret END, \(eventColumns)
    FROM claimed c JOIN webhooks w ON w.id = c.webhook_id JOIN events e ON e.seq = c.seq ORDER BY c.seq
    """)

  public func claimDeliveries(limit: Int, perEndpoint: Int, lease: Duration) async throws -> [ClaimedDelivery] {
    let token = clock.makeIdentifier()
    let openSecret = openSecret
    return try await run { connection in
      var parameters = Parameters()
      parameters.int8(Int64(limit))
      parameters.int8(Int64(perEndpoint))
      parameters.identifier(token)
      parameters.double(lease.inSeconds)
      let rows = try connection.pipeline([(Self.lockClaims, Parameters()), (Self.claim, parameters)])[1]
      return try rows.map { row in
        var reader = ColumnReader(row)
        let id = try reader.identifier()
        let attempts = try reader.int4()
        let firstDueAt = try reader.timestamp()
        let endpoint = WebhookEndpoint(
          id: try reader.identifier(), url: try reader.text(),
          headers: (try StoredJSON.value(reader.jsonb()).objectValue ?? [:]).compactMapValues { $0.stringValue },
          secrets: [try reader.bytes(), try reader.bytesOrNil()].compactMap { $0.flatMap(openSecret) })
        return ClaimedDelivery(
          id: id, lease: token, endpoint: endpoint, event: try Event(&reader), attempts: attempts,
          firstDueAt: firstDueAt)
      }
    }
  }

  private static let finish = Statement(
    "finish_deliveries",
    """
    WITH finished AS (
      UPDATE deliveries d SET state = u.state, run_at = coalesce(u.run_at, d.run_at), attempts = d.attempts + 1,
        lease = NULL, lease_until = NULL
      FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::timestamptz[]) AS u(id, lease, state, run_at)
      WHERE d.id = u.id AND d.lease = u.lease
      RETURNING d.id
    )
    INSERT INTO delivery_attempts (delivery_id, at, status, latency_us, error, response)
    SELECT a.* FROM unnest($1::uuid[], $5::timestamptz[], $6::int2[], $7::int8[], $8::text[], $9::text[])
      AS a(id, at, status, latency, error, response) JOIN finished USING (id)
    ON CONFLICT DO NOTHING
    """)

  private static let disable = Statement(
    "disable_webhooks",
    """
    UPDATE webhooks w SET active = false, disabled_reason = u.reason
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS u(delivery, lease, reason)
      JOIN deliveries d ON d.id = u.delivery AND d.lease = u.lease
    WHERE w.id = d.webhook_id AND w.active
    RETURNING w.id, w.url, w.description, w.events, w.channels, w.headers, w.active, w.disabled_reason, w.created_at
    """)

  public func finishDeliveries(_ outcomes: [DeliveryOutcome]) async throws {
    guard !outcomes.isEmpty else { return }
    do {
      try await finish(outcomes)
    } catch let error as PostgresError where error.sqlState?.blamesData ?? (error.kind == .invalidValue) {
      guard outcomes.count > 1 else { throw error }
      // One outcome must not hold up the others.
      for outcome in outcomes { try? await finish([outcome]) }
    }
  }

  private func finish(_ outcomes: [DeliveryOutcome]) async throws {
    let writing = writing
    try await run { connection in
      var p = Parameters()
      p.identifierArray(outcomes.map(\.delivery))
      p.identifierArray(outcomes.map(\.lease))
      p.int2Array(outcomes.map(\.disposition.state))
      p.timestampArray(outcomes.map(\.disposition.nextAttempt))
      p.timestampArray(outcomes.map(\.attempt.at))
      p.int2Array(outcomes.map { $0.attempt.status.map { Int16(clamping: $0) } })
      p.int8Array(outcomes.map(\.attempt.latency.wholeMicroseconds))
      p.textArray(outcomes.map(\.attempt.error))
      p.textArray(outcomes.map(\.attempt.response))
      let gone = outcomes.compactMap { outcome -> (outcome: DeliveryOutcome, reason: String)? in
        if case .disableEndpoint(let reason) = outcome.disposition { (outcome, reason) } else { nil }
      }
      guard !gone.isEmpty else {
        try connection.execute(Self.finish, p)
        return
      }
      var reasons = Parameters()
      reasons.identifierArray(gone.map(\.outcome.delivery))
      reasons.identifierArray(gone.map(\.outcome.lease))
      reasons.textArray(gone.map(\.reason))
      // Before the deliveries are finished: that gives their leases up, and a lease that was lost disables nothing.
      let disabled = try connection.pipeline([(.begin, Parameters()), (Self.disable, reasons), (Self.finish, p)])[1]
      var events = EventBatch(writing)
      let now = writing.clock.now()
      for row in disabled {
        var reader = ColumnReader(row)
        let webhook = try Webhook(&reader)
        events.append(.webhookDisabled, at: now, conversation: nil, channel: nil) { webhook.write(to: &$0) }
      }
      try events.commit(on: connection)
    }
  }

  /// The first hundred of an endpoint: those at the front may be under way, and one behind them due before their
  /// leases end.
  private static let due = Statement(
    "next_delivery_due",
    """
    SELECT min(greatest(d.run_at, coalesce(d.lease_until, d.run_at))) FROM webhooks w CROSS JOIN LATERAL (
      SELECT run_at, lease_until FROM deliveries d WHERE d.webhook_id = w.id AND d.state = 0
      ORDER BY run_at, seq LIMIT 100) d
    WHERE w.active
    """)

  public func nextDeliveryDue() async throws -> Timestamp? {
    try await run { connection in
      try connection.execute(Self.due).single().timestampOrNil(0).map { Timestamp(microseconds: $0) }
    }
  }
}

extension DeliveryOutcome.Disposition {
  fileprivate var state: Int16 {
    switch self {
    case .retry: 0
    case .delivered: 2
    case .dead, .disableEndpoint: 3
    }
  }

  fileprivate var nextAttempt: Timestamp? {
    if case .retry(let at) = self { at } else { nil }
  }
}
