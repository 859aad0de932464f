// The filters of the message list as SQL.

import ChannelProtocol
import Postgres

/// One prepared statement for each combination that is used, so that each gets the plan that suits it.
///
/// Where the messages may be drawn from is decided by what is asked for (``MessageSource``): the conversations of a
/// contact, a channel, the stages of a status, or all of them, each from its newest on. Where there are several, which of
/// them has the fewest only the data knows: some of each is looked at (``ListSteps``).
struct MessageFilter {
  private var name = "messages"
  private var bounds = MessageBounds()
  private var conditions: [String] = []
  private var sources: [MessageSource] = []
  private var words: MessageWords?
  /// Whether it asks for what there cannot be.
  private var isEmpty = false
  private(set) var parameters = Parameters()

  /// How many of the newest messages are searched before an index is asked; and of each other place.
  private static let windows = [2_500, 10_000, 25_000]
  private static let ofPlace = 2_500
  /// How many that hold the whole words of a search are looked through for the one that is being typed.
  private static let ofWholeWords = 1_000
  /// A message is told of this long after it was made, at most, unless it was recovered: it may wait in the journal.
  private static let delay: Duration = .seconds(86_400)
  /// Ids are made beside the times, not from them.
  private static let skew: Duration = .seconds(60)

  init(_ query: MessageQuery, page: PageRequest) {
    if let cursor = page.cursor {
      bind("after") { $0.identifier(cursor.id) }
      bounds.conditions.append("m.id < \(last)")
    }
    add(times: query)
    add(origin: query)
    add(kind: query)
    if let search = query.search.flatMap({ WordSearch($0) }) { add(search) }
    if sources.isEmpty { sources = [query.direction == .outbound ? stages(of: DeliveryStatus.allCases) : .all] }
    parameters.int8(Int64(page.limit + 1))
  }

  private mutating func add(origin query: MessageQuery) {
    if let sid = query.providerSID {
      add("sid", "m.provider_sid = $") { $0.text(sid) }
      sources = [.sid(parameters.count)]
    }
    if let conversation = query.conversation {
      add("conversation", "m.conversation_id = $") { $0.identifier(conversation) }
      if sources.isEmpty { sources = [.conversation(parameters.count)] }
    }
    if let contact = query.contact {
      add("contact", "m.contact_id = $") { $0.identifier(contact) }
      if sources.isEmpty { sources = [.contact(parameters.count)] }
    }
  }

  private mutating func add(kind query: MessageQuery) {
    if let channel = query.channel {
      add("channel", "$ IN (m.channel, m.channel_type)") { $0.text(channel) }
      if channel == ChannelType.sms.rawValue { name += "_sms" } else { sources.append(.channel(parameters.count)) }
    }
    if let direction = query.direction {
      add("direction", "m.inbound = $") { $0.bool(direction == .inbound) }
    }
    guard !query.statuses.isEmpty else { return }
    // What came in has one status, and what goes out never has it.
    let statuses = query.statuses.filter {
      query.direction == nil || ($0 == .received) == (query.direction == .inbound)
    }
    isEmpty = statuses.isEmpty
    add("status", "m.status = ANY ($::int2[])") { $0.int2Array(statuses.map(\.code)) }
    if !statuses.contains(.received) { sources.append(stages(of: statuses)) }
  }

  private mutating func stages(of statuses: [DeliveryStatus]) -> MessageSource {
    bind("stages") { $0.int2Array(Set(statuses.compactMap(\.stage)).sorted()) }
    return .stages(parameters.count)
  }

  /// The list is in the order of ids. An id is made after the time its message shows, so the time bounds the id.
  private mutating func add(times query: MessageQuery) {
    if let since = query.since {
      bind("since") { $0.identifier(Identifier(first: since - Self.skew)) }
      bounds.conditions.append("m.id >= \(last)")
      parameters.timestamp(since)
      bounds.conditions.append("m.created_at >= \(last)")
    }
    if let until = query.until {
      bind("until") { $0.timestamp(until) }
      bounds.conditions.append("m.created_at < \(last)")
      parameters.identifier(Identifier(first: until + Self.delay))
      bounds.end = parameters.count
    }
  }

  private mutating func add(_ search: WordSearch) {
    var words = MessageWords()
    for word in search.words {
      parameters.text(word.query)
      parameters.text(word.pattern)
      words.append(query: parameters.count - 1, pattern: parameters.count, isPhrase: word.isPhrase)
    }
    name += "_search" + words.name
    self.words = words
    // A conversation, or a contact's, is looked through before all is.
    if let first = sources.first, first.isOrigin { return }
    sources.insert(.all, at: 0)
  }

  // MARK: SQL

  var steps: ListSteps {
    guard !isEmpty else { return .none }
    let page = "LIMIT $\(parameters.count)"
    guard sources.count > 1 || words != nil else { return .one(statement(name, drawn(sources[0], conditions, page))) }
    var places = sources.map(place)
    if let words, let whole = words.whole {
      places.append(.init(windows: [wholeWords(whole, of: words)], isOrdered: false))
    }
    let rest =
      if let words {
        found(words)
      } else {
        drawn(sources[0], conditions, page)
      }
    return .search(places: places, rest: statement(name + "_rest", rest))
  }

  private func place(_ source: MessageSource) -> ListSteps.Place {
    let sizes = if case .all = source { Self.windows } else { [Self.ofPlace] }
    // What is older than the last row that was looked at is known of none of several.
    let cut = source.isSeveral || bounds.end != nil
    return ListSteps.Place(
      windows: sizes.map { size in
        .init(
          name + source.name, size: size,
          source: {
            let rows = drawn(source, [], "LIMIT \($0)")
            return cut ? "SELECT * FROM (\(rows)) m ORDER BY m.id DESC LIMIT \($0)" : rows
          }
        ) { name, source in
          statement(name, "SELECT * FROM (\(source)) m \(SQL.whole(conditions + (words?.seen ?? [])))")
        }
      })
  }

  /// Those that hold every word but the one that is being typed, where they are few: by its beginning alone, a frequent
  /// word takes the index as long as all that hold it. Whether they are few the newest messages tell, for the index would
  /// take as long to count many.
  private func wholeWords(_ indexed: [String], of words: MessageWords) -> ListSteps.Window {
    let size = Self.ofWholeWords
    let source = "SELECT * FROM messages m \(SQL.whole(indexed + ["m.body IS NOT NULL"])) LIMIT \(size) OFFSET 0"
    let newest = MessageSource.all.sql([], "LIMIT \(Self.ofPlace)")
    let name = name + "_words_\(size)"
    return ListSteps.Window(
      size: size,
      matching: statement(
        name, "SELECT * FROM (\(source)) m \(SQL.whole(bounds.whole + conditions + words.seen))"),
      reach: Statement(
        name + "_reach",
        """
        SELECT CASE WHEN (
          SELECT count(*) FROM (SELECT FROM (\(newest)) m \(SQL.whole(words.wholeSeen)) LIMIT 25) r) = 25
          THEN \(size) ELSE (SELECT count(*) FROM (\(source)) r) END
        """))
  }

  /// What the index of words finds, cut to a page before its rows are read.
  private func found(_ words: MessageWords) -> String {
    let conditions = bounds.whole + conditions + words.unseen
    return """
      SELECT m.* FROM (
        SELECT f.id FROM (
          SELECT m.id FROM (
            SELECT * FROM messages m \(SQL.whole(words.indexed + ["m.body IS NOT NULL"])) OFFSET 0) m
          \(SQL.whole(conditions))) f
        ORDER BY f.id DESC LIMIT $\(parameters.count)) f
      CROSS JOIN LATERAL (SELECT * FROM messages m WHERE m.id = f.id LIMIT 1) m
      """
  }

  /// The newest messages of a source that every condition holds for.
  private func drawn(_ source: MessageSource, _ conditions: [String], _ limit: String) -> String {
    guard let end = bounds.end else { return source.sql(bounds.conditions + conditions, limit) }
    // Those that were recovered are few, and came any time after.
    return """
      SELECT * FROM (\(source.sql(bounds.conditions + conditions + ["m.id < $\(end)", "NOT m.recovered"], limit))) m
      UNION ALL SELECT * FROM (\(source.sql(bounds.conditions + conditions + ["m.recovered"], limit))) m
      """
  }

  private func statement(_ name: String, _ source: String) -> Statement {
    Statement(
      name,
      "SELECT \(StoredMessage.columns) FROM (\(source)) m ORDER BY m.id DESC LIMIT $\(parameters.count)")
  }

  // MARK: Parameters

  private var last: String { "$\(parameters.count)" }

  private mutating func bind(_ name: String, _ bind: (inout Parameters) -> Void) {
    bind(&parameters)
    self.name += "_" + name
  }

  private mutating func add(_ name: String, _ condition: String, _ bind: (inout Parameters) -> Void) {
    self.bind(name, bind)
    conditions.append(condition.replacing("$", with: last))
  }
}

/// What is told by the place in the list: by the ids, and the times that follow them.
private struct MessageBounds {
  var conditions: [String] = []
  /// The parameter that bounds the ids of a list which ends at a time.
  var end: Int?

  /// For rows that come from elsewhere: all that is asked for.
  var whole: [String] { conditions + (end.map { ["(m.id < $\($0) OR m.recovered)"] } ?? []) }
}

extension Identifier {
  /// The smallest id of an instant.
  fileprivate init(first time: Timestamp) {
    self.init(high: (UInt64(max(0, time.microseconds)) / 1_000) << 16, low: 0)
  }
}
