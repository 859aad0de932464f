// Templates: lists and look-ups.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let columns = """
    t.id, t.account_sid, t.sid, t.name, t.language, t.types, t.variables, t.approval_status, t.approval_category, \
    t.rejection_reason, s.last_success_at
    """

  /// A template was last seen when its account's last sync succeeded.
  private static let syncJoin = """
    JOIN LATERAL (SELECT last_success_at FROM template_syncs s WHERE s.account_sid = t.account_sid) s ON true
    """

  private static let bySID = Statement(
    "template_by_sid",
    """
    SELECT \(columns) FROM (
      SELECT * FROM templates t WHERE t.sid = $1 AND ($2::text IS NULL OR t.account_sid = $2) ORDER BY t.id LIMIT 1
    ) t \(syncJoin)
    """)

  public func template(sid: String, account: String?) async throws -> Template? {
    try await run { connection in
      var parameters = Parameters()
      parameters.text(sid)
      parameters.text(account)
      return try connection.execute(Self.bySID, parameters).first.map { row in
        var reader = ColumnReader(row)
        return try Template(&reader)
      }
    }
  }

  /// The provider's newest first.
  public func templates(_ query: TemplateQuery, page: PageRequest) async throws -> Page<Template> {
    try await run { connection in
      var conditions: [String] = []
      var name = "templates"
      var parameters = Parameters()
      if let cursor = page.cursor {
        parameters.identifier(cursor.id)
        conditions.append("t.id < $\(parameters.count)")
        name += "_after"
      }
      if let status = query.status {
        parameters.text(status)
        conditions.append("t.approval_status = $\(parameters.count)")
        name += "_status"
      }
      if let language = query.language {
        parameters.text(language)
        conditions.append("t.language = $\(parameters.count)")
        name += "_language"
      }
      if let search = query.search {
        parameters.text("%" + search.escapedForLike + "%")
        conditions.append("t.name ILIKE $\(parameters.count)")
        name += "_search"
      }
      parameters.int8(Int64(page.limit + 1))
      let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
      let statement = Statement(
        name,
        """
        SELECT \(Self.columns) FROM (
          SELECT * FROM templates t \(filter) ORDER BY t.id DESC LIMIT $\(parameters.count)
        ) t \(Self.syncJoin) ORDER BY t.id DESC
        """)
      let templates = try connection.execute(statement, parameters).map { row in
        var reader = ColumnReader(row)
        return try Template(&reader)
      }
      let shown = Array(templates.prefix(page.limit))
      return Page(items: shown, next: templates.count > page.limit ? shown.last.map { PageCursor(id: $0.id) } : nil)
    }
  }
}

extension Template {
  init(_ reader: inout ColumnReader) throws {
    let id = try reader.identifier()
    let accountSID = try reader.text()
    let sid = try reader.text()
    let name = try reader.text()
    let language = try reader.text()
    let types = try StoredJSON.value(reader.jsonb()).objectValue ?? [:]
    let variables = (try StoredJSON.value(reader.jsonb()).objectValue ?? [:]).compactMapValues { $0.stringValue }
    let approval = try TemplateRecord.Approval(&reader)
    self.init(
      id: id, accountSID: accountSID,
      record: TemplateRecord(
        sid: sid, name: name, language: language, types: types, variables: variables, approval: approval),
      syncedAt: try reader.timestampOrNil() ?? id.timestamp)
  }
}

extension TemplateRecord.Approval {
  init(_ reader: inout ColumnReader) throws {
    let status = try reader.textOrNil()
    let category = try reader.textOrNil()
    self.init(status: status, category: category, rejectionReason: try reader.textOrNil())
  }
}
