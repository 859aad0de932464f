// The filters of the message list as SQL.

import ChannelProtocol
import Postgres

/// One prepared statement for each combination that is used, so that each gets the plan that suits it.
///
/// Where the messages may be drawn from is decided by what is asked for (``MessageSource``): the conversations of a
/// contact, a channel, the stages of a status, or all of them, each from its newest on. Where there are several, which of
/// them has the fewest only the data knows: some of each is looked at (``ListSteps``).
struct MessageFilter {
  private(set) var name = "messages"
  private(set) var bounds = MessageBounds()
  /// Whose it is, which an index may answer; and of what kind, which none does.
  private(set) var conditions: [String] = []
  private(set) var kinds: [String] = []
  private(set) var sources: [MessageSource] = []
  private var words: MessageWords?
  /// The parameter of the channel type that has no index, as most messages have it.
  private var usual: Int?
  /// What the conditions look at: what is looked at and thrown away is read no wider.
  private(set) var columns = ["id"]
  /// Whether it asks for what there cannot be.
  private var isEmpty = false
  private(set) var parameters = Parameters()

  /// How many of the newest messages are searched before an index is asked, which takes longer for several words; of a
  /// conversation's or a contact's; and of each other place.
  private static let ofAll = [2_500, 10_000]
  private static let ofSeveralWords = [2_500, 10_000, 25_000]
  private static let ofOrigin = [2_500, 10_000, 20_000]
  private static let ofPlace = [2_500]
  /// How many conversations of the usual type are few.
  private static let conversations = 1_000
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
      add("sid", "m.provider_sid = $", of: "provider_sid") { $0.text(sid) }
      sources = [.sid(parameters.count)]
    }
    if let conversation = query.conversation {
      add("conversation", "m.conversation_id = $", of: "conversation_id") { $0.identifier(conversation) }
      if sources.isEmpty { sources = [.conversation(parameters.count)] }
    }
    if let contact = query.contact {
      add("contact", "m.contact_id = $", of: "contact_id") { $0.identifier(contact) }
      if sources.isEmpty { sources = [.contact(parameters.count)] }
    }
  }

  private mutating func add(kind query: MessageQuery) {
    if let channel = query.channel {
      add("channel", "$ IN (m.channel, m.channel_type)", of: "channel", "channel_type", to: \.kinds) {
        $0.text(channel)
      }
      if channel == ChannelType.sms.rawValue {
        name += "_sms"
        usual = parameters.count
      } else {
        sources.append(.channel(parameters.count))
      }
    }
    if let direction = query.direction {
      add("direction", "m.inbound = $", of: "inbound", to: \.kinds) { $0.bool(direction == .inbound) }
    }
    guard !query.statuses.isEmpty else { return }
    // What came in has one status, and what goes out never has it.
    let statuses = query.statuses.filter {
      query.direction == nil || ($0 == .received) == (query.direction == .inbound)
    }
    isEmpty = statuses.isEmpty
    add("status", "m.status = ANY ($::int2[])", of: "status", to: \.kinds) { $0.int2Array(statuses.map(\.code)) }
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
      look(at: ["created_at"])
    }
    if let until = query.until {
      bind("until") { $0.timestamp(until) }
      bounds.conditions.append("m.created_at < \(last)")
      parameters.identifier(Identifier(first: until + Self.delay))
      bounds.end = parameters.count
      look(at: ["created_at", "recovered"])
    }
  }

  private mutating func add(_ search: WordSearch) {
    var words = MessageWords(isPlain: search.isPlain)
    for word in search.words {
      parameters.text(word.query)
      parameters.text(word.pattern)
      words.append(
        query: parameters.count - 1, pattern: parameters.count, isPhrase: word.isPhrase, partCount: word.partCount)
    }
    parameters.text(search.typed)
    let typed = parameters.count
    if let before = search.before { parameters.text(before) }
    words.finish(typed: typed, before: search.before.map { _ in parameters.count })
    look(at: ["body"])
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
    if let usual, words == nil, case .all = sources[0] { return few(usual, page) }
    guard sources.count > 1 || words != nil else {
      return .one(
        Statement(
          name,
          """
          SELECT \(StoredMessage.columns) FROM (\(drawn(sources[0], "*", conditions + kinds, page))) m
          ORDER BY m.id DESC \(page)
          """))
    }
    let places = sources.map(place)
    guard let words else {
      return .search(
        places: places, rest: statement(name + "_rest", drawn(sources[0], "m.id", conditions + kinds, page)))
    }
    let rest = statement(name + "_rest", found(words.indexed, words.unseen))
    guard let whole = words.whole else { return .search(places: places, rest: rest) }
    return .search(places: places, rest: rest, choice: choice(whole, places[0]))
  }

  /// Messages of the usual type, which may be rare all the same: then so are the conversations that have them.
  private func few(_ usual: Int, _ page: String) -> ListSteps {
    let source = MessageSource.conversations(usual)
    let few = ListSteps.Window(
      size: Self.conversations,
      matching: statement(name + source.name, drawn(source, "m.id", conditions + kinds, page)),
      reach: Statement(
        name + source.name + "_reach",
        """
        SELECT count(*) FROM (
          SELECT FROM conversations v WHERE v.channel_type = $\(usual) LIMIT \(Self.conversations)) r
        """))
    return .search(
      places: [place(.all), .init(windows: [few], isOrdered: false)],
      rest: statement(name + "_rest", drawn(.all, "m.id", conditions + kinds, page)))
  }

  private func place(_ source: MessageSource) -> ListSteps.Place {
    let sizes =
      switch source {
      case .all: words?.whole == nil ? Self.ofAll : Self.ofSeveralWords
      case .sid, .conversation, .contact: Self.ofOrigin
      case .channel, .conversations, .stages: Self.ofPlace
      }
    // What is older than the last row that was looked at is known of none of several.
    let cut = source.isSeveral || bounds.end != nil
    return ListSteps.Place(
      windows: sizes.map { size in
        let rows = drawn(source, narrow, [], "LIMIT \(size)")
        let window = cut ? "SELECT * FROM (\(rows)) m ORDER BY m.id DESC LIMIT \(size)" : rows
        let name = "\(name)\(source.name)_\(size)"
        // Where all are looked at, an index knows as soon whether these were all.
        let reach: Statement? =
          if case .all = source {
            nil
          } else {
            Statement(name + "_reach", "SELECT count(*) FROM (\(drawn(source, "m.id", [], "LIMIT \(size)"))) r")
          }
        return ListSteps.Window(
          size: size,
          matching: statement(
            name, "SELECT m.id FROM (\(window)) m \(SQL.whole(conditions + kinds + (words?.seen ?? [])))"),
          reach: reach)
      })
  }

  /// The newest messages of a source that every condition holds for.
  private func drawn(
    _ source: MessageSource, _ columns: String, _ conditions: [String], _ limit: String
  ) -> String {
    guard let end = bounds.end else { return source.sql(columns, bounds.conditions + conditions, limit) }
    // Those that were recovered are few, and came any time after.
    let (soon, late) = (["m.id < $\(end)", "NOT m.recovered"], ["m.recovered"])
    return """
      SELECT * FROM (\(source.sql(columns, bounds.conditions + conditions + soon, limit))) m
      UNION ALL SELECT * FROM (\(source.sql(columns, bounds.conditions + conditions + late, limit))) m
      """
  }

  private var narrow: String { columns.map { "m.\($0)" }.joined(separator: ", ") }

  /// - Parameter ids: selects the ids of those that may be on the page, which is cut before its rows are read.
  func statement(_ name: String, _ ids: String) -> Statement {
    Statement(
      name,
      """
      SELECT \(StoredMessage.columns) FROM (
        SELECT f.id FROM (\(ids)) f ORDER BY f.id DESC LIMIT $\(parameters.count)) f
      CROSS JOIN LATERAL (SELECT * FROM messages m WHERE m.id = f.id LIMIT 1) m ORDER BY f.id DESC
      """)
  }

  // MARK: Parameters

  private var last: String { "$\(parameters.count)" }

  private mutating func look(at columns: [String]) { self.columns += columns.filter { !self.columns.contains($0) } }

  private mutating func bind(_ name: String, _ bind: (inout Parameters) -> Void) {
    bind(&parameters)
    self.name += "_" + name
  }

  private mutating func add(
    _ name: String, _ condition: String, of columns: String..., to list: WritableKeyPath<Self, [String]> = \.conditions,
    bind: (inout Parameters) -> Void
  ) {
    self.bind(name, bind)
    look(at: columns)
    self[keyPath: list].append(condition.replacing("$", with: last))
  }
}
