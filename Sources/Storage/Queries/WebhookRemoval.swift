// Removing a webhook, with however many deliveries it has.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// Nothing is made for it of the log from then on, nobody delivers to it, and nobody finds it.
  private static let close = Statement(
    "close_webhook",
    """
    UPDATE webhooks SET active = false, disabled_reason = 'It is being removed.', removed_at = now(),
      node = NULL, lease_until = NULL
    WHERE id = $1
    """)

  private static let removeSome = Statement(
    "remove_webhook_deliveries",
    """
    WITH batch AS (
      SELECT id FROM deliveries WHERE webhook_id = $1 ORDER BY seq LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM deliveries d USING batch WHERE d.id = batch.id
    """)

  private static let hasDeliveries = Statement(
    "has_webhook_deliveries", "SELECT FROM deliveries WHERE webhook_id = $1 LIMIT 1")
  private static let removeReplays = Statement(
    "remove_webhook_replays", "DELETE FROM webhook_replays WHERE webhook_id = $1")
  private static let remove = Statement("remove_webhook", "DELETE FROM webhooks WHERE id = $1")

  private static let removed = Statement(
    "removed_webhooks", "SELECT id FROM webhooks WHERE removed_at IS NOT NULL ORDER BY id LIMIT 100")

  private static let removalChunk = 5_000
  /// How long a delivery that somebody else holds is waited for.
  private static let removalPatience = Duration.seconds(60)

  /// The endpoint goes last, when it is empty: to whoever makes deliveries of the log its row is locked for a moment only.
  public func deleteWebhook(_ id: Identifier, ifStill expected: Webhook?) async throws -> Bool {
    let parameters = Self.parameters(of: id)
    let isThere = try await runUnit { connection in
      try connection.transaction { connection in
        guard let webhook = try Self.lockedWebhook(id, on: connection) else { return false }
        guard expected == nil || webhook == expected else { throw ResourceChanged() }
        try connection.execute(Self.close, parameters)
        return true
      }
    }
    guard isThere else { return false }
    try await finishRemoval(of: id)
    return true
  }

  public func finishRemovals() async throws {
    let ids = try await run { try $0.execute(Self.removed).map { Identifier(try $0.uuid(0)) } }
    var failure: (any Error)?
    for id in ids {
      // One that somebody holds keeps none behind it.
      do { try await finishRemoval(of: id) } catch {
        if Task.isCancelled { throw error }
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  /// May be broken off anywhere and begun again, and several may be at it.
  private func finishRemoval(of id: Identifier) async throws {
    let parameters = Self.parameters(of: id)
    try await runUnit { _ = try $0.execute(Self.removeReplays, parameters) }
    var end: ContinuousClock.Instant?
    while true {
      while try await removeSome(of: id) > 0 {}
      if try await removeEmpty(id) { return }
      // Only what is left is waited for.
      end = end ?? .now + Self.removalPatience
      guard let end, .now < end else {
        throw PostgresError(.deadlineExceeded, "deliveries of the webhook are locked by another session")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  private static func parameters(of id: Identifier) -> Parameters {
    var parameters = Parameters()
    parameters.identifier(id)
    return parameters
  }

  private func removeSome(of id: Identifier) async throws -> Int {
    try await runUnit { connection in
      var parameters = Self.parameters(of: id)
      parameters.int8(Int64(Self.removalChunk))
      return try connection.execute(Self.removeSome, parameters).affectedRows
    }
  }

  /// - Returns: whether it was empty.
  private func removeEmpty(_ id: Identifier) async throws -> Bool {
    let parameters = Self.parameters(of: id)
    return try await runUnit { connection in
      try connection.transaction { connection in
        guard try connection.execute(Self.hasDeliveries, parameters).isEmpty else { return false }
        // What is made in this moment goes with it.
        try connection.execute(Self.remove, parameters)
        return true
      }
    }
  }
}
