// How far each account's messages have been compared with the provider's list; one node at a time.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// No attempt is noted: the first one is not put off.
  private static let note = Statement(
    "note_reconciled_accounts",
    """
    INSERT INTO reconciliations (account_sid, began, reached, last_attempt_at)
    SELECT a, $2, $2, '-infinity' FROM unnest($1::text[]) AS a ORDER BY a
    ON CONFLICT DO NOTHING
    """)

  public func noteReconciledAccounts(_ accounts: [String], at now: Timestamp) async throws {
    guard !accounts.isEmpty else { return }
    try await run { connection in
      var parameters = Parameters()
      parameters.textArray(accounts)
      parameters.timestamp(now)
      try connection.execute(Self.note, parameters)
    }
  }

  /// An account that is new here begins now: what was before it was not missed.
  private static let begin = Statement(
    "begin_reconciliation",
    """
    INSERT INTO reconciliations AS r (account_sid, began, reached, last_attempt_at, lease, lease_until)
    VALUES ($1, $2, $2, $2, $3, now() + make_interval(secs => $4))
    ON CONFLICT (account_sid) DO UPDATE SET last_attempt_at = excluded.last_attempt_at, lease = excluded.lease,
        lease_until = excluded.lease_until
      WHERE (r.lease_until IS NULL OR r.lease_until < now()) AND ($5::timestamptz IS NULL OR r.last_attempt_at < $5)
    RETURNING r.began, r.reached
    """)

  public func beginReconciliation(
    account: String, notTriedSince: Timestamp?, at now: Timestamp, lease: Duration
  ) async throws -> ReconciliationLease? {
    let id = clock.makeIdentifier()
    return try await run { connection in
      var parameters = Parameters()
      parameters.text(account)
      parameters.timestamp(now)
      parameters.identifier(id)
      parameters.double(lease.inSeconds)
      parameters.timestamp(notTriedSince)
      return try connection.execute(Self.begin, parameters).first.map {
        ReconciliationLease(
          accountSID: account, id: id, began: Timestamp(microseconds: try $0.timestamp(0)),
          reached: Timestamp(microseconds: try $0.timestamp(1)))
      }
    }
  }

  private static let succeed = Statement(
    "succeed_reconciliation",
    """
    UPDATE reconciliations SET reached = greatest(reached, $3), last_success_at = $4, last_error = NULL, lease = NULL,
      lease_until = NULL
    WHERE account_sid = $1 AND lease = $2
    """)

  public func finishReconciliation(_ lease: ReconciliationLease, reached: Timestamp, at now: Timestamp) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.text(lease.accountSID)
      parameters.identifier(lease.id)
      parameters.timestamp(reached)
      parameters.timestamp(now)
      try connection.execute(Self.succeed, parameters)
    }
  }

  private static let fail = Statement(
    "fail_reconciliation",
    """
    UPDATE reconciliations SET last_error = $3, lease = NULL, lease_until = NULL
    WHERE account_sid = $1 AND lease = $2
    """)

  public func failReconciliation(_ lease: ReconciliationLease, error: String) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.text(lease.accountSID)
      parameters.identifier(lease.id)
      parameters.text(error)
      try connection.execute(Self.fail, parameters)
    }
  }
}
