// The filters of the conversation list as SQL.

import ChannelProtocol
import Postgres

/// The list is drawn from the parts of the inbox that a query asks for, each in its order; a page is cut before anything
/// is joined to it.
struct ConversationFilter {
  private var name = "conversations"
  private var conditions: [String] = []
  private var search: Int?
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
    if let search = query.search {
      parameters.text("%" + search.escapedForLike + "%")
      self.search = parameters.count
      name += "_search"
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

  /// To be run one after another, until one fills the page.
  var statements: [Statement] {
    let limit = "LIMIT $\(parameters.count)"
    guard let search else { return [statement(name, from: part("conversations", conditions, limit))] }
    let newest = part("conversations", conditions, "LIMIT \(Self.window)")
    let candidates = "ARRAY(\(ContactSearch.candidates(search)))"
    return [
      statement(
        name + "_newest",
        from: "SELECT * FROM (\(newest)) v WHERE \(ContactSearch.condition(on: "v.contact_id", search))"),
      statement(
        name + "_indexed",
        from: """
          SELECT * FROM (SELECT * FROM conversations v WHERE v.contact_id = ANY (\(candidates)) OFFSET 0) v
          WHERE \((["v.inbox = ANY ($1)"] + conditions).joined(separator: " AND "))
          """),
    ]
  }

  private func part(_ table: String, _ conditions: [String], _ limit: String) -> String {
    """
    SELECT v.* FROM unnest($1::int2[]) AS i(inbox) CROSS JOIN LATERAL (
      SELECT * FROM \(table) v WHERE \((["v.inbox = i.inbox"] + conditions).joined(separator: " AND "))
      ORDER BY v.activity_bin DESC, v.last_activity_at DESC, v.id DESC \(limit)) v
    """
  }

  private func statement(_ name: String, from source: String) -> Statement {
    Statement(
      name,
      """
      SELECT \(ConversationRows.columns) FROM (
        SELECT * FROM (\(source)) v ORDER BY v.last_activity_at DESC, v.id DESC LIMIT $\(parameters.count)
      ) v \(ConversationRows.joins) ORDER BY v.last_activity_at DESC, v.id DESC
      """)
  }
}
