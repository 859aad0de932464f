// The sync of templates: one node at a time to an account, and a catalog that changes whole or not at all.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let begin = Statement(
    "begin_template_sync",
    """
    INSERT INTO template_syncs AS s (account_sid, last_attempt_at, lease, lease_until)
    VALUES ($1, $2, $3, now() + make_interval(secs => $4))
    ON CONFLICT (account_sid) DO UPDATE SET last_attempt_at = excluded.last_attempt_at, last_error = NULL,
        lease = excluded.lease, lease_until = excluded.lease_until
      WHERE (s.lease_until IS NULL OR s.lease_until < now()) AND ($5::timestamptz IS NULL OR s.last_attempt_at < $5)
    """)

  private static let succeed = Statement(
    "succeed_template_sync",
    """
    UPDATE template_syncs SET last_success_at = $3, last_error = NULL, lease = NULL, lease_until = NULL
    WHERE account_sid = $1 AND lease = $2
    """)

  private static let fail = Statement(
    "fail_template_sync",
    """
    UPDATE template_syncs SET last_error = $3, lease = NULL, lease_until = NULL
    WHERE account_sid = $1 AND lease = $2
    """)

  private static let states = Statement(
    "template_syncs",
    "SELECT account_sid, last_attempt_at, last_success_at, last_error FROM template_syncs ORDER BY account_sid")

  private static let forget = [
    Statement("forget_templates", "DELETE FROM templates WHERE account_sid <> ALL ($1::text[])"),
    Statement("forget_template_syncs", "DELETE FROM template_syncs WHERE account_sid <> ALL ($1::text[])"),
  ]

  private static let remove = Statement(
    "remove_templates", "DELETE FROM templates WHERE account_sid = $1 AND sid <> ALL ($2::text[])")

  /// A row that has not changed is not written; a new one is told by its having no older version.
  private static let upsert = Statement(
    "upsert_templates",
    """
    INSERT INTO templates AS t (account_sid, id, sid, name, language, types, variables, approval_status,
      approval_category, rejection_reason)
    SELECT $1, n.* FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], $8::text[],
      $9::text[], $10::text[]) AS n
    ON CONFLICT (account_sid, sid) DO UPDATE SET name = excluded.name, language = excluded.language,
      types = excluded.types, variables = excluded.variables, approval_status = excluded.approval_status,
      approval_category = excluded.approval_category, rejection_reason = excluded.rejection_reason
    WHERE (t.name, t.language, t.types, t.variables, t.approval_status, t.approval_category, t.rejection_reason)
      IS DISTINCT FROM (excluded.name, excluded.language, excluded.types, excluded.variables,
        excluded.approval_status, excluded.approval_category, excluded.rejection_reason)
    RETURNING (t.xmax = 0)
    """)

  public func beginTemplateSync(
    account: String, notTriedSince: Timestamp?, at now: Timestamp, lease: Duration
  ) async throws -> TemplateSyncLease? {
    let id = clock.makeIdentifier()
    return try await run { connection in
      var parameters = Parameters()
      parameters.text(account)
      parameters.timestamp(now)
      parameters.identifier(id)
      parameters.double(lease.inSeconds)
      parameters.timestamp(notTriedSince)
      let taken = try connection.execute(Self.begin, parameters).affectedRows > 0
      return taken ? TemplateSyncLease(accountSID: account, id: id) : nil
    }
  }

  public func finishTemplateSync(
    _ lease: TemplateSyncLease, with records: [TemplateRecord], at now: Timestamp
  ) async throws -> TemplateSyncCounts? {
    // The provider's oldest first: with ids that rise, lists show the newest first.
    let templates = Dictionary(records.map { ($0.sid, $0) }, uniquingKeysWith: { first, _ in first }).values
      .sorted { ($0.createdAt ?? now, $0.sid) < ($1.createdAt ?? now, $1.sid) }
    let ids = templates.map { _ in clock.makeIdentifier() }.sorted()
    return try await run { connection in
      try connection.transaction { connection -> TemplateSyncCounts? in
        guard try Self.end(lease, with: now, on: connection) else { return nil }
        return try Self.replace(templates, ids: ids, account: lease.accountSID, on: connection)
      }
    }
  }

  public func failTemplateSync(_ lease: TemplateSyncLease, error: String) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.text(lease.accountSID)
      parameters.identifier(lease.id)
      parameters.text(error)
      try connection.execute(Self.fail, parameters)
    }
  }

  public func forgetTemplates(exceptOf accounts: [String]) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.textArray(accounts)
      try connection.pipeline(Self.forget.map { ($0, parameters) })
    }
  }

  public func templateSyncs() async throws -> [TemplateSyncState] {
    try await run { connection in
      try connection.execute(Self.states).map { row in
        var reader = ColumnReader(row)
        return TemplateSyncState(
          accountSID: try reader.text(), lastAttemptAt: try reader.timestamp(),
          lastSuccessAt: try reader.timestampOrNil(), lastError: try reader.textOrNil())
      }
    }
  }

  /// - Returns: false where the lease was lost; another node may have written meanwhile.
  private static func end(_ lease: TemplateSyncLease, with now: Timestamp, on connection: Connection) throws -> Bool {
    var parameters = Parameters()
    parameters.text(lease.accountSID)
    parameters.identifier(lease.id)
    parameters.timestamp(now)
    return try connection.execute(succeed, parameters).affectedRows > 0
  }

  private static func replace(
    _ templates: [TemplateRecord], ids: [Identifier], account: String, on connection: Connection
  ) throws -> TemplateSyncCounts {
    var counts = TemplateSyncCounts()
    counts.total = templates.count
    var parameters = Parameters()
    parameters.text(account)
    parameters.textArray(templates.map(\.sid))
    counts.removed = try connection.execute(remove, parameters).affectedRows
    // In parts: a catalog may be some ten megabytes.
    for start in stride(from: 0, to: templates.count, by: 500) {
      let part = start..<min(start + 500, templates.count)
      let written = try connection.execute(
        upsert, Self.parameters(Array(templates[part]), ids: Array(ids[part]), account: account))
      for row in written {
        if try row.bool(0) { counts.added += 1 } else { counts.updated += 1 }
      }
    }
    return counts
  }

  private static func parameters(_ templates: [TemplateRecord], ids: [Identifier], account: String) -> Parameters {
    var parameters = Parameters()
    parameters.text(account)
    parameters.identifierArray(ids)
    parameters.textArray(templates.map(\.sid))
    parameters.textArray(templates.map(\.name))
    parameters.textArray(templates.map(\.language))
    parameters.jsonbArray(templates.map { StoredJSON.text(.object($0.types)) })
    parameters.jsonbArray(templates.map { StoredJSON.text(.object($0.variables.mapValues { .string($0) })) })
    parameters.textArray(templates.map(\.approval.status))
    parameters.textArray(templates.map(\.approval.category))
    parameters.textArray(templates.map(\.approval.rejectionReason))
    return parameters
  }
}
