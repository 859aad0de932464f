// Deliveries as people see them, and how long they are kept.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let shown = "d.id, d.webhook_id, d.event_id, d.seq, d.type, d.state, d.run_at, d.log, d.created_at"

  public func deliveries(
    of webhook: Identifier, states: Set<Delivery.State>, page: PageRequest
  ) async throws -> Page<Delivery> {
    try await run { connection in
      var p = Parameters()
      p.identifier(webhook)
      // The cursor is a delivery's number in an id's clothes: the list is ordered by it.
      p.int8(page.cursor.map { Int64(bitPattern: $0.id.low) } ?? .max)
      p.int8(Int64(page.limit + 1))
      let list = DeliveryList(states, shown: Self.shown)
      let found = try list.steps.rows(p, wanted: page.limit + 1, on: connection).map { row in
        var reader = ColumnReader(row)
        return try Delivery(&reader)
      }
      let shown = Array(found.prefix(page.limit))
      let next = found.count > page.limit ? shown.last?.seq : nil
      return Page(
        items: shown, next: next.map { PageCursor(id: Identifier(high: 0, low: UInt64(bitPattern: $0))) })
    }
  }

  // MARK: Once more

  /// What is in line stays there: it would overtake those of its conversation that stand before it.
  private static let retry = Statement(
    "retry_delivery",
    """
    UPDATE deliveries d SET state = least(state, 1), run_at = now(), attempts = 0, holds_until = NULL
    WHERE d.id = $1
    RETURNING \(shown), false
    """)

  /// What waited for it waits no longer.
  private static let releaseFollowers = Statement(
    "release_followers",
    """
    UPDATE deliveries f SET run_at = now() FROM deliveries d
    WHERE d.id = $1 AND f.webhook_id = d.webhook_id AND f.order_key = d.order_key AND f.seq > d.seq AND f.state = 1
      AND f.attempts = 0 AND f.run_at > now()
    """)

  private static let number = Statement(
    "delivery_number",
    """
    SELECT d.seq FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id AND w.removed_at IS NULL WHERE d.id = $1
    """)
  private static let hasEvent = Statement("has_event", "SELECT e.seq FROM events e WHERE e.seq = $1 LIMIT 1")

  public func retryDelivery(_ id: Identifier) async throws -> DeliveryRetry {
    try await runUnit(deadline: options.deadline) { connection in
      var p = Parameters()
      p.identifier(id)
      guard let seq = try connection.execute(Self.number, p).first?.int8(0) else { return .unknown }
      var event = Parameters()
      event.int8(seq)
      guard try !connection.execute(Self.hasEvent, event).isEmpty else { return .eventGone }
      let retried = try connection.pipeline([(Self.retry, p), (Self.releaseFollowers, p)])[0]
      guard let row = retried.first else { return .unknown }
      var reader = ColumnReader(row)
      return .due(try Delivery(&reader))
    }
  }

  // MARK: Retention

  private static let expire = Statement(
    "expire_deliveries",
    """
    WITH old AS (
      SELECT id, state FROM deliveries WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3
    ), removed AS (
      DELETE FROM deliveries d USING old WHERE d.id = old.id AND old.state >= 2 AND d.state >= 2 AND d.run_at < $4
    )
    SELECT count(*), max(id::text)::uuid FROM old
    """)

  public func expireDeliveries(olderThan age: Duration) async throws {
    // Ids are in order of time. One that was replayed was due again since.
    let before = clock.now() - age
    let milliseconds = UInt64(max(0, before.microseconds / 1_000))
    let end = Identifier(high: milliseconds << 16, low: 0)
    var cursor = Identifier(high: 0, low: 0)
    while !Task.isCancelled {
      let start = cursor
      let chunk = 2_000
      let (count, last) = try await run { connection in
        var p = Parameters()
        p.identifier(start)
        p.identifier(end)
        p.int8(Int64(chunk))
        p.timestamp(before)
        let row = try connection.execute(Self.expire, p).single()
        return (Int(try row.int8(0)), try row.uuidOrNil(1).map { Identifier($0) })
      }
      guard count == chunk, let last else { return }
      cursor = last
    }
  }

  // MARK: What waits

  /// Counted to a bound, so that a receiver that has been away for long costs no more than one that was away for short.
  /// What is no node's, as it is paused, is told by the first of the nodes.
  private static let backlog = Statement(
    "delivery_backlog",
    """
    WITH first AS (
      SELECT coalesce((SELECT node FROM webhooks WHERE lease_until > now() ORDER BY node LIMIT 1) = $1, true) AS is_here
    )
    SELECT w.id, c.pending, o.created_at FROM webhooks w
    CROSS JOIN LATERAL (
      SELECT count(*) AS pending FROM (
        SELECT FROM deliveries d WHERE d.webhook_id = w.id AND d.state < 2 LIMIT 100000) counted) c
    LEFT JOIN LATERAL (
      SELECT d.created_at FROM deliveries d WHERE d.webhook_id = w.id AND d.state < 2 ORDER BY d.seq LIMIT 1) o ON true
    WHERE w.removed_at IS NULL
      AND (w.node = $1 OR (w.node IS NULL OR w.lease_until < now()) AND (SELECT is_here FROM first))
    ORDER BY w.id LIMIT 1000
    """)

  public func deliveryBacklog(node: Identifier) async throws -> [EndpointBacklog] {
    try await run { connection in
      var p = Parameters()
      p.identifier(node)
      return try connection.execute(Self.backlog, p).map { row in
        var reader = ColumnReader(row)
        return EndpointBacklog(
          endpoint: try reader.identifier(), pending: Int(try reader.int8()), oldest: try reader.timestampOrNil())
      }
    }
  }
}

extension Delivery {
  fileprivate init(_ reader: inout ColumnReader) throws {
    let id = try reader.identifier()
    let webhookID = try reader.identifier()
    let eventID = try reader.identifier()
    let seq = try reader.int8()
    let type = try reader.text()
    let code = try reader.int2()
    let runAt = try reader.timestamp()
    let log = try reader.utf8()
    let createdAt = try reader.timestamp()
    let isHeld = try reader.bool()
    let state: State = code == 3 ? .dead : code == 2 ? .delivered : isHeld ? .held : .pending
    self.init(
      id: id, webhookID: webhookID, eventID: eventID, seq: seq, type: type, state: state,
      nextAttemptAt: code < 2 ? runAt : nil, attempts: log, createdAt: createdAt)
  }
}
