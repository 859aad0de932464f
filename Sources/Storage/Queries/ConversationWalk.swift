// A walk through the conversations, page by page, while messages come in.

import ChannelProtocol
import Postgres

/// The list stands by the last activity, so every message moves its conversation to the front, past a walk that has not
/// come to it yet. A walk therefore shows each conversation where it stood when the walk began: the cursor carries the
/// end that the log had then, and a conversation that the log has told new messages of since stands by its older ones.
/// Each page looks at the log and at the list in one snapshot, so that no move falls between the two.
struct ConversationWalk {
  /// One that has moved since the walk began, and that the walk has not come to.
  struct Moved {
    var id: Identifier
    /// Where it stood.
    var position: Timestamp
    /// Whether the list has it behind the cursor also where it stands now.
    var isBehind: Bool
  }

  /// The newest event's number when the walk began.
  let start: Int64
  let moved: [Moved]

  private static let begin = Statement("begin_walk", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

  private static let newest = Statement(
    "newest_event", "SELECT coalesce((SELECT e.seq FROM events e ORDER BY e.seq DESC LIMIT 1), 0)")

  /// How many events a walk may lie behind: each of its pages reads all that has come since it began.
  private static let reach: Int64 = 100_000

  /// The event that the walk began behind; where it is gone, so may be what came after it.
  private static let first = Statement("walk_start", "SELECT e.seq FROM events e WHERE e.seq = $1 LIMIT 1")

  /// A message is told of once, in the transaction that moves its conversation. Messages that are shown with a time of
  /// long before (recovered ones) may be newer than others with a later time; sixteen of them in a row are not expected.
  private static let movedSince = Statement(
    "moved_conversations",
    """
    SELECT v.id, p.position, (v.last_activity_at, v.id) < ($2, $3)
    FROM (
      SELECT e.conversation_id AS id, array_agg((e.data::json ->> 'id')::uuid) AS news FROM events e
      WHERE e.seq > $1 AND e.type IN ('message.new', 'message.queued') GROUP BY e.conversation_id
    ) n
    CROSS JOIN LATERAL (SELECT * FROM conversations v WHERE v.id = n.id LIMIT 1) v
    CROSS JOIN LATERAL (
      SELECT greatest(v.created_at, max(o.created_at)) AS position FROM (
        SELECT m.created_at FROM messages m WHERE m.conversation_id = v.id AND m.id <> ALL (n.news)
        ORDER BY m.id DESC LIMIT 16) o
    ) p
    WHERE (p.position, v.id) < ($2, $3)
    """)

  /// Begins the page's snapshot, which ends with the call that has the connection.
  /// - Throws: ``WalkTooOld``.
  init(_ page: PageRequest, on connection: Connection) throws {
    guard let cursor = page.cursor, let start = cursor.start else {
      self.start = try connection.pipeline([(Self.begin, Parameters()), (Self.newest, Parameters())])[1].single()
        .int8(0)
      moved = []
      return
    }
    self.start = start
    var event = Parameters()
    event.int8(start)
    var place = Parameters()
    place.int8(start)
    place.timestamp(cursor.time ?? cursor.id.timestamp)
    place.identifier(cursor.id)
    let answers = try connection.pipeline([
      (Self.begin, Parameters()), (Self.first, event), (Self.newest, Parameters()),
    ])
    // 0: the log was empty.
    guard start == 0 || !answers[1].isEmpty, try answers[2].single().int8(0) - start <= Self.reach else {
      throw WalkTooOld()
    }
    moved = try connection.execute(Self.movedSince, place).map { row in
      Moved(
        id: Identifier(try row.uuid(0)), position: Timestamp(microseconds: try row.timestamp(1)),
        isBehind: try row.bool(2))
    }
  }

  /// The list's rows and those that have moved, in the order in which they stood.
  static func merged(
    _ rows: [ConversationRows.Listed], _ moved: [ConversationRows.Listed]
  ) -> [ConversationRows.Listed] {
    guard !moved.isEmpty else { return rows }
    return (rows + moved).sorted {
      ($0.lastActivityAt, $0.conversation.id) > ($1.lastActivityAt, $1.conversation.id)
    }
  }
}

/// A cursor's walk began before what the log still keeps, or too many events ago.
public struct WalkTooOld: Error {
  public init() {}
}
