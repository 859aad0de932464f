// The filters of the conversation list as SQL.

import ChannelProtocol
import Postgres

/// The list is drawn from the parts of the inbox that a query asks for, each in its order; a page is cut before anything
/// is joined to it.
struct ConversationFilter {
  private var name = "conversations"
  private var conditions: [String] = []
  private var search: ContactSearch?
  private(set) var parameters = Parameters()

  /// How many of the newest of each part are searched before the index is asked who has what is searched for.
  private static let window = 1_000

  init(_ query: ConversationQuery, page: PageRequest) {
    parameters.int2Array(Self.inboxes(query))
    if let cursor = page.cursor {
      parameters.timestamp(cursor.time ?? cursor.id.timestamp)
      parameters.identifier(cursor.id)
      conditions.append(
        "v.activity_bin <= date_bin('5 seconds', $2, to_timestamp(0)) AND (v.last_activity_at, v.id) < ($2, $3)")
      name += "_after"
    }
    if let channel = query.channel {
      parameters.text(channel)
      conditions.append("$\(parameters.count) IN (v.channel, v.channel_type)")
      name += "_channel"
    }
    if let text = query.search {
      let search = ContactSearch(text, &parameters)
      self.search = search
      name += search.name
    }
    parameters.int8(Int64(page.limit + 1))
  }

  /// The values of `conversations.inbox` that a query selects.
  private static func inboxes(_ query: ConversationQuery) -> [Int16] {
    (0...3).filter { inbox in
      (query.status.map { ($0 == .open) == (inbox >= 2) } ?? true)
        && (query.unread.map { $0 == (inbox % 2 == 1) } ?? true)
    }
  }

  var steps: ListSteps {
    guard let search else { return .one(statement(name, parts(conditions, "LIMIT $\(parameters.count)"))) }
    let newest = ListSteps.Window(name, size: Self.window, source: { parts(conditions, "LIMIT \($0)") }) {
      name, source in
      statement(name, "SELECT * FROM (\(source)) v WHERE \(search.condition(on: "v.contact_id"))")
    }
    return .search(
      windows: [newest],
      indexed: statement(
        name + "_indexed",
        """
        SELECT * FROM (
          SELECT * FROM conversations v WHERE v.contact_id = ANY (ARRAY(\(search.candidates()))) OFFSET 0) v
        WHERE \((["v.inbox = ANY ($1)"] + conditions).joined(separator: " AND "))
        """))
  }

  private func parts(_ conditions: [String], _ limit: String) -> String {
    """
    SELECT v.* FROM unnest($1::int2[]) AS i(inbox) CROSS JOIN LATERAL (
      SELECT * FROM conversations v WHERE \((["v.inbox = i.inbox"] + conditions).joined(separator: " AND "))
      ORDER BY v.activity_bin DESC, v.last_activity_at DESC, v.id DESC \(limit)) v
    """
  }

  private func statement(_ name: String, _ source: String) -> Statement {
    Statement(
      name,
      """
      SELECT \(ConversationRows.columns) FROM (
        SELECT * FROM (\(source)) v ORDER BY v.last_activity_at DESC, v.id DESC LIMIT $\(parameters.count)
      ) v \(ConversationRows.joins) ORDER BY v.last_activity_at DESC, v.id DESC
      """)
  }
}
