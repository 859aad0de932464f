// Registered receivers of webhooks. How they change is in WebhookChanges, how they go in WebhookRemoval.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// What makes a ``Webhook``, in order.
  static func webhookColumns(of table: String) -> String {
    [
      "id", "url", "description", "events", "channels", "headers", "active", "disabled_reason",
      "disabled_at", "timeout_ms", "concurrency", "rate_limit", "created_at", "updated_at",
    ].map { "\(table).\($0)" }.joined(separator: ", ")
  }

  private static let columns = webhookColumns(of: "webhooks")

  private static let list = Statement(
    "webhooks",
    """
    SELECT \(columns) FROM webhooks WHERE ($1::uuid IS NULL OR id < $1) AND removed_at IS NULL ORDER BY id DESC LIMIT $2
    """)

  private static let one = Statement(
    "webhook", "SELECT \(columns) FROM webhooks WHERE id = $1 AND removed_at IS NULL")

  private static let insert = Statement(
    "insert_webhook",
    """
    INSERT INTO webhooks (id, url, description, events, channels, headers, active, timeout_ms, concurrency, rate_limit,
      updated_at, created_at, secret, after_seq)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
      coalesce((SELECT seq FROM events ORDER BY seq DESC LIMIT 1), 0))
    ON CONFLICT (id) DO UPDATE SET secret = excluded.secret
    """)

  /// As many signatures a request has at most beside those of the last two secrets.
  private static let maximumOlderSecrets = 6

  /// Those that still sign, the newest first.
  private static func olderSecrets(_ column: String) -> String {
    """
    ARRAY(SELECT o.\(column) FROM (
        SELECT previous_secret, previous_secret_until WHERE previous_secret IS NOT NULL
        UNION ALL SELECT * FROM unnest(older_secrets, older_secrets_until)) AS o(secret, until)
      WHERE o.until > now() ORDER BY o.until DESC, o.secret LIMIT \(maximumOlderSecrets))
    """
  }

  private static let rotate = Statement(
    "rotate_webhook_secret",
    """
    UPDATE webhooks SET older_secrets = \(olderSecrets("secret")), older_secrets_until = \(olderSecrets("until")),
      previous_secret = secret, previous_secret_until = $3, secret = $2, updated_at = $4
    WHERE id = $1 AND removed_at IS NULL
    RETURNING \(columns)
    """)

  private static let endpoint = Statement(
    "webhook_endpoint", "SELECT \(endpointColumns) FROM webhooks WHERE id = $1 AND removed_at IS NULL")

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

  public func webhook(_ id: Identifier) async throws -> Webhook? {
    try await run { try Self.webhook(Self.one, id, on: $0) }
  }

  private static func webhook(_ statement: Statement, _ id: Identifier, on connection: Connection) throws -> Webhook? {
    var parameters = Parameters()
    parameters.identifier(id)
    return try connection.execute(statement, parameters).first.map { row in
      var reader = ColumnReader(row)
      return try Webhook(&reader)
    }
  }

  public func createWebhook(_ webhook: Webhook, secret: [UInt8]) async throws {
    try await run { connection in
      var p = Self.parameters(of: webhook, at: webhook.updatedAt)
      p.timestamp(webhook.createdAt)
      p.bytes(secret)
      try connection.execute(Self.insert, p)
    }
  }

  static func parameters(of webhook: Webhook, at updated: Timestamp) -> Parameters {
    var p = Parameters()
    p.identifier(webhook.id)
    p.text(webhook.url)
    p.text(webhook.description)
    p.textArray(webhook.events)
    p.textArray(webhook.channels)
    p.jsonb(StoredJSON.text(.object(webhook.headers.mapValues { .string($0) })))
    p.bool(webhook.isActive)
    p.int4(webhook.timeout.map { Int32(clamping: $0.wholeMicroseconds / 1_000) })
    p.int4(webhook.concurrency.map { Int32(clamping: $0) })
    p.double(webhook.rateLimit)
    p.timestamp(updated)
    return p
  }

  public func rotateSecret(
    of id: Identifier, to secret: [UInt8], until: Timestamp, at now: Timestamp
  ) async throws -> Webhook? {
    try await run { connection in
      var p = Parameters()
      p.identifier(id)
      p.bytes(secret)
      p.timestamp(until)
      p.timestamp(now)
      return try connection.execute(Self.rotate, p).first.map { row in
        var reader = ColumnReader(row)
        return try Webhook(&reader)
      }
    }
  }

  public func webhookEndpoint(_ id: Identifier) async throws -> WebhookEndpoint? {
    let openSecret = openSecret
    return try await run { connection in
      var p = Parameters()
      p.identifier(id)
      return try connection.execute(Self.endpoint, p).first.map { row in
        var reader = ColumnReader(row)
        return try WebhookEndpoint(&reader, openSecret: openSecret)
      }
    }
  }
}

extension Webhook {
  init(_ reader: inout ColumnReader) throws {
    self.init(
      id: try reader.identifier(), url: try reader.text(), description: try reader.textOrNil(),
      events: try reader.textArray(), channels: try reader.textArray(),
      headers: (try StoredJSON.value(reader.jsonb()).objectValue ?? [:]).compactMapValues { $0.stringValue },
      isActive: try reader.bool(), disabledReason: try reader.textOrNil(),
      disabledAt: try reader.timestampOrNil(), timeout: try reader.int4OrNil().map { .milliseconds($0) },
      concurrency: try reader.int4OrNil(),
      rateLimit: try reader.doubleOrNil(), createdAt: try reader.timestamp(), updatedAt: try reader.timestamp())
  }
}
