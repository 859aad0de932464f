// The filters of the conversation list as SQL.

import ChannelProtocol
import Postgres

/// The list is drawn from the parts of the inbox that a query asks for, each in its order; a page is cut before anything
/// is joined to it.
struct ConversationFilter {
  private var name = "conversations"
  /// Where a walk has come to, in the index that orders the list.
  private var bounds: [String] = []
  private var search: ContactSearch?
  /// The numbers of its parameters: of the channel, and of the kind of address that contacts have on one of this type.
  private var channel: Int?
  private var kind: Int?
  /// Whether only some of the inbox's parts are asked for.
  private var isPart = false
  private(set) var parameters = Parameters()

  /// How many of the newest are looked at before an index is asked, few at first, since each has its contact looked up;
  /// how many contacts it may find; and how many are looked at of parts that have no more, and of a channel's, in any order.
  private static let windows = [100, 700, 5_000]
  private static let ofFound = 1_000
  private static let ofParts = 4_000
  private static let ofChannel = 2_000
  /// What the conditions look at, and what the list is ordered by.
  private static let columns =
    "v.id, v.contact_id, v.channel, v.channel_type, v.inbox, v.activity_bin, v.last_activity_at"

  /// - Parameter moved: those of a walk that stand elsewhere in it than the list has them.
  init(_ query: ConversationQuery, page: PageRequest, moved: [ConversationWalk.Moved] = []) {
    parameters.int2Array(Self.inboxes(query))
    if let cursor = page.cursor {
      parameters.timestamp(cursor.time ?? cursor.id.timestamp)
      parameters.identifier(cursor.id)
      parameters.identifierArray(moved.filter(\.isBehind).map(\.id))
      bounds.append(
        "v.activity_bin <= date_bin('5 seconds', $2, to_timestamp(0)) AND (v.last_activity_at, v.id) < ($2, $3)")
      bounds.append("v.id <> ALL ($4::uuid[])")
      name += "_after"
    }
    add(query, page)
  }

  /// What the query selects of those that have moved.
  init(_ query: ConversationQuery, among moved: [ConversationWalk.Moved], page: PageRequest) {
    parameters.int2Array(Self.inboxes(query))
    parameters.identifierArray(moved.map(\.id))
    parameters.timestampArray(moved.map(\.position))
    name += "_moved"
    add(query, page)
  }

  private mutating func add(_ query: ConversationQuery, _ page: PageRequest) {
    isPart = query.status != nil || query.unread != nil
    if isPart { name += "_part" }
    if let channel = query.channel {
      parameters.text(channel)
      self.channel = parameters.count
      name += "_channel"
      if query.search != nil {
        parameters.text(ChannelType(channel).contactType.rawValue)
        kind = parameters.count
      }
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
    guard search != nil || channel != nil else { return .one(statement(name, parts("LIMIT $\(parameters.count)"))) }
    func newest(_ size: Int) -> ListSteps.Window {
      .init(
        "\(name)_newest", size: size, source: { "\(parts("LIMIT \($0)")) LIMIT \($0)" },
        counted: { counted("LIMIT \($0)") }
      ) { name, source in
        statement(name, "SELECT * FROM (\(source)) v \(SQL.whole(conditions))")
      }
    }
    let rest = statement(name + "_indexed", rest)
    var places = [ListSteps.Place(windows: Self.windows.map(newest))]
    // Who has an address for a channel is seen with the text: to look whether they are few takes as long as to find them.
    if let search, channel == nil {
      let found = ListSteps.Window(
        "\(name)_found", size: Self.ofFound, source: { search.candidates() + " LIMIT \($0)" }
      ) {
        _, _ in rest
      }
      places.append(.init(windows: [found], isOrdered: false))
    }
    // Parts of the inbox are small where people do their work; all of it never is.
    if isPart { places.append(.init(windows: [newest(Self.ofParts)], isOrdered: false)) }
    if let channel, search != nil {
      let few = ListSteps.Window(
        "\(name)_few", size: Self.ofChannel, source: { of(channel, "LIMIT \($0) OFFSET 0") }
      ) { name, source in
        statement(name, "SELECT * FROM (\(source)) v \(SQL.whole(["v.inbox = ANY ($1)"] + bounds + conditions))")
      }
      places.append(.init(windows: [few], isOrdered: false))
    }
    return .search(places: places, rest: rest)
  }

  /// All that an index finds: of a search, those of the contacts that have it; else those of the channel.
  private var rest: String {
    let source =
      if let search {
        of(search)
      } else if let channel {
        of(channel, "OFFSET 0")
      } else {
        "SELECT \(Self.columns) FROM conversations v"
      }
    let ofChannel = channel.map { ["$\($0) IN (v.channel, v.channel_type)"] } ?? []
    return "SELECT * FROM (\(source)) v \(SQL.whole(["v.inbox = ANY ($1)"] + bounds + ofChannel))"
  }

  /// Those of the contacts that a search finds. On a channel of a type only contacts with an address for it have any; who
  /// has one on a channel with another id is only asked where there is such a channel.
  private func of(_ search: ContactSearch) -> String {
    func of(_ contacts: String, _ conditions: [String] = []) -> String {
      let all = ["v.contact_id = ANY (ARRAY(\(contacts)))"] + conditions
      return "SELECT \(Self.columns) FROM conversations v \(SQL.whole(all)) OFFSET 0"
    }
    guard let channel, let kind else { return of(search.candidates()) }
    let named = "v.channel = $\(channel) AND v.channel <> v.channel_type"
    let isThere = "(SELECT true FROM conversations v WHERE \(named) LIMIT 1)"
    return """
      SELECT * FROM (\(of(search.candidates(kind: kind), ["v.channel_type = $\(channel)"]))) v
      UNION ALL SELECT * FROM (\(of(search.candidates(), [isThere, named]))) v
      """
  }

  /// Those whose channel has a type of this name or, where that says something else, an id.
  private func of(_ channel: Int, _ limit: String) -> String {
    """
    SELECT * FROM (SELECT \(Self.columns) FROM conversations v WHERE v.channel_type = $\(channel) \(limit)) v
    UNION ALL SELECT * FROM (
      SELECT \(Self.columns) FROM conversations v WHERE v.channel = $\(channel) AND v.channel <> v.channel_type \(limit)) v
    """
  }

  /// What must hold besides the part and the bounds.
  private var conditions: [String] {
    (channel.map { ["$\($0) IN (v.channel, v.channel_type)"] } ?? [])
      + (search.map { [$0.condition(onContact: "v.contact_id")] } ?? [])
  }

  /// For those that have moved: the place where each stood is read in the place of its last activity.
  var movedStatement: Statement {
    let conditions = ["v.inbox = ANY ($1)"] + conditions
    return Statement(
      name,
      """
      SELECT \(ConversationRows.columns.replacing("v.last_activity_at", with: "v.position")) FROM (
        SELECT v.*, w.position FROM unnest($2::uuid[], $3::timestamptz[]) AS w(id, position)
        CROSS JOIN LATERAL (SELECT * FROM conversations v WHERE v.id = w.id LIMIT 1) v
        WHERE \(conditions.joined(separator: " AND "))
        ORDER BY w.position DESC, v.id DESC LIMIT $\(parameters.count)
      ) v \(ConversationRows.joins)
      """)
  }

  private static let order = "v.activity_bin DESC, v.last_activity_at DESC, v.id DESC"

  /// The four parts of the inbox, those that are not asked for without rows. Each is in the list's order, so PostgreSQL
  /// merges them, and reads them no further than is needed.
  private func parts(_ limit: String) -> String {
    let parts = (1...4).map { part in
      """
      SELECT * FROM (
        SELECT \(Self.columns) FROM conversations v \(SQL.whole(["v.inbox = ($1::int2[])[\(part)]"] + bounds))
        ORDER BY \(Self.order) \(limit)) v
      """
    }
    return "SELECT * FROM (\(parts.joined(separator: " UNION ALL "))) v ORDER BY \(Self.order)"
  }

  /// As many rows as the parts have, each to a limit.
  private func counted(_ limit: String) -> String {
    """
    SELECT FROM unnest($1::int2[]) AS i(inbox)
    CROSS JOIN LATERAL (SELECT FROM conversations v \(SQL.whole(["v.inbox = i.inbox"] + bounds)) \(limit)) v
    """
  }

  /// - Parameter source: selects ``columns``. It is cut to a page before anything is joined to it.
  private func statement(_ name: String, _ source: String) -> Statement {
    Statement(
      name,
      """
      SELECT \(ConversationRows.columns) FROM (
        SELECT * FROM (\(source)) v ORDER BY \(Self.order) LIMIT $\(parameters.count)
      ) f CROSS JOIN LATERAL (SELECT * FROM conversations v WHERE v.id = f.id LIMIT 1) v
      \(ConversationRows.joins) ORDER BY f.activity_bin DESC, f.last_activity_at DESC, f.id DESC
      """)
  }
}
