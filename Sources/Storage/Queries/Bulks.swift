// Bulks as the API makes, shows and changes them.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let insert = Statement(
    "create_bulk",
    "INSERT INTO bulks (id, channel, template, total, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")

  private static let insertRecipients = Statement(
    "create_bulk_recipients",
    """
    INSERT INTO bulk_recipients
      (bulk_id, position, state, address, body, variables, metadata, units, message_id, code, reason, is_given)
    SELECT $1, n.*, false FROM unnest($2::int4[], $3::int2[], $4::text[], $5::text[], $6::text[], $7::text[],
      $8::int4[], $9::uuid[], $10::text[], $11::text[]) AS n
    ON CONFLICT DO NOTHING
    """)

  public func createBulk(_ bulk: NewBulk) async throws {
    try await run { connection in
      var head = Parameters()
      head.identifier(bulk.id)
      head.text(bulk.channel)
      head.text(bulk.templateSID)
      head.int4(Int32(clamping: bulk.recipients.count + bulk.refused.count))
      head.timestamp(bulk.createdAt)
      let (accepted, refused) = (bulk.recipients, bulk.refused)
      func none<Value>(_: BulkRefusal) -> Value? { nil }
      var p = Parameters()
      p.identifier(bulk.id)
      p.int4Array((accepted.map(\.index) + refused.map(\.index)).map { Int32(clamping: $0) })
      p.int2Array(accepted.map { _ in 0 } + refused.map { _ in 2 })
      p.textArray(accepted.map(\.address) + refused.map(none))
      p.textArray(accepted.map(\.body) + refused.map(none))
      p.textArray(accepted.map { StoredJSON.text($0.variables) } + refused.map(none))
      p.textArray(accepted.map { StoredJSON.text($0.metadata) } + refused.map(none))
      p.int4Array(accepted.map { Int32(clamping: $0.units) } + refused.map { _ in 0 })
      p.identifierArray(accepted.map(\.messageID) + refused.map(none))
      p.textArray(accepted.map { _ in nil } + refused.map { Optional($0.code) })
      p.textArray(accepted.map { _ in nil } + refused.map { Optional($0.message) })
      // One implicit transaction.
      _ = try connection.pipeline([(Self.insert, head), (Self.insertRecipients, p)])
    }
  }

  private static let head = Statement(
    "bulk_by_id", "SELECT channel, state, total, created_at FROM bulks WHERE id = $1")

  private static let refusals = Statement(
    "bulk_refusals",
    "SELECT position, code, reason FROM bulk_recipients WHERE bulk_id = $1 AND state = 2 ORDER BY position")

  public func bulk(_ id: Identifier) async throws -> Bulk? {
    try await run { connection in
      let (counts, answers) = try BulkCounts.read(of: id, with: [Self.head, Self.refusals], on: connection)
      guard let row = answers[0].first else { return nil }
      var reader = ColumnReader(row)
      let channel = try reader.text()
      let state = BulkState(rawValue: Int16(try reader.int2())) ?? .canceled
      var bulk = Bulk(
        id: id, channel: channel, state: state, total: try reader.int4(), waiting: counts.waiting,
        counts: counts.counts,
        unitsLeft: counts.unitsLeft, refused: [], createdAt: try reader.timestamp())
      bulk.refused = try answers[1].map { row in
        var reader = ColumnReader(row)
        return BulkRefusal(index: try reader.int4(), code: try reader.text(), message: try reader.text())
      }
      return bulk
    }
  }

  // MARK: Changes

  private static let lock = Statement("lock_bulk", "SELECT state FROM bulks WHERE id = $1 FOR UPDATE")

  private static let change = Statement(
    "change_bulk", "UPDATE bulks SET state = $2, revision = revision + 1, unsettled = true WHERE id = $1")

  /// In id order, as whoever else locks several.
  private static let moveOutbox = Statement(
    "move_outbox_of_bulk",
    """
    UPDATE outbox SET state = $3 WHERE message_id = ANY (ARRAY(
      SELECT o.message_id FROM outbox o WHERE o.state = $2 AND o.message_id = ANY (ARRAY(
        SELECT r.message_id FROM bulk_recipients r WHERE r.bulk_id = $1 AND r.state = 1))
      ORDER BY o.message_id FOR UPDATE)) AND state = $2
    """)

  public func setBulkState(_ state: BulkState, of id: Identifier) async throws -> BulkChange {
    try await runUnit { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      let found = try connection.pipeline([(.begin, Parameters()), (Self.lock, parameters)])[1].first
      guard let before = try found.flatMap({ BulkState(rawValue: try $0.int2(0)) }) else {
        try connection.execute(.rollback)
        return .notFound
      }
      guard before != .canceled || state == .canceled else {
        try connection.execute(.rollback)
        return .refused(before)
      }
      var changed = parameters
      changed.int2(state.rawValue)
      var steps = [(Self.change, changed)]
      if state != .canceled { steps.append((Self.moveOutbox, Self.moving(id, freezing: state == .paused))) }
      _ = try connection.pipeline(steps + [(.commit, Parameters())])
      return .done
    }
  }

  public func freezeBulk(_ id: Identifier) async throws {
    try await runUnit { connection in
      _ = try connection.execute(Self.moveOutbox, Self.moving(id, freezing: true))
    }
  }

  private static func moving(_ id: Identifier, freezing: Bool) -> Parameters {
    var parameters = Parameters()
    parameters.identifier(id)
    parameters.int2(freezing ? 0 : 4)
    parameters.int2(freezing ? 4 : 0)
    return parameters
  }

  private static let failed = Statement(
    "failed_in_bulk",
    """
    SELECT r.position FROM bulk_recipients r CROSS JOIN LATERAL (
      SELECT 1 FROM messages m WHERE m.id = r.message_id AND m.status = ANY ($2::int2[]) LIMIT 1) m
    WHERE r.bulk_id = $1 AND r.state = 1 ORDER BY r.position
    """)

  private static let again = Statement(
    "retry_in_bulk",
    """
    UPDATE bulk_recipients r
    SET state = 0, resend_of = r.message_id, message_id = n.id, is_given = false
    FROM unnest($2::int4[], $3::uuid[]) AS n(position, id) WHERE r.bulk_id = $1 AND r.position = n.position
    """)

  public func retryFailed(inBulk id: Identifier) async throws -> BulkChange {
    let clock = clock
    return try await runUnit { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      var statuses = parameters
      statuses.int2Array([DeliveryStatus.failed, .undelivered].map(\.code))
      let answers = try connection.pipeline([
        (.begin, Parameters()), (Self.lock, parameters), (Self.failed, statuses),
      ])
      guard let before = try answers[1].first.flatMap({ BulkState(rawValue: try $0.int2(0)) }) else {
        try connection.execute(.rollback)
        return .notFound
      }
      guard before != .canceled else {
        try connection.execute(.rollback)
        return .refused(before)
      }
      let positions = try answers[2].map { try $0.int4(0) }
      var again = parameters
      again.int4Array(positions)
      again.identifierArray(positions.map { _ in clock.makeIdentifier() })
      var running = parameters
      running.int2(before.rawValue)
      _ = try connection.pipeline([(Self.again, again), (Self.change, running), (.commit, Parameters())])
      return .done
    }
  }
}
