// Reading messages.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let byID = Statement(
    "message_by_id", "SELECT m.raw, \(StoredMessage.columns) FROM messages m WHERE m.id = $1")

  private static let history = Statement(
    "message_history",
    """
    SELECT status, provider_status, at, source, error_code, error_message, raw FROM status_events
    WHERE message_id = $1 ORDER BY at, status
    """)

  public func message(_ id: Identifier) async throws -> MessageDetail? {
    let context = context
    return try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      let rows = try connection.pipeline([(Self.byID, parameters), (Self.history, parameters)])
      guard let row = rows[0].first else { return nil }
      var reader = ColumnReader(row)
      let raw = try reader.isNextNull ? nil : reader.utf8()
      if raw == nil { reader.skip(1) }
      var message = try StoredMessage(&reader, context: context).message
      message.media = try MediaRows.load([id], context: context, on: connection)[id] ?? []
      return MessageDetail(
        message: message, history: try [.first(of: message)] + rows[1].map { try StatusReport($0) },
        reports: try [nil] + rows[1].map { try $0.textOrNil(6).map { Array($0.utf8) } }, raw: raw)
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

extension StatusReport {
  /// The report that a message begins with; it stands in the message's own row.
  fileprivate static func first(of message: Message) -> StatusReport {
    let status: DeliveryStatus =
      message.direction == .inbound ? .received : message.scheduledAt == nil ? .queued : .scheduled
    return StatusReport(
      status: status, providerStatus: status.rawValue, at: message.createdAt,
      source: message.direction == .inbound ? .provider : .api)
  }

  fileprivate init(_ row: Row) throws {
    var reader = ColumnReader(row)
    let status = try reader.int2OrNil()
    let providerStatus = try reader.text()
    let at = try reader.timestamp()
    let source = try reader.text()
    let errorCode = try reader.text()
    self.init(
      status: status.flatMap { DeliveryStatus(code: $0) }, providerStatus: providerStatus, at: at,
      source: Source(rawValue: source) ?? .callback, errorCode: errorCode.isEmpty ? nil : errorCode,
      errorMessage: try reader.textOrNil())
  }
}
