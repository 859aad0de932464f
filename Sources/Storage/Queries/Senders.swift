// Which node sends for a sender of ours, and what waits there.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let lease = Statement(
    "lease_senders",
    """
    INSERT INTO sender_leases AS s (sender_key, node, lease_until)
    SELECT k, $2, now() + make_interval(secs => $3) FROM unnest($1::text[]) AS k ORDER BY k
    ON CONFLICT (sender_key) DO UPDATE SET node = excluded.node, lease_until = excluded.lease_until
      WHERE s.node = excluded.node OR s.lease_until < now()
    RETURNING s.sender_key
    """)

  private static let release = Statement("release_senders", "DELETE FROM sender_leases WHERE node = $1")

  private static let next = Statement(
    "next_sends",
    """
    SELECT k, (SELECT min(o.run_at) FROM outbox o WHERE o.sender_key = k AND o.state = 0)
    FROM unnest($1::text[]) AS k
    """)

  private static let nextUnresolved = Statement(
    "next_unresolved_sends",
    """
    SELECT k, (SELECT min(o.lease_until) FROM outbox o WHERE o.sender_key = k AND o.state <> 0)
    FROM unnest($1::text[]) AS k
    """)

  private static let backlogStatement = Statement(
    "backlog", "SELECT sender_key, count(*) FROM outbox GROUP BY sender_key")

  public func leaseSenders(_ keys: [String], node: Identifier, until: Duration) async throws -> Set<String> {
    guard !keys.isEmpty else { return [] }
    return try await run { connection in
      var parameters = Parameters()
      parameters.textArray(keys)
      parameters.identifier(node)
      parameters.double(until.inSeconds)
      return Set(try connection.execute(Self.lease, parameters).map { try $0.text(0) })
    }
  }

  public func releaseSenders(node: Identifier) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(node)
      try connection.execute(Self.release, parameters)
    }
  }

  private static let releaseAll: [Statement] = [
    Statement("release_sender_leases", "DELETE FROM sender_leases"),
    Statement(
      "release_outbox_leases", "UPDATE outbox SET lease_until = now() WHERE state <> 0 AND lease_until > now()"),
    Statement(
      "release_webhook_leases", "UPDATE webhooks SET node = NULL, lease_until = NULL WHERE node IS NOT NULL"),
    Statement(
      "release_media_leases",
      "UPDATE media SET lease = NULL, run_at = now() WHERE state = 'pending' AND run_at > now() AND lease IS NOT NULL"),
    Statement("release_bulk_leases", "UPDATE bulks SET lease = NULL, lease_until = NULL WHERE unsettled"),
    Statement(
      "release_template_leases",
      "UPDATE template_syncs SET lease = NULL, lease_until = NULL WHERE lease_until > now()"),
    Statement(
      "release_poll_leases", "UPDATE status_polls SET lease = NULL, run_at = now() WHERE lease IS NOT NULL"),
    Statement(
      "release_reconciliation_leases",
      "UPDATE reconciliations SET lease = NULL, lease_until = NULL WHERE lease_until > now()"),
  ]

  public func releaseAllLeases() async throws {
    try await run { connection in
      _ = try connection.pipeline(Self.releaseAll.map { ($0, Parameters()) })
    }
  }

  public func nextSends(_ keys: [String], _ work: SendClaim.Work) async throws -> [String: Timestamp] {
    try await run { connection in
      var parameters = Parameters()
      parameters.textArray(keys)
      var result: [String: Timestamp] = [:]
      for row in try connection.execute(work == .waiting ? Self.next : Self.nextUnresolved, parameters) {
        if let at = try row.timestampOrNil(1) { result[try row.text(0)] = Timestamp(microseconds: at) }
      }
      return result
    }
  }

  public func backlog() async throws -> [String: Int] {
    try await run { connection in
      var result: [String: Int] = [:]
      for row in try connection.execute(Self.backlogStatement) { result[try row.text(0)] = Int(try row.int8(1)) }
      return result
    }
  }

  private static let known = Statement(
    "known_provider_sids",
    """
    SELECT k.sid FROM unnest($1::text[]) AS k(sid)
    WHERE (SELECT m.id FROM messages m WHERE m.provider_sid = k.sid AND m.account_sid = $2 LIMIT 1) IS NOT NULL
    """)

  public func knownProviderSIDs(_ sids: [String], account: String) async throws -> Set<String> {
    guard !sids.isEmpty else { return [] }
    return try await run { connection in
      var parameters = Parameters()
      parameters.textArray(sids)
      parameters.text(account)
      return Set(try connection.execute(Self.known, parameters).map { try $0.text(0) })
    }
  }

  public func parkedReports(limit: Int) async throws -> [StatusUpdate] {
    try await run { try ParkedStatuses.matched(limit: limit, on: $0) }
  }

  private static let drop = Statement(
    "drop_parked_status",
    """
    DELETE FROM parked_statuses
    WHERE account_sid = $1 AND provider_sid = $2 AND provider_status = $3 AND error_code = $4
    """)

  private static let expireParked = Statement(
    "expire_parked_statuses", "DELETE FROM parked_statuses WHERE at < now() - interval '30 days'")

  public func expireParkedReports() async throws {
    try await run { _ = try $0.execute(Self.expireParked) }
  }

  public func dropParked(_ update: StatusUpdate) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.text(update.accountSID)
      parameters.text(update.providerSID)
      parameters.text(update.report.providerStatus)
      parameters.text(update.report.errorCode ?? "")
      try connection.execute(Self.drop, parameters)
    }
  }
}
