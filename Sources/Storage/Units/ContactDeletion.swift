// A contact goes, and everything that was said with it.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// The outbox before the messages, as a claim locks them; each by id.
  private static let locks = [
    Statement(
      "lock_outbox_of_conversations",
      """
      SELECT 1 FROM outbox o WHERE o.message_id = ANY (ARRAY(
        SELECT m.id FROM messages m WHERE m.conversation_id = ANY ($1::uuid[])))
      ORDER BY o.message_id FOR UPDATE
      """),
    Statement(
      "lock_messages_of_conversations",
      "SELECT 1 FROM messages m WHERE m.conversation_id = ANY ($1::uuid[]) ORDER BY m.id FOR UPDATE"),
  ]

  private static func removal(_ name: String, from table: String) -> Statement {
    Statement(
      name,
      """
      DELETE FROM \(table) WHERE message_id = ANY (ARRAY(
        SELECT m.id FROM messages m WHERE m.conversation_id = ANY ($1::uuid[])))
      """)
  }

  private static let removals = [
    removal("delete_outbox_of_conversations", from: "outbox"),
    removal("delete_history_of_conversations", from: "status_events"),
    removal("delete_polls_of_conversations", from: "status_polls"),
    removal("delete_media_of_conversations", from: "media"),
    Statement(
      "delete_messages_of_conversations", "DELETE FROM messages WHERE conversation_id = ANY ($1::uuid[])"),
  ]

  /// A bulk keeps the number of its recipients, not what it knew of this one.
  private static let clearBulks = Statement(
    "clear_bulk_recipients",
    """
    UPDATE bulk_recipients SET address = NULL, body = NULL, variables = NULL, metadata = NULL
    WHERE message_id = ANY (ARRAY(SELECT m.id FROM messages m WHERE m.conversation_id = ANY ($1::uuid[])))
    """)

  /// Nor is one that still waits for its message given any, unless a node has it at hand at this moment. A bulk may be
  /// paused, and go on much later.
  private static let refuseBulks = Statement(
    "refuse_deleted_recipients",
    """
    UPDATE bulk_recipients r SET state = 2, code = 'contact_deleted', reason = 'The contact was deleted meanwhile.',
      address = NULL, body = NULL, variables = NULL, metadata = NULL
    FROM (
      SELECT r.bulk_id, r.position FROM contact_channels h
      JOIN unnest($2::text[], $3::text[]) AS c(channel, type) ON c.type = h.type
      JOIN bulks b ON b.channel = c.channel
      JOIN bulk_recipients r ON r.bulk_id = b.id AND r.state = 0 AND r.address = h.address
      WHERE h.contact_id = $1 ORDER BY r.bulk_id, r.position FOR UPDATE OF r) w
    WHERE r.bulk_id = w.bulk_id AND r.position = w.position AND r.state = 0
    """)

  private static let remove = Statement("delete_contact", "DELETE FROM contacts WHERE id = $1")

  public func deleteContact(_ id: Identifier, ifStill expected: Contact?) async throws -> Bool {
    let writing = writing
    return try await runUnit { connection in
      var unit = ContactUnit(writing, on: connection)
      guard try unit.begin(locking: [id]).contains(id) else { return try unit.abandon(false) }
      try unit.require(expected)
      var held = Parameters()
      held.identifierArray(try unit.lockConversations(of: [id]))
      _ = try connection.pipeline(Self.locks.map { ($0, held) })
      var waiting = Parameters()
      waiting.identifier(id)
      let channels = writing.resources.channelTypes
      waiting.textArray(channels.map(\.key))
      waiting.textArray(channels.map(\.value.rawValue))
      _ = try connection.pipeline(
        [(Self.refuseBulks, waiting), (Self.clearBulks, held)] + Self.removals.map { ($0, held) })
      var gone = Parameters()
      gone.identifier(id)
      _ = try connection.execute(Self.remove, gone)
      unit.announceEnd(of: id, mergedInto: nil)
      try unit.events.commit(on: connection)
      return true
    }
  }
}
