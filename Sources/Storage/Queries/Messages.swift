// Reading messages.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let byID = Statement(
    "message_by_id", "SELECT m.raw, \(StoredMessage.columns) FROM messages m WHERE m.id = $1")

  public func message(_ id: Identifier) async throws -> MessageDetail? {
    let context = context
    return try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      let rows = try connection.pipeline([(Self.byID, parameters), (MessageHistory.statement, parameters)])
      guard let row = rows[0].first else { return nil }
      var reader = ColumnReader(row)
      let raw = try reader.isNextNull ? nil : reader.utf8()
      if raw == nil { reader.skip(1) }
      var message = try StoredMessage(&reader, context: context).message
      message.media = try MediaRows.load([id], context: context, on: connection)[id] ?? []
      let history = try MessageHistory(of: message, rows[1])
      return MessageDetail(message: message, history: history.reports, reports: history.payloads, raw: raw)
    }
  }

  /// Newest first.
  public func messages(_ query: MessageQuery, page: PageRequest) async throws -> Page<Message> {
    let context = context
    return try await run { connection in
      let filter = MessageFilter(query, page: page)
      let stored = try filter.steps.rows(filter.parameters, wanted: page.limit + 1, on: connection).map { row in
        var reader = ColumnReader(row)
        return try StoredMessage(&reader, context: context)
      }
      let media = try MediaRows.load(
        stored.filter(\.hasMedia).map(\.message.id), context: context, on: connection)
      let messages = stored.prefix(page.limit).map { stored in
        var message = stored.message
        message.media = media[message.id] ?? []
        return message
      }
      let hasMore = stored.count > page.limit
      return Page(items: messages, next: hasMore ? messages.last.map { PageCursor(id: $0.id) } : nil)
    }
  }

  private static let lastChannel = Statement(
    "last_channel",
    """
    SELECT v.channel FROM conversations v
    WHERE v.address = $1 AND v.channel_type = ANY ($2::text[]) AND v.channel IS NOT NULL
    ORDER BY v.last_activity_at DESC LIMIT 1
    """)

  public func lastChannel(of address: String, types: [ChannelType]) async throws -> String? {
    try await run { connection in
      var parameters = Parameters()
      parameters.text(address)
      parameters.textArray(types.map(\.contactType.rawValue))
      return try connection.execute(Self.lastChannel, parameters).first?.textOrNil(0)
    }
  }
}
