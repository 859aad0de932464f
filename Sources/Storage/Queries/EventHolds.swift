// What keeps the log longer than it is to be kept.

public import ChannelProtocol
import Postgres

/// A webhook that has still to get what is older than the log is to go back.
public struct EventHold: Sendable, Hashable {
  /// The first event that it holds.
  public var seq: Int64
  public var at: Timestamp
  public var webhook: Identifier

  public init(seq: Int64, at: Timestamp, webhook: Identifier) {
    self.seq = seq
    self.at = at
    self.webhook = webhook
  }
}

/// What was in the way of removing events.
public struct EventExpiry: Sendable {
  public var hold: EventHold?
  /// A partition that the server would not drop, in its own words; its rows are removed one by one.
  public var obstacle: String?

  public init(hold: EventHold? = nil, obstacle: String? = nil) {
    self.hold = hold
    self.obstacle = obstacle
  }
}

extension PostgresMessageStore {
  private static let held = Statement(
    "held_events",
    """
    WITH holds AS (
      SELECT c.seq, (SELECT w.id FROM webhooks w WHERE \(collects) ORDER BY w.id LIMIT 1) AS webhook
      FROM consumer_cursors c WHERE c.name = 'webhooks'
      UNION ALL
      SELECT d.seq - 1, w.id FROM webhooks w CROSS JOIN LATERAL (
        SELECT d.seq FROM deliveries d WHERE d.webhook_id = w.id AND d.state < 2 ORDER BY d.seq LIMIT 1) d
      WHERE \(collects)
      UNION ALL
      SELECT next_seq - 1, webhook_id FROM webhook_replays
    ), hold AS (SELECT seq, webhook FROM holds WHERE webhook IS NOT NULL ORDER BY seq, webhook LIMIT 1)
    SELECT e.seq, e.at, h.webhook FROM hold h
    CROSS JOIN LATERAL (SELECT seq, at FROM events WHERE seq > h.seq ORDER BY seq LIMIT 1) e
    WHERE e.at < $1 AND e.seq < (SELECT seq FROM events ORDER BY seq DESC LIMIT 1)
    """)

  func heldEvents(olderThan before: Timestamp) async throws -> EventHold? {
    try await run { connection in
      var parameters = Parameters()
      parameters.timestamp(before)
      return try connection.execute(Self.held, parameters).first.map { row in
        var reader = ColumnReader(row)
        return EventHold(seq: try reader.int8(), at: try reader.timestamp(), webhook: try reader.identifier())
      }
    }
  }
}
