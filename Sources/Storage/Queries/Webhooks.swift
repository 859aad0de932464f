// Registered receivers of webhooks.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let columns = "id, url, description, events, channels, headers, active, disabled_reason, created_at"

  private static let list = Statement(
    "webhooks", "SELECT \(columns) FROM webhooks WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2")

  private static let insert = Statement(
    "insert_webhook",
    """
    INSERT INTO webhooks (id, url, description, events, channels, headers, active, secret, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    """)

  private static let delete = Statement("delete_webhook", "DELETE FROM webhooks WHERE id = $1")

  public func webhooks(page: PageRequest) async throws -> Page<Webhook> {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(page.cursor?.id)
      parameters.int8(Int64(page.limit + 1))
      let webhooks = try connection.execute(Self.list, parameters).map { row in
        var reader = ColumnReader(row)
        return try Webhook(&reader)
      }
      let shown = Array(webhooks.prefix(page.limit))
      return Page(items: shown, next: webhooks.count > page.limit ? shown.last.map { PageCursor(id: $0.id) } : nil)
    }
  }

  public func createWebhook(_ webhook: Webhook, secret: [UInt8]) async throws {
    try await run { connection in
      var p = Parameters()
      p.identifier(webhook.id)
      p.text(webhook.url)
      p.text(webhook.description)
      p.textArray(webhook.events)
      p.textArray(webhook.channels)
      p.jsonb(StoredJSON.text(.object(webhook.headers.mapValues { .string($0) })))
      p.bool(webhook.isActive)
      p.bytes(secret)
      p.timestamp(webhook.createdAt)
      try connection.execute(Self.insert, p)
    }
  }

  public func deleteWebhook(_ id: Identifier) async throws -> Bool {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      return try connection.execute(Self.delete, parameters).affectedRows > 0
    }
  }
}

extension Webhook {
  init(_ reader: inout ColumnReader) throws {
    self.init(
      id: try reader.identifier(), url: try reader.text(), description: try reader.textOrNil(),
      events: try reader.textArray(), channels: try reader.textArray(),
      headers: (try StoredJSON.value(reader.jsonb()).objectValue ?? [:]).compactMapValues { $0.stringValue },
      isActive: try reader.bool(), disabledReason: try reader.textOrNil(), createdAt: try reader.timestamp())
  }
}
