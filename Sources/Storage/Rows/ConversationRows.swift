// Conversations with their contact and last message.

import ChannelProtocol
import Postgres

enum ConversationRows {
  /// Columns of ``read(_:context:)``, of the joins ``joins``.
  static let columns = """
    v.id, v.channel, v.channel_type, v.archived, v.unread_count, v.last_inbound_at, v.created_at, v.updated_at, \
    v.last_activity_at, \(ContactRow.columns), \(StoredMessage.columns)
    """

  static let joins = """
    JOIN contacts c ON c.id = v.contact_id
    \(ContactRow.channelsJoin)
    LEFT JOIN LATERAL (SELECT * FROM messages m WHERE m.id = v.last_message_id LIMIT 1) m ON true
    """

  /// A conversation, and the time that lists are ordered by.
  struct Listed {
    var conversation: Conversation
    var lastActivityAt: Timestamp
    var lastHasMedia: Bool
  }

  static func read(_ row: Row, context: ResourceContext) throws -> Listed {
    var reader = ColumnReader(row)
    let id = try reader.identifier()
    let channel = try reader.textOrNil()
    let type = ChannelType(try reader.text())
    let archived = try reader.bool()
    let unread = try reader.int4()
    let lastInbound = try reader.timestampOrNil()
    let createdAt = try reader.timestamp()
    let updatedAt = try reader.timestamp()
    let lastActivityAt = try reader.timestamp()
    let contact = try ContactRow.read(&reader)
    let last = try reader.isNextNull ? nil : StoredMessage(&reader, context: context)
    let window = context.windows[type]
    return Listed(
      conversation: Conversation(
        id: id, contact: contact, channel: channel, channelType: type, status: archived ? .archived : .open,
        unreadCount: unread, lastMessage: last?.message, hasWindow: window != nil,
        windowExpiresAt: window.flatMap { window in lastInbound.map { $0 + window } }, createdAt: createdAt,
        updatedAt: updatedAt),
      lastActivityAt: lastActivityAt, lastHasMedia: last?.hasMedia ?? false)
  }

  /// Puts the media of the last messages in.
  static func withMedia(
    _ listed: [Listed], context: ResourceContext, on connection: Connection
  ) throws -> [Conversation] {
    let media = try MediaRows.load(
      listed.filter(\.lastHasMedia).compactMap(\.conversation.lastMessage?.id), context: context, on: connection)
    return listed.map { entry in
      var conversation = entry.conversation
      if let id = conversation.lastMessage?.id, let items = media[id] { conversation.lastMessage?.media = items }
      return conversation
    }
  }

  private static let byIDs = Statement(
    "conversations_by_id",
    "SELECT \(columns) FROM conversations v \(joins) WHERE v.id = ANY ($1::uuid[])")

  static func load(
    _ ids: [Identifier], context: ResourceContext, on connection: Connection
  ) throws -> [Identifier: Conversation] {
    var parameters = Parameters()
    parameters.identifierArray(ids)
    let listed = try connection.execute(byIDs, parameters).map { try read($0, context: context) }
    let conversations = try withMedia(listed, context: context, on: connection)
    return Dictionary(conversations.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }
}
