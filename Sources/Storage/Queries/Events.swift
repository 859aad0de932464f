// Reading the event log, and keeping room at its end.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  static let eventColumns = "e.seq, e.id, e.type, e.at, e.conversation_id, e.channel, e.data"

  private static let after = Statement(
    "events_after",
    "SELECT \(eventColumns) FROM events e WHERE e.seq > $1 ORDER BY e.seq LIMIT $2")

  private static let bounds = Statement(
    "event_bounds",
    """
    SELECT (SELECT epoch FROM log_epoch),
      greatest(
        (SELECT min(substr(c.relname, length('events_') + 1)::int8) * 1000000 - 1
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'events'::regclass),
        (SELECT seq FROM consumer_cursors WHERE name = 'retention')),
      (SELECT seq FROM events ORDER BY seq DESC LIMIT 1),
      (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_seq)
    """)

  private static let maintain = Statement("ensure_event_partitions", "SELECT ensure_event_partitions(2)")

  public func events(after seq: Int64, limit: Int) async throws -> [Event] {
    try await run { connection in
      var parameters = Parameters()
      parameters.int8(seq)
      parameters.int8(Int64(limit))
      let events = try connection.execute(Self.after, parameters).map { row in
        var reader = ColumnReader(row)
        return try Event(&reader)
      }
      // Numbers may be skipped, so a gap alone says nothing: only what retention dropped is gone.
      if let first = events.first, first.seq > seq + 1 {
        let bounds = try Self.readBounds(connection)
        if seq < bounds.oldest { throw EventsGone(oldest: bounds.oldest) }
      }
      return events
    }
  }

  public func bounds() async throws -> EventLogBounds {
    try await run { try Self.readBounds($0) }
  }

  private static let lockLog = Statement("lock_event_log", "SELECT pg_advisory_xact_lock(7310577382525465186)")

  static func readBounds(_ connection: Connection) throws -> EventLogBounds {
    let row = try connection.execute(bounds).single()
    if try !row.isNull(2) { return try EventLogBounds(row) }
    // Empty: what counts is the last number given out, and that may belong to an event which is about to be committed.
    // Under the log's lock there is none such.
    return try EventLogBounds(connection.pipeline([(lockLog, Parameters()), (bounds, Parameters())])[1].single())
  }

  public func maintainEventLog() async throws {
    try await run { _ = try $0.execute(Self.maintain) }
  }
}

extension EventLogBounds {
  fileprivate init(_ row: Row) throws {
    var reader = ColumnReader(row)
    let epoch = try reader.identifier()
    // Not the first event's number: a gap below that may be a rollback's.
    let oldest = max(0, try reader.int8OrNil() ?? 0)
    let last = try reader.int8OrNil()
    let issued = try reader.int8()
    self.init(epoch: epoch, oldest: oldest, newest: last ?? max(oldest, issued))
  }
}

extension Event {
  init(_ reader: inout ColumnReader) throws {
    self.init(
      seq: try reader.int8(), id: try reader.identifier(), type: EventType(rawValue: try reader.text()),
      at: try reader.timestamp(), conversationID: try reader.identifierOrNil(), channel: try reader.textOrNil(),
      data: try reader.utf8())
  }
}
