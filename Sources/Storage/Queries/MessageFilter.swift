// The filters of the message list as SQL.

import ChannelProtocol
import Postgres

/// One prepared statement for each combination that is used, so that each gets the plan that suits it.
///
/// Where the messages are drawn from is decided by what is asked for: the conversations of a contact, the stages of a
/// status, or all of them, each from its newest on; every filter then holds for what is drawn.
struct MessageFilter {
  private var name = "messages"
  /// What holds in the index that the messages are drawn from.
  private var bounds: [String] = []
  private var conditions: [String] = []
  private var source = Source.all
  private var words: Words?
  /// The parameter that bounds the ids of a list which ends at a time.
  private var end: Int?
  private(set) var parameters = Parameters()
  private let limit: Int

  private enum Source {
    case all
    /// Of one contact; the parameter is its id.
    case contact(Int)
    /// In certain stages; the parameter holds them.
    case stages(Int)
    /// By an index of its own, which leaves few.
    case few
  }

  /// The parameters of a search: the query, and a pattern that whatever it finds must match, which is cheaper to see.
  private struct Words {
    var query: Int
    var pattern: Int
  }

  /// How many of the newest messages are searched before the index is asked who holds the words.
  private static let windows = [2_500, 10_000]
  /// A message is told of this long after it was made, at most, unless it was recovered: it may wait in the journal.
  private static let delay: Duration = .seconds(86_400)
  /// Ids are made beside the times, not from them.
  private static let skew: Duration = .seconds(60)

  init(_ query: MessageQuery, page: PageRequest) {
    limit = page.limit
    if let cursor = page.cursor { bound("after", "m.id < $") { $0.identifier(cursor.id) } }
    add(origin: query)
    add(kind: query)
    add(times: query)
    if let search = query.search.flatMap({ WordSearch($0) }) {
      parameters.text(search.query)
      parameters.text("%" + search.fragment.escapedForLike + "%")
      words = Words(query: parameters.count - 1, pattern: parameters.count)
      name += "_search"
    }
    parameters.int8(Int64(limit + 1))
  }

  private mutating func add(origin query: MessageQuery) {
    if let conversation = query.conversation {
      source = .few
      bound("conversation", "m.conversation_id = $") { $0.identifier(conversation) }
    }
    if let sid = query.providerSID {
      source = .few
      add("sid", "m.provider_sid = $") { $0.text(sid) }
    }
    if let contact = query.contact {
      if case .few = source {
        add("contact", "m.contact_id = $") { $0.identifier(contact) }
      } else {
        parameters.identifier(contact)
        source = .contact(parameters.count)
        name += "_contact"
      }
    }
  }

  private mutating func add(kind query: MessageQuery) {
    if let channel = query.channel {
      add("channel", "$ IN (m.channel, m.channel_type)") { $0.text(channel) }
    }
    if let direction = query.direction {
      add("direction", "m.inbound = $") { $0.bool(direction == .inbound) }
    }
    if !query.statuses.isEmpty {
      add("status", "m.status = ANY ($::int2[])") { $0.int2Array(query.statuses.map(\.code)) }
    }
    // What came in has no stage; and a search begins with the newest of all.
    guard case .all = source, query.search == nil, !query.statuses.contains(.received),
      query.direction == .outbound || !query.statuses.isEmpty
    else { return }
    let statuses = query.statuses.isEmpty ? DeliveryStatus.allCases : query.statuses
    parameters.int2Array(Set(statuses.compactMap(\.stage)).sorted())
    source = .stages(parameters.count)
    name += "_stages"
  }

  /// The list is in the order of ids. An id is made after the time its message shows, so the time bounds the id.
  private mutating func add(times query: MessageQuery) {
    if let since = query.since {
      bound("since", "m.id >= $") { $0.identifier(Identifier(first: since - Self.skew)) }
      add("since", "m.created_at >= $") { $0.timestamp(since) }
    }
    if let until = query.until {
      add("until", "m.created_at < $") { $0.timestamp(until) }
      parameters.identifier(Identifier(first: until + Self.delay))
      end = parameters.count
    }
  }

  private mutating func bound(_ name: String, _ condition: String, _ bind: (inout Parameters) -> Void) {
    bind(&parameters)
    self.name += "_" + name
    bounds.append(condition.replacing("$", with: "$\(parameters.count)"))
  }

  private mutating func add(_ name: String, _ condition: String, _ bind: (inout Parameters) -> Void) {
    bind(&parameters)
    self.name += "_" + name
    conditions.append(condition.replacing("$", with: "$\(parameters.count)"))
  }

  // MARK: SQL

  var steps: ListSteps {
    let limit = "LIMIT $\(parameters.count)"
    guard let words else { return .one(statement(name, drawn(conditions, limit))) }
    let matches = "to_tsvector('simple', m.body) @@ to_tsquery('simple', $\(words.query))"
    let seen = conditions + ["m.body ILIKE $\(words.pattern)", matches]
    let windows = Self.windows.map { size in
      ListSteps.Window(name, size: size, source: { drawn([], "LIMIT \($0)") }) { name, source in
        statement(name, "SELECT * FROM (\(source)) m \(whole(seen))")
      }
    }
    let found = "(SELECT m.* FROM messages m WHERE \(matches) AND m.body IS NOT NULL OFFSET 0) m"
    return .search(
      windows: windows,
      indexed: statement(name + "_indexed", "SELECT * FROM \(found) \(whole(origin + bounds + conditions))"))
  }

  /// What the source says, where it is not asked.
  private var origin: [String] {
    if case .contact(let contact) = source { ["m.contact_id = $\(contact)"] } else { [] }
  }

  private func whole(_ conditions: [String]) -> String {
    conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
  }

  /// The newest messages that every condition holds for, from the source.
  private func drawn(_ conditions: [String], _ limit: String) -> String {
    guard let end else { return fromSource(conditions, limit) }
    // Those that were recovered are few, and came any time after.
    return """
      SELECT * FROM (\(fromSource(conditions + ["m.id < $\(end)", "NOT m.recovered"], limit))) m
      UNION ALL SELECT * FROM (\(fromSource(conditions + ["m.recovered"], limit))) m
      """
  }

  private func fromSource(_ conditions: [String], _ limit: String) -> String {
    switch source {
    case .all, .few:
      return "SELECT * FROM messages m \(whole(bounds + conditions)) ORDER BY m.id DESC \(limit)"
    case .contact(let contact):
      return """
        SELECT m.* FROM conversations v CROSS JOIN LATERAL (
          SELECT * FROM messages m
          \(whole(["m.conversation_id = v.id"] + bounds + conditions)) ORDER BY m.id DESC \(limit)) m
        WHERE v.contact_id = $\(contact)
        """
    case .stages(let stages):
      // A range of one, so that only the stage's own index gives the order: the planner, who knows nothing of how
      // many there are, would else walk through all messages.
      return """
        SELECT m.* FROM unnest($\(stages)::int2[]) AS s(stage) CROSS JOIN LATERAL (
          SELECT * FROM messages m \(whole(["m.stage >= s.stage", "m.stage <= s.stage"] + bounds + conditions))
          ORDER BY m.stage, m.id DESC \(limit)) m
        """
    }
  }

  private func statement(_ name: String, _ source: String) -> Statement {
    Statement(
      name,
      """
      SELECT \(StoredMessage.columns) FROM (\(source)) m ORDER BY m.id DESC LIMIT $\(parameters.count)
      """)
  }
}

extension DeliveryStatus {
  /// The value of `messages.stage`; nil for what came in.
  fileprivate var stage: Int16? {
    switch self {
    case .received: nil
    case .queued, .scheduled, .sending: 0
    case .accepted, .sent: 20
    case .delivered, .undelivered, .failed, .canceled, .read: code
    }
  }
}

extension Identifier {
  /// The smallest id of an instant.
  fileprivate init(first time: Timestamp) {
    self.init(high: (UInt64(max(0, time.microseconds)) / 1_000) << 16, low: 0)
  }
}
