// Reading contacts.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let byID = Statement(
    "contact_by_id",
    "SELECT \(ContactRow.columns) FROM contacts c \(ContactRow.channelsJoin) WHERE c.id = $1")

  public func contact(_ id: Identifier) async throws -> Contact? {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      return try connection.execute(Self.byID, parameters).first.map { row in
        var reader = ColumnReader(row)
        return try ContactRow.read(&reader)
      }
    }
  }

  /// Newest first.
  public func contacts(_ query: ContactQuery, page: PageRequest) async throws -> Page<Contact> {
    try await run { connection in
      var conditions: [String] = []
      var name = "contacts"
      var parameters = Parameters()
      if let cursor = page.cursor {
        parameters.identifier(cursor.id)
        conditions.append("c.id < $\(parameters.count)")
        name += "_after"
      }
      if let search = query.search {
        parameters.text("%" + search.escapedForLike + "%")
        conditions.append(
          """
          (c.name ILIKE $\(parameters.count) OR EXISTS (SELECT FROM contact_channels h
            WHERE h.contact_id = c.id AND h.address ILIKE $\(parameters.count)))
          """)
        name += "_search"
      }
      if let channel = query.channel {
        parameters.text(ChannelType(channel).contactType.rawValue)
        conditions.append(
          "EXISTS (SELECT FROM contact_channels h WHERE h.contact_id = c.id AND h.type = $\(parameters.count))")
        name += "_channel"
      }
      if let label = query.label {
        parameters.text(label)
        conditions.append("$\(parameters.count) = ANY (c.labels)")
        name += "_label"
      }
      parameters.int8(Int64(page.limit + 1))
      let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
      let statement = Statement(
        name,
        """
        SELECT \(ContactRow.columns) FROM (
          SELECT * FROM contacts c \(filter) ORDER BY c.id DESC LIMIT $\(parameters.count)
        ) c \(ContactRow.channelsJoin) ORDER BY c.id DESC
        """)
      let contacts = try connection.execute(statement, parameters).map { row in
        var reader = ColumnReader(row)
        return try ContactRow.read(&reader)
      }
      let shown = Array(contacts.prefix(page.limit))
      return Page(items: shown, next: contacts.count > page.limit ? shown.last.map { PageCursor(id: $0.id) } : nil)
    }
  }
}

extension String {
  /// The text as itself within a LIKE pattern.
  var escapedForLike: String {
    replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
  }
}
