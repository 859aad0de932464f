// The line of an endpoint that is switched off: emptied before the endpoint is switched on.

import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// Who reads the log has the cursor, from before it looks at the endpoints on.
  private static let awaitCursor = Statement(
    "wait_for_webhook_cursor", "SELECT FROM consumer_cursors WHERE name = 'webhooks' FOR UPDATE")

  /// What stood in line when it was switched off waits with what was collected since, in front of it. A delivery that
  /// somebody is just writing of is passed over: whoever waits for nothing is in no deadlock.
  private static let leaveLine = Statement(
    "leave_webhook_line",
    """
    WITH line AS (
      SELECT id FROM deliveries
      WHERE webhook_id = $1 AND state = 0 AND seq > $2
        AND EXISTS (SELECT FROM webhooks w WHERE w.id = $1 AND NOT w.active)
      ORDER BY seq LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
    ), moved AS (
      UPDATE deliveries d SET state = 1, run_at = d.created_at FROM line WHERE d.id = line.id RETURNING d.seq
    )
    SELECT max(seq) FROM moved
    """)

  private static let hasLine = Statement(
    "has_webhook_line",
    """
    SELECT EXISTS (
      SELECT FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id AND NOT w.active
      WHERE d.webhook_id = $1 AND d.state = 0 LIMIT 1)
    """)

  static let lineChunk = 5_000
  /// How long a delivery that somebody else holds is waited for.
  private static let linePatience = Duration.seconds(60)

  /// Has everything in line wait instead, bit by bit: a line may be long, and neither the log's cursor nor the endpoint
  /// is held meanwhile. May be broken off anywhere and begun again: while the endpoint is switched off nothing of it is
  /// delivered, and what waits is in the log's order, with what stands in line or without. While it stays switched off
  /// an empty line stays empty, since only what is made of the log for an active endpoint goes in line. Where it is
  /// switched on by somebody else meanwhile, nothing is moved any more.
  func emptyLine(of webhook: Identifier, chunk: Int = lineChunk) async throws {
    // Whoever saw the endpoint active while reading the log has come to an end then.
    try await runUnit { _ = try $0.execute(Self.awaitCursor) }
    var end: ContinuousClock.Instant?
    while true {
      var reached: Int64? = -1
      while let after = reached { reached = try await leaveLine(of: webhook, after: after, chunk) }
      guard try await hasLine(webhook) else { return }
      // Only what is left is waited for: a long line takes its time.
      end = end ?? .now + Self.linePatience
      guard let end, .now < end else {
        throw PostgresError(.deadlineExceeded, "deliveries of the webhook are locked by another session")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// - Returns: where to go on; nil: there was nothing more.
  private func leaveLine(of webhook: Identifier, after: Int64, _ chunk: Int) async throws -> Int64? {
    try await runUnit { connection in
      var parameters = Parameters()
      parameters.identifier(webhook)
      parameters.int8(after)
      parameters.int8(Int64(chunk))
      return try connection.execute(Self.leaveLine, parameters).single().int8OrNil(0)
    }
  }

  private func hasLine(_ webhook: Identifier) async throws -> Bool {
    try await runUnit { connection in
      var parameters = Parameters()
      parameters.identifier(webhook)
      return try connection.execute(Self.hasLine, parameters).single().bool(0)
    }
  }
}
