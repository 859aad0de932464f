// The filters of the contact list as SQL.

import ChannelProtocol
import Postgres

struct ContactFilter {
  private var name = "contacts"
  private var search: ContactSearch?
  private(set) var parameters = Parameters()
  /// The numbers of their parameters.
  private var cursor: Int?
  private var label: Int?
  private var channel: Int?

  /// How many of the newest are looked at before an index is asked: of all, of a channel, and of a label's in any order.
  private static let ofAll = [1_000, 5_000]
  private static let ofChannel = 2_000
  private static let ofLabel = 2_500
  /// How many of the newest tell whether a label is frequent.
  private static let evidence = 500
  /// What the conditions look at.
  private static let columns = "c.id, c.labels, c.types, c.search, c.addresses"

  init(_ query: ContactQuery, page: PageRequest) {
    if let after = page.cursor {
      parameters.identifier(after.id)
      cursor = parameters.count
      name += "_after"
    }
    if let label = query.label {
      parameters.text(label)
      self.label = parameters.count
      name += "_label"
    }
    if let channel = query.channel {
      parameters.text(ChannelType(channel).contactType.rawValue)
      self.channel = parameters.count
      name += "_channel"
    }
    if let text = query.search {
      let search = ContactSearch(text, &parameters)
      self.search = search
      name += search.name
    }
    parameters.int8(Int64(page.limit + 1))
  }

  private var limit: String { "LIMIT $\(parameters.count)" }

  var steps: ListSteps {
    guard search != nil || label != nil || channel != nil else {
      return .one(statement(name, newest("c.id", "$\(parameters.count)"), conditions: []))
    }
    let all = conditions(on: "c") + [search?.condition(on: "c")].compactMap { $0 }
    var places = [
      ListSteps.Place(
        windows: Self.ofAll.map { size in
          ListSteps.Window(
            "\(name)_newest", size: size, source: { newest(Self.columns, "\($0)") },
            counted: { newest("c.id", "\($0)") }
          ) { statement($0, $1, conditions: all) }
        })
    ]
    if let channel { places.append(.init(windows: [ofChannel(channel, all)])) }
    if let label, channel != nil || search != nil {
      places.append(.init(windows: [ofLabel(label, all)], isOrdered: false))
    }
    return .search(places: places, rest: rest)
  }

  private func newest(_ columns: String, _ size: String) -> String {
    "SELECT \(columns) FROM contacts c \(SQL.whole(bounds("c.id"))) ORDER BY c.id DESC LIMIT \(size)"
  }

  /// Those with an address of a channel: the index has them in the list's order, and they are read no further than the
  /// page needs.
  private func ofChannel(_ channel: Int, _ conditions: [String]) -> ListSteps.Window {
    let addresses = { (size: Int) in
      """
      SELECT h.contact_id AS id FROM contact_channels h \(SQL.whole(["h.type = $\(channel)"] + bounds("h.contact_id")))
      ORDER BY h.type, h.contact_id DESC LIMIT \(size)
      """
    }
    let source = { (size: Int) in
      """
      SELECT \(Self.columns) FROM (SELECT DISTINCT h.id FROM (\(addresses(size))) h ORDER BY h.id DESC) h
      CROSS JOIN LATERAL (SELECT * FROM contacts c WHERE c.id = h.id LIMIT 1) c
      """
    }
    return .init("\(name)_addressed", size: Self.ofChannel, source: source, counted: addresses) {
      statement($0, $1, conditions: conditions)
    }
  }

  /// Those with a label, where they are few: whether they are, the newest contacts tell first, for the index would take
  /// long to count many.
  private func ofLabel(_ label: Int, _ conditions: [String]) -> ListSteps.Window {
    let (name, size) = ("\(name)_labelled", Self.ofLabel)
    let labelled = "c.labels @> ARRAY[$\(label)]"
    let source = """
      SELECT \(Self.columns) FROM contacts c \(SQL.whole([labelled] + bounds("c.id"))) LIMIT \(size) OFFSET 0
      """
    return .init(
      size: size, matching: statement(name, source, conditions: conditions),
      reach: Statement(
        name + "_reach",
        """
        SELECT CASE WHEN (
          SELECT count(*) FROM (\(newest("c.id, c.labels", "\(Self.evidence)"))) c WHERE \(labelled))
            > \(Self.evidence / 20)
          THEN \(size) ELSE (SELECT count(*) FROM (\(source)) r) END
        """))
  }

  /// The newest of all that the indexes find, cut to a page before their rows are read.
  private var rest: Statement {
    let selections: [String] =
      if let search {
        [
          "SELECT s.id FROM contacts s \(SQL.whole([search.ofText] + bounds("s.id") + conditions(on: "s")))",
          """
          SELECT h.contact_id AS id FROM contact_channels h
          \(SQL.whole([search.ofAddress] + bounds("h.contact_id") + conditionsOnOwner))
          """,
        ]
      } else if let channel, label == nil {
        [
          "SELECT h.contact_id AS id FROM contact_channels h \(SQL.whole(["h.type = $\(channel)"] + bounds("h.contact_id")))"
        ]
      } else {
        ["SELECT s.id FROM contacts s \(SQL.whole(bounds("s.id") + conditions(on: "s")))"]
      }
    // OFFSET 0: else all would be walked in order, in the hope of a match. A contact may be found by several addresses.
    let found = selections.map { "ARRAY(SELECT DISTINCT f.id FROM (\($0) OFFSET 0) f ORDER BY f.id DESC \(limit))" }
    return statement(
      name + "_indexed", "SELECT c.id FROM contacts c WHERE c.id = ANY (\(found.joined(separator: " || ")))",
      conditions: [])
  }

  private func bounds(_ id: String) -> [String] { cursor.map { ["\(id) < $\($0)"] } ?? [] }

  /// What a row of contacts must have besides what is searched for.
  private func conditions(on contact: String) -> [String] {
    var conditions: [String] = []
    if let label { conditions.append("\(contact).labels @> ARRAY[$\(label)]") }
    if let channel { conditions.append("$\(channel) = ANY (\(contact).types)") }
    return conditions
  }

  /// The same, of the contact that an address, `h`, is of.
  private var conditionsOnOwner: [String] {
    let conditions = conditions(on: "s")
    guard !conditions.isEmpty else { return [] }
    return ["(SELECT \(conditions.joined(separator: " AND ")) FROM contacts s WHERE s.id = h.contact_id)"]
  }

  /// - Parameter source: selects ids, and what the conditions look at. It is cut to a page before its rows are read.
  private func statement(_ name: String, _ source: String, conditions: [String]) -> Statement {
    Statement(
      name,
      """
      SELECT \(ContactRow.columns) FROM (
        SELECT c.id FROM (\(source)) c \(SQL.whole(conditions)) ORDER BY c.id DESC \(limit)
      ) f CROSS JOIN LATERAL (SELECT * FROM contacts c WHERE c.id = f.id LIMIT 1) c
      \(ContactRow.channelsJoin) ORDER BY f.id DESC
      """)
  }
}
