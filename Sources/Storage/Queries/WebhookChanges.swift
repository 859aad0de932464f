// Changing webhooks, and what switching one on again does with its line.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// Deliveries refer to the row's key, which no change touches: they are made meanwhile.
  private static let lock = Statement(
    "lock_webhook",
    """
    SELECT \(webhookColumns(of: "webhooks")), resumed_at FROM webhooks WHERE id = $1 AND removed_at IS NULL
    FOR NO KEY UPDATE
    """)

  private static let update = Statement(
    "update_webhook",
    """
    UPDATE webhooks SET url = $2, description = $3, events = $4, channels = $5, headers = $6, active = $7,
      timeout_ms = $8, concurrency = $9, rate_limit = $10,
      updated_at = greatest($11, updated_at + interval '1 microsecond'),
      disabled_reason = CASE WHEN $7 THEN NULL ELSE disabled_reason END,
      resumed_at = CASE WHEN $7 AND NOT active THEN clock_timestamp() ELSE resumed_at END,
      failing_since = CASE WHEN $7 AND NOT active THEN NULL ELSE failing_since END
    WHERE id = $1
    RETURNING \(webhookColumns(of: "webhooks"))
    """)

  public func updateWebhook(
    _ id: Identifier, at now: Timestamp, ifStill expected: Webhook?,
    _ change: @escaping @Sendable (inout Webhook) -> Void
  ) async throws -> Webhook? {
    var emptied: WebhookPause?
    while true {
      let known = emptied
      let outcome = try await runUnit { connection in
        try connection.transaction { connection -> WebhookUpdate in
          guard let locked = try Self.locked(id, on: connection) else { return .missing }
          guard expected == nil || locked.webhook == expected else { throw ResourceChanged() }
          var webhook = locked.webhook
          change(&webhook)
          if webhook.isActive, !locked.webhook.isActive, locked.pause != known { return .lineStands(locked.pause) }
          let row = try connection.execute(Self.update, Self.parameters(of: webhook, at: now)).single()
          var reader = ColumnReader(row)
          return .made(try Webhook(&reader))
        }
      }
      switch outcome {
      case .missing: return nil
      case .made(let webhook): return webhook
      case .lineStands(let pause):
        try await emptyLine(of: id)
        emptied = pause
      }
    }
  }

  static func lockedWebhook(_ id: Identifier, on connection: Connection) throws -> Webhook? {
    try locked(id, on: connection)?.webhook
  }

  private static func locked(
    _ id: Identifier, on connection: Connection
  ) throws -> (webhook: Webhook, pause: WebhookPause)? {
    var parameters = Parameters()
    parameters.identifier(id)
    return try connection.execute(lock, parameters).first.map { row in
      var reader = ColumnReader(row)
      return (try Webhook(&reader), WebhookPause(after: try reader.timestampOrNil()))
    }
  }
}

private enum WebhookUpdate: Sendable {
  case missing
  case made(Webhook)
  /// It is to be switched on, and its line is not known to be empty.
  case lineStands(WebhookPause)
}

/// Which pause of an endpoint: it may be switched on and off again between two looks at it.
private struct WebhookPause: Sendable, Hashable {
  /// When it was last switched on before; nil: never.
  var after: Timestamp?
}
