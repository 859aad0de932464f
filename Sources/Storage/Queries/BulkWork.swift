// What nodes do for bulks, and what recipients are judged by.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let take = Statement(
    "take_bulks",
    """
    UPDATE bulks SET lease = $1, lease_until = now() + make_interval(secs => $2)
    WHERE id = ANY (ARRAY(
      SELECT b.id FROM bulks b WHERE b.unsettled AND (b.lease IS NULL OR b.lease = $1 OR b.lease_until < now())
      ORDER BY b.id LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING id, channel, template, state, revision
    """)

  public func takeBulks(node: Identifier, lease: Duration, limit: Int) async throws -> [BulkWork] {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(node)
      parameters.double(lease.inSeconds)
      parameters.int8(Int64(limit))
      return try connection.execute(Self.take, parameters).map { row in
        var reader = ColumnReader(row)
        return BulkWork(
          id: try reader.identifier(), channel: try reader.text(), templateSID: try reader.textOrNil(),
          state: BulkState(rawValue: Int16(try reader.int2())) ?? .canceled, revision: try reader.int4())
      }.sorted { $0.id < $1.id }
    }
  }

  private static let release = Statement(
    "release_bulks", "UPDATE bulks SET lease = NULL, lease_until = NULL WHERE unsettled AND lease = $1")

  public func releaseBulks(node: Identifier) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(node)
      _ = try connection.execute(Self.release, parameters)
    }
  }

  private static let settle = Statement(
    "settle_bulk", "UPDATE bulks SET unsettled = false, lease = NULL WHERE id = $1 AND revision = $2")

  public func settleBulk(_ work: BulkWork) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(work.id)
      parameters.int4(Int32(clamping: work.revision))
      _ = try connection.execute(Self.settle, parameters)
    }
  }

  private static let waitingSends = Statement(
    "waiting_sends",
    """
    SELECT coalesce(sum(n.count), 0)::int8 FROM unnest($1::text[]) AS k(key) CROSS JOIN LATERAL (
      SELECT count(*) FROM (
        SELECT FROM outbox o WHERE o.sender_key = k.key AND o.state = 0 AND o.priority = $2 LIMIT $3) o) n
    """)

  public func waitingSends(_ keys: [String], priority: Int, limit: Int) async throws -> Int {
    try await run { connection in
      var parameters = Parameters()
      parameters.textArray(keys)
      parameters.int2(Int16(clamping: priority))
      parameters.int8(Int64(limit))
      return Int(try connection.execute(Self.waitingSends, parameters).single().int8(0))
    }
  }

  /// How old an id may be that a message is made with. Lists are in the order of ids, and their bounds in time are bounds
  /// of ids, so it is to be of about the time that the message shows.
  private static let freshness: Duration = .seconds(30)

  /// A recipient that has waited gets a new id for its message, but only once: whoever was given one may have made the
  /// message with it; and none where there is the message, for a node of an older version does not say that it was given.
  private static let waiting = Statement(
    "waiting_recipients",
    """
    WITH waiting AS (
      SELECT position, row_number() OVER (ORDER BY position) AS number FROM (
        SELECT position FROM bulk_recipients WHERE bulk_id = $1 AND state = 0
        ORDER BY position LIMIT $2 FOR UPDATE) w)
    UPDATE bulk_recipients r
    SET message_id = CASE
        WHEN r.is_given OR r.message_id >= $4 OR EXISTS (SELECT FROM messages m WHERE m.id = r.message_id)
        THEN r.message_id ELSE ($3::uuid[])[w.number] END,
      is_given = true
    FROM waiting w WHERE r.bulk_id = $1 AND r.position = w.position AND r.state = 0
    RETURNING r.position, r.address, r.body, r.variables, r.metadata, r.units, r.message_id, r.resend_of
    """)

  public func waitingRecipients(ofBulk id: Identifier, limit: Int) async throws -> [BulkRecipient] {
    let ids = (0..<limit).map { _ in clock.makeIdentifier() }
    let now = clock.now()
    return try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      parameters.int8(Int64(limit))
      parameters.identifierArray(ids)
      parameters.identifier(Identifier(first: now - Self.freshness))
      return try connection.execute(Self.waiting, parameters).map { row in
        var reader = ColumnReader(row)
        return BulkRecipient(
          index: try reader.int4(), address: try reader.textOrNil() ?? "", body: try reader.textOrNil(),
          variables: try reader.textOrNil().map { try StoredJSON.strings($0) } ?? [:],
          metadata: try reader.textOrNil().map { try StoredJSON.strings($0) } ?? [:], units: try reader.int4(),
          messageID: try reader.identifier(), resendOf: try reader.identifierOrNil())
      }.sorted { $0.index < $1.index }
    }
  }

  /// Also one whose contact was deleted while its message was made: there it is.
  private static let noteQueued = Statement(
    "note_queued_recipients",
    """
    UPDATE bulk_recipients SET state = 1, code = NULL, reason = NULL
    WHERE bulk_id = $1 AND position = ANY ($2::int4[]) AND (state = 0 OR state = 2 AND code = 'contact_deleted')
    """)

  private static let noteRefused = Statement(
    "note_refused_recipients",
    """
    UPDATE bulk_recipients r SET state = 2, code = n.code, reason = n.reason
    FROM unnest($2::int4[], $3::text[], $4::text[]) AS n(position, code, reason)
    WHERE r.bulk_id = $1 AND r.position = n.position AND r.state = 0
    """)

  public func noteRecipients(ofBulk id: Identifier, queued: [Int], refused: [BulkRefusal]) async throws {
    try await run { connection in
      var made = Parameters()
      made.identifier(id)
      made.int4Array(queued.map { Int32(clamping: $0) })
      var not = Parameters()
      not.identifier(id)
      not.int4Array(refused.map { Int32(clamping: $0.index) })
      not.textArray(refused.map(\.code))
      not.textArray(refused.map(\.message))
      _ = try connection.pipeline([(Self.noteQueued, made), (Self.noteRefused, not)])
    }
  }

  private static let unsent = Statement(
    "unsent_of_bulk",
    """
    SELECT o.message_id FROM outbox o WHERE o.state IN (0, 3, 4) AND o.message_id = ANY (ARRAY(
      SELECT r.message_id FROM bulk_recipients r WHERE r.bulk_id = $1 AND r.state = 1))
    """)

  public func unsentMessages(ofBulk id: Identifier) async throws -> [Identifier] {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      return try connection.execute(Self.unsent, parameters).map { Identifier(try $0.uuid(0)) }
    }
  }

  private static let standings = Statement(
    "recipient_standings",
    """
    SELECT o.scopes, v.last_inbound_at FROM unnest($2::text[]) WITH ORDINALITY AS k(address, ord)
    LEFT JOIN LATERAL (
      SELECT array_agg(s.scope) AS scopes FROM (
        SELECT DISTINCT ON (o.scope) o.scope, o.opted_out FROM opt_outs o
        WHERE o.channel_type = $1 AND o.address = k.address ORDER BY o.scope, o.at DESC, o.id DESC) s
      WHERE s.opted_out) o ON true
    LEFT JOIN LATERAL (
      SELECT v.last_inbound_at FROM conversations v
      WHERE v.channel_type = $1 AND v.address = k.address AND v.line = $3 LIMIT 1) v ON true
    ORDER BY k.ord
    """)

  public func standings(of addresses: [Address], on line: String) async throws -> [RecipientStanding] {
    guard let type = addresses.first?.type else { return [] }
    return try await run { connection in
      var parameters = Parameters()
      parameters.text(type.rawValue)
      parameters.textArray(addresses.map(\.value))
      parameters.text(line)
      return try connection.execute(Self.standings, parameters).map { row in
        var reader = ColumnReader(row)
        var scopes: [String] = []
        if try reader.isNextNull { reader.skip(1) } else { scopes = try reader.textArray() }
        return RecipientStanding(
          optedOut: Set(scopes.map { OptOutScope(rawValue: $0) }), lastInboundAt: try reader.timestampOrNil())
      }
    }
  }
}
