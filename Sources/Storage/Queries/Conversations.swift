// Reading conversations.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  public func markRead(conversation id: Identifier) async throws -> Conversation? {
    try await reads.submit(id, deadline: options.deadline)
  }

  public func conversation(_ id: Identifier) async throws -> Conversation? {
    let context = context
    return try await run { try ConversationRows.load([id], context: context, on: $0)[id] }
  }

  private static let standingStatement = Statement(
    "conversation_standing",
    """
    SELECT v.last_inbound_at, m.ours FROM conversations v
    LEFT JOIN LATERAL (
      SELECT CASE WHEN m.inbound THEN m.recipient ELSE m.sender END AS ours FROM messages m
      WHERE m.id = v.last_message_id LIMIT 1) m ON true
    WHERE v.channel_type = $1 AND v.address = $2 AND v.line = $3
    """)

  public func standing(of address: Address, on line: String) async throws -> ConversationStanding? {
    try await run { connection in
      var parameters = Parameters()
      parameters.text(address.type.rawValue)
      parameters.text(address.value)
      parameters.text(line)
      return try connection.execute(Self.standingStatement, parameters).first.map { row in
        var reader = ColumnReader(row)
        return ConversationStanding(lastInboundAt: try reader.timestampOrNil(), ourAddress: try reader.textOrNil())
      }
    }
  }

  /// Those with the newest activity first.
  public func conversations(_ query: ConversationQuery, page: PageRequest) async throws -> Page<Conversation> {
    let context = context
    return try await run { connection in
      var conditions: [String] = []
      var name = "conversations"
      var parameters = Parameters()
      if let cursor = page.cursor {
        parameters.timestamp(cursor.time ?? cursor.id.timestamp)
        parameters.identifier(cursor.id)
        conditions.append(
          "v.activity_bin <= date_bin('5 seconds', $1, to_timestamp(0)) AND (v.last_activity_at, v.id) < ($1, $2)")
        name += "_after"
      }
      if let status = query.status {
        parameters.bool(status == .archived)
        conditions.append("v.archived = $\(parameters.count)")
        name += "_status"
      }
      if let channel = query.channel {
        parameters.text(channel)
        conditions.append("$\(parameters.count) IN (v.channel, v.channel_type)")
        name += "_channel"
      }
      if let unread = query.unread {
        conditions.append(unread ? "v.unread_count > 0" : "v.unread_count = 0")
        name += unread ? "_unread" : "_no_unread"
      }
      parameters.int8(Int64(page.limit + 1))
      let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
      // The page is cut before anything is joined to it.
      let statement = Statement(
        name,
        """
        SELECT \(ConversationRows.columns) FROM (
          SELECT * FROM conversations v \(filter)
          ORDER BY v.activity_bin DESC, v.last_activity_at DESC, v.id DESC LIMIT $\(parameters.count)
        ) v \(ConversationRows.joins) ORDER BY v.last_activity_at DESC, v.id DESC
        """)
      let listed = try connection.execute(statement, parameters).map {
        try ConversationRows.read($0, context: context)
      }
      let shown = Array(listed.prefix(page.limit))
      let next =
        listed.count > page.limit
        ? shown.last.map { PageCursor(id: $0.conversation.id, time: $0.lastActivityAt) } : nil
      return Page(items: try ConversationRows.withMedia(shown, context: context, on: connection), next: next)
    }
  }
}
