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
      var contacts: [Contact] = []
      for statement in filter.statements {
        contacts = try connection.execute(statement, filter.parameters).map { row in
          var reader = ColumnReader(row)
          return try ContactRow.read(&reader)
        }
        if contacts.count > page.limit { break }
      }
      let shown = Array(contacts.prefix(page.limit))
      return Page(items: shown, next: contacts.count > page.limit ? shown.last.map { PageCursor(id: $0.id) } : nil)
    }
  }
}

/// The filters of the contact list as SQL.
///
/// What many contacts have fills a page from the newest ones; what few have is found by an index, and then sorted.
/// Which of the two it is, only the data knows: the newest are looked at first.
private struct ContactFilter {
  private var name = "contacts"
  private var cursor = ""
  private var conditions: [String] = []
  /// A query for the ids of those that an index finds.
  private var candidates: String?
  private(set) var parameters = Parameters()

  /// How many of the newest are looked at.
  private static let window = 1_000

  init(_ query: ContactQuery, page: PageRequest) {
    if let after = page.cursor {
      parameters.identifier(after.id)
      cursor = "WHERE c.id < $\(parameters.count)"
      name += "_after"
    }
    if let search = query.search {
      parameters.text("%" + search.escapedForLike + "%")
      add("search", ContactSearch.condition(on: "c.id", parameters.count)) {
        ContactSearch.candidates($0)
      }
    }
    if let label = query.label {
      parameters.text(label)
      add("label", "c.labels @> ARRAY[$\(parameters.count)]") {
        "SELECT l.id FROM contacts l WHERE l.labels @> ARRAY[$\($0)]"
      }
    }
    if let channel = query.channel {
      parameters.text(ChannelType(channel).contactType.rawValue)
      let number = parameters.count
      add(
        "channel", "EXISTS (SELECT FROM contact_channels h WHERE h.contact_id = c.id AND h.type = $\(number))"
      ) { "SELECT h.contact_id FROM contact_channels h WHERE h.type = $\($0)" }
    }
    parameters.int8(Int64(page.limit + 1))
  }

  private mutating func add(_ name: String, _ condition: String, _ candidates: (Int) -> String) {
    self.name += "_" + name
    conditions.append(condition)
    if self.candidates == nil { self.candidates = candidates(parameters.count) }
  }

  /// To be run one after another, until one fills the page.
  var statements: [Statement] {
    guard let candidates else { return [statement("", from: "SELECT * FROM contacts c \(cursor)")] }
    return [
      statement(
        "_newest",
        from: "SELECT * FROM (SELECT * FROM contacts c \(cursor) ORDER BY c.id DESC LIMIT \(Self.window)) c"),
      statement(
        "_indexed",
        from: """
          SELECT * FROM (SELECT c.* FROM contacts c WHERE c.id = ANY (ARRAY(\(candidates))) OFFSET 0) c \(cursor)
          """),
    ]
  }

  private func statement(_ suffix: String, from source: String) -> Statement {
    let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    return Statement(
      name + suffix,
      """
      SELECT \(ContactRow.columns) FROM (
        SELECT * FROM (\(source)) c \(filter) ORDER BY c.id DESC LIMIT $\(parameters.count)
      ) c \(ContactRow.channelsJoin) ORDER BY c.id DESC
      """)
  }
}

/// A part of a contact's name, of one of its addresses, or of a value among its attributes.
enum ContactSearch {
  /// Whether the contact with the id `id` has the pattern in parameter `number`.
  static func condition(on id: String, _ number: Int) -> String {
    """
    (EXISTS (SELECT FROM contacts s WHERE s.id = \(id) AND s.search ILIKE $\(number))
      OR EXISTS (SELECT FROM contact_channels h WHERE h.contact_id = \(id) AND h.address ILIKE $\(number)))
    """
  }

  /// The ids of those that have it. Through trigrams where the pattern has three letters to an end.
  static func candidates(_ number: Int) -> String {
    """
    SELECT s.id FROM contacts s WHERE s.search ILIKE $\(number)
    UNION SELECT h.contact_id FROM contact_channels h WHERE h.address ILIKE $\(number)
    """
  }
}

extension String {
  /// The text as itself within a LIKE pattern.
  var escapedForLike: String {
    replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
  }
}
