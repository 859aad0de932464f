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

  /// Those with the newest activity first; each where it stood when the walk began.
  public func conversations(_ query: ConversationQuery, page: PageRequest) async throws -> Page<Conversation> {
    let context = context
    return try await run { connection in
      let walk = try ConversationWalk(page, on: connection)
      let filter = ConversationFilter(query, page: page, moved: walk.moved)
      var listed = try filter.steps.rows(filter.parameters, wanted: page.limit + 1, on: connection).map {
        try ConversationRows.read($0, context: context)
      }
      if !walk.moved.isEmpty {
        let among = ConversationFilter(query, among: walk.moved, page: page)
        let moved = try connection.execute(among.movedStatement, among.parameters).map {
          try ConversationRows.read($0, context: context)
        }
        listed = ConversationWalk.merged(listed, moved)
      }
      let shown = Array(listed.prefix(page.limit))
      let last = listed.count > page.limit ? shown.last : nil
      return Page(
        items: try ConversationRows.withMedia(shown, context: context, on: connection),
        next: last.map { PageCursor(id: $0.conversation.id, time: $0.lastActivityAt, start: walk.start) })
    }
  }
}
