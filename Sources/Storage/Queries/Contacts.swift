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
      let filter = ContactFilter(query, page: page)
      let contacts = try filter.steps.rows(filter.parameters, wanted: page.limit + 1, on: connection).map { row in
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
