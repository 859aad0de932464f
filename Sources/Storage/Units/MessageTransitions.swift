// Moves messages along: whatever reports on a message, from the provider or from our own sender, ends here.

import ChannelProtocol
import Postgres

/// What one report asks of a message.
struct Transition {
  /// Ours, where the reporter knows it.
  var messageID: Identifier?
  var accountSID: String
  /// The provider's, where it has one.
  var providerSID: String?
  var reports: [StatusReport]
  /// The provider's choice of sender, and its count of parts.
  var sender: String?
  var segmentCount: Int?
  var price: Price?
  var raw: [UInt8]?
}

/// Locks messages, projects reports onto them and writes what changed. One transaction: `begin`, decide, `finish`.
struct MessageTransitions {
  let context: WriteContext
  /// The messages as they are now, by our id.
  private(set) var messages: [Identifier: StoredMessage] = [:]
  private var byProvider: [ProviderKey: Identifier] = [:]
  private var changed: Set<Identifier> = []
  private var history: [(Identifier, StatusReport, [UInt8]?)] = []
  private var settledOutbox: [Identifier] = []
  /// Messages of which contradicting ends were told, for the provider to decide.
  private var contradicted: [Identifier] = []
  /// Messages that the provider keeps until their time. Whoever opts out meanwhile, also just now, must not get them:
  /// the poll looks after that.
  private var kept: [Identifier] = []
  /// Messages whose text a template has replaced.
  private(set) var replaced: [Identifier] = []
  /// Refusals for an opt-out: the message and when.
  private var refusals: [(Message, Timestamp)] = []
  private var events: EventBatch

  struct ProviderKey: Hashable {
    var accountSID: String
    var providerSID: String
  }

  init(_ context: WriteContext) {
    self.context = context
    events = EventBatch(context)
  }

  /// In id order, so that two nodes wait for each other in one direction only. The ids are found first, through an
  /// array, so that a generic plan stays two index lookups.
  private static let lock = Statement(
    "lock_messages",
    """
    SELECT \(StoredMessage.columns) FROM messages m
    WHERE m.id = ANY (ARRAY(
      SELECT id FROM unnest($1::uuid[]) AS i(id)
      UNION
      SELECT (SELECT s.id FROM messages s WHERE s.provider_sid = k.sid AND s.account_sid = k.account LIMIT 1)
      FROM unnest($2::text[], $3::text[]) AS k(account, sid)))
    ORDER BY m.id FOR NO KEY UPDATE
    """)

  /// Begins the transaction, reads and locks the messages that `transitions` are about.
  mutating func begin(_ transitions: [Transition], on connection: Connection) throws {
    let withSID = transitions.filter { $0.providerSID != nil }
    var parameters = Parameters()
    parameters.identifierArray(transitions.compactMap(\.messageID))
    parameters.textArray(withSID.map(\.accountSID))
    parameters.textArray(withSID.map(\.providerSID))
    try take(connection.pipeline([(.begin, Parameters()), (Self.lock, parameters)])[1], on: connection)
  }

  /// Reads and locks messages by our id, in a transaction that has begun.
  mutating func lock(ids: [Identifier], on connection: Connection) throws {
    var parameters = Parameters()
    parameters.identifierArray(ids)
    parameters.textArray([String]())
    parameters.textArray([String]())
    try take(connection.execute(Self.lock, parameters), on: connection)
  }

  private mutating func take(_ rows: Rows, on connection: Connection) throws {
    for row in rows {
      var reader = ColumnReader(row)
      let stored = try StoredMessage(&reader, context: context.resources)
      messages[stored.message.id] = stored
      if let account = stored.accountSID, let sid = stored.message.providerSID {
        byProvider[ProviderKey(accountSID: account, providerSID: sid)] = stored.message.id
      }
    }
    let withMedia = messages.values.filter(\.hasMedia).map(\.message.id)
    for (id, items) in try MediaRows.load(withMedia, context: context.resources, on: connection) {
      messages[id]?.message.media = items
    }
  }

  /// The message a transition is about: the one that holds the provider's id, else ours where it holds none yet.
  func target(of transition: Transition) -> Identifier? {
    if let sid = transition.providerSID,
      let holder = byProvider[ProviderKey(accountSID: transition.accountSID, providerSID: sid)]
    {
      return holder
    }
    if let id = transition.messageID, let stored = messages[id], stored.message.direction == .outbound,
      stored.message.providerSID == nil || transition.providerSID == nil
    {
      return id
    }
    return nil
  }

  /// Projects a transition onto its message.
  /// - Returns: false where there is no such message yet.
  mutating func apply(_ transition: Transition) -> Bool {
    guard let id = target(of: transition), var stored = messages[id] else { return false }
    guard stored.message.direction == .outbound else { return true }
    if stored.message.providerSID == nil, let sid = transition.providerSID {
      stored.message.providerSID = sid
      stored.accountSID = transition.accountSID
      byProvider[ProviderKey(accountSID: transition.accountSID, providerSID: sid)] = id
      // The provider has it, whoever told us: nothing is left to send.
      settledOutbox.append(id)
      changed.insert(id)
      if let time = stored.message.scheduledAt, time > context.clock.now() { kept.append(id) }
    }
    let priceBefore = stored.message.price
    var hasMoved = false
    var facts = stored.facts
    facts.apply(
      status: transition.reports.compactMap(\.status).max { $0.rank < $1.rank }, sender: transition.sender,
      segmentCount: transition.segmentCount, price: transition.price)
    if facts != stored.facts { changed.insert(id) }
    stored.take(facts)
    for report in transition.reports {
      let before = stored.message.status
      let wasContradicted = stored.isContradicted
      var projection = stored.projection
      let moved = projection.apply(report)
      if projection != stored.projection { changed.insert(id) }
      stored.take(projection, context: context.resources)
      if !wasContradicted, stored.isContradicted, !stored.isSettled { contradicted.append(id) }
      history.append((id, report, transition.raw))
      if moved { noteOptOut(stored.message, report) }
      if moved { announce(stored.message, before: before, at: report.at) }
      hasMoved = hasMoved || moved
    }
    // An event of its status tells the price as well.
    if stored.message.price != priceBefore, !hasMoved { announcePrice(of: stored.message) }
    messages[id] = stored
    return true
  }

  /// A provider that refuses a recipient for an opt-out knows of one that we do not.
  private mutating func noteOptOut(_ message: Message, _ report: StatusReport) {
    guard report.status == .failed || report.status == .undelivered, let code = report.errorCode,
      context.resources.explain(code)?.isOptOut == true
    else { return }
    refusals.append((message, report.at))
  }

  private static let lines = Statement(
    "lines_of_conversations", "SELECT id, line FROM conversations WHERE id = ANY ($1::uuid[])")

  /// For the line that the conversation is held on: a provider's pool names the number it chose in the message itself.
  private func optOuts(on connection: Connection) throws -> [OptOutChange] {
    guard !refusals.isEmpty else { return [] }
    var parameters = Parameters()
    parameters.identifierArray(refusals.map(\.0.conversationID))
    let lines = Dictionary(
      try connection.execute(Self.lines, parameters).map { (Identifier(try $0.uuid(0)), try $0.text(1)) },
      uniquingKeysWith: { first, _ in first })
    return refusals.map { message, at in
      let address = Address(type: message.channelType, value: message.to)
      return OptOutChange(
        contactID: message.contactID, channelType: address.type, address: address.value,
        scope: .line(lines[message.conversationID] ?? message.from), optedOut: true, source: .refusal,
        messageID: message.id, at: at)
    }
  }

  private mutating func announce(_ message: Message, before: DeliveryStatus, at: Timestamp) {
    let types: [EventType] = message.status == .read ? [.messageStatus, .messageRead] : [.messageStatus]
    for type in types {
      events.append(type, at: at, conversation: message.conversationID, channel: message.channel) {
        message.write(to: &$0) { $0.member("previousStatus", before.rawValue) }
      }
    }
  }

  private mutating func announcePrice(of message: Message) {
    events.append(
      .messagePrice, at: context.clock.now(), conversation: message.conversationID, channel: message.channel
    ) { message.write(to: &$0) }
  }

  private static let update = Statement(
    "update_messages",
    """
    UPDATE messages m SET
      status = u.status, status_settled = u.settled, status_contradicted = u.contradicted, error_code = u.error_code,
      error_message = u.error_message, account_sid = u.account_sid, provider_sid = u.provider_sid, sender = u.sender,
      segment_count = u.segment_count, sent_at = u.sent_at, delivered_at = u.delivered_at, read_at = u.read_at,
      price_amount = u.price_amount, price_currency = u.price_currency, fact_ranks = u.fact_ranks
    FROM unnest($1::uuid[], $2::int2[], $3::bool[], $4::bool[], $5::text[], $6::text[], $7::text[], $8::text[],
      $9::text[], $10::int2[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[],
      $16::int2[])
      AS u(id, status, settled, contradicted, error_code, error_message, account_sid, provider_sid, sender,
        segment_count, sent_at, delivered_at, read_at, price_amount, price_currency, fact_ranks)
    WHERE m.id = u.id
    """)

  private static let insertHistory = Statement(
    "insert_status_events",
    """
    INSERT INTO status_events (message_id, at, status, provider_status, source, error_code, error_message, raw)
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::int2[], $4::text[], $5::text[], $6::text[], $7::text[],
      $8::text[])
    ON CONFLICT DO NOTHING
    """)

  private static let settleOutbox = Statement(
    "settle_outbox", "DELETE FROM outbox WHERE message_id = ANY ($1::uuid[])")

  /// A template takes the place of a message's text that no provider has yet.
  mutating func replaceText(of id: Identifier, by template: TemplateReference) {
    guard var stored = messages[id], stored.message.providerSID == nil else { return }
    stored.message.take(template)
    messages[id] = stored
    replaced.append(id)
  }

  /// Writes everything and commits; `extra` steps go before the events.
  func finish(_ extra: [(Statement, Parameters)] = [], on connection: Connection) throws {
    var events = events
    _ = try OptOutLedger.record(try optOuts(on: connection), context: context, to: &events, on: connection)
    var steps: [(Statement, Parameters)] = []
    if !changed.isEmpty { steps.append((Self.update, updateParameters())) }
    steps += ReplacedTexts.steps(replaced.compactMap { messages[$0]?.message })
    if !history.isEmpty { steps.append((Self.insertHistory, historyParameters())) }
    if !settledOutbox.isEmpty {
      var parameters = Parameters()
      parameters.identifierArray(settledOutbox)
      steps.append((Self.settleOutbox, parameters))
    }
    steps += StatusPolls.request(Set(contradicted + kept).sorted(), at: context.clock.now())
    try events.commit(steps + extra, on: connection)
  }

  private func updateParameters() -> Parameters {
    let rows = changed.sorted().compactMap { messages[$0] }
    var p = Parameters()
    p.identifierArray(rows.map(\.message.id))
    p.int2Array(rows.map(\.message.status.code))
    p.boolArray(rows.map(\.isSettled))
    p.boolArray(rows.map(\.isContradicted))
    p.textArray(rows.map(\.message.error?.code))
    p.textArray(rows.map(\.message.error?.message))
    p.textArray(rows.map(\.accountSID))
    p.textArray(rows.map(\.message.providerSID))
    p.textArray(rows.map(\.message.from))
    p.int2Array(rows.map { $0.message.segments.map { Int16(clamping: $0.count) } })
    p.timestampArray(rows.map(\.message.sentAt))
    p.timestampArray(rows.map(\.message.deliveredAt))
    p.timestampArray(rows.map(\.message.readAt))
    p.textArray(rows.map(\.message.price?.amount))
    p.textArray(rows.map(\.message.price?.currency))
    p.int2Array(rows.map { Int16(clamping: $0.factRanks) })
    return p
  }

  private func historyParameters() -> Parameters {
    var p = Parameters()
    p.identifierArray(history.map(\.0))
    p.timestampArray(history.map(\.1.at))
    p.int2Array(history.map { $0.1.status?.code })
    p.textArray(history.map(\.1.providerStatus))
    p.textArray(history.map(\.1.source.rawValue))
    p.textArray(history.map { $0.1.errorCode ?? "" })
    p.textArray(history.map(\.1.errorMessage))
    p.textArray(utf8: history.map(\.2))
    return p
  }
}
