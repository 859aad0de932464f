// The filters of the contact list as SQL.

import ChannelProtocol
import Postgres

struct ContactFilter {
  private var name = "contacts"
  private var cursor = ""
  private var conditions: [String] = []
  /// A query for the ids of those that an index finds.
  private var candidates: String?
  private(set) var parameters = Parameters()

  /// How many of the newest are looked at before the index is asked.
  private static let window = 1_000

  init(_ query: ContactQuery, page: PageRequest) {
    if let after = page.cursor {
      parameters.identifier(after.id)
      cursor = "WHERE c.id < $\(parameters.count)"
      name += "_after"
    }
    var labelled: Int?
    if let label = query.label {
      parameters.text(label)
      let number = parameters.count
      labelled = number
      add("label", "c.labels @> ARRAY[$\(number)]")
      candidates = "SELECT l.id FROM contacts l WHERE l.labels @> ARRAY[$\(number)]"
    }
    if let channel = query.channel {
      parameters.text(ChannelType(channel).contactType.rawValue)
      let number = parameters.count
      add("channel", "EXISTS (SELECT FROM contact_channels h WHERE h.contact_id = c.id AND h.type = $\(number))")
      candidates = candidates ?? "SELECT h.contact_id FROM contact_channels h WHERE h.type = $\(number)"
    }
    if let text = query.search {
      let search = ContactSearch(text, &parameters)
      name += search.name
      conditions.append(search.condition(on: "c.id"))
      candidates = search.candidates(labelled: labelled)
    }
    parameters.int8(Int64(page.limit + 1))
  }

  private mutating func add(_ name: String, _ condition: String) {
    self.name += "_" + name
    conditions.append(condition)
  }

  var steps: ListSteps {
    guard let candidates else { return .one(statement(name, "SELECT * FROM contacts c \(cursor)")) }
    let newest = ListSteps.Window(
      name, size: Self.window, source: { "SELECT * FROM contacts c \(cursor) ORDER BY c.id DESC LIMIT \($0)" },
      matching: statement)
    return .search(
      windows: [newest],
      indexed: statement(
        name + "_indexed",
        """
        SELECT * FROM (SELECT c.* FROM contacts c WHERE c.id = ANY (ARRAY(\(candidates))) OFFSET 0) c \(cursor)
        """))
  }

  private func statement(_ name: String, _ source: String) -> Statement {
    let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    return Statement(
      name,
      """
      SELECT \(ContactRow.columns) FROM (
        SELECT * FROM (\(source)) c \(filter) ORDER BY c.id DESC LIMIT $\(parameters.count)
      ) c \(ContactRow.channelsJoin) ORDER BY c.id DESC
      """)
  }
}
