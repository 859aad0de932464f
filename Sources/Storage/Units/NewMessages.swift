// Inserts the messages of a batch, moves their conversations on, and tells of it: the unit's writing half.

import ChannelProtocol
import Postgres

/// A message to insert, resolved.
struct NewMessage {
  var message: Message
  var accountSID: String?
  var validFor: Int?
  /// Where the message's files are; the gateway fetches, or hands out, from there.
  var mediaSources: [String]
  var raw: [UInt8]?
  var conversation: ResolvedConversation
}

/// What is written of one conversation that got messages.
struct TouchedConversation {
  var id: Identifier
  var channel: String?
  var isArchived: Bool
  var unreadCount: Int
  var lastInboundAt: Timestamp?
  var createdAt: Timestamp
  var updatedAt: Timestamp
  /// The contact's, as the writing statement found it.
  var contactUpdatedAt: Timestamp
  /// Those of its messages that were not there before, the newest first.
  var inserted: [Identifier]
}

struct NewMessages {
  let context: WriteContext
  let cache: ConversationCache?
  /// The provider's messages as they usually are: all of them new. One that is not fails the statement, and the unit
  /// is run again without this trust.
  let trustsNew: Bool

  /// Writes `messages`, their files and their events, and commits.
  ///
  /// - Parameters:
  ///   - optOuts: what the messages say of their senders, by message.
  ///   - extra: further steps, given the messages that were not there before and their conversations.
  /// - Returns: the ids of those messages.
  func write(
    _ messages: [NewMessage], as type: EventType, optOuts: [OptOutChange] = [], on connection: Connection,
    extra: (Set<Identifier>, [TouchedConversation]) -> [(Statement, Parameters)] = { _, _ in [] }
  ) throws -> Set<Identifier> {
    var groups = ConversationGroups(messages)
    guard trustsNew else {
      let touched = try insert(messages, on: connection)
      return try tell(messages, &groups, touched, as: type, optOuts, on: connection, extra)
    }
    let isOpen = connection.isInTransaction
    return try connection.unit { unit in
      if !isOpen { try unit.send(.begin) }
      // The server moves the conversations while the messages are made ready for it, and writes those while their events
      // are: it is never without work.
      let touch = try unit.send(
        NewMessageStatements.touch, NewMessageStatements.touchParameters(groups.groups, in: groups.byID, messages))
      try unit.flush()
      try unit.send(
        NewMessageStatements.insertInbound,
        NewMessageStatements.inboundParameters(messages, in: Self.sorted(messages)))
      try unit.flush()
      let json = messages.map { BatchAnnouncement.json($0.message) }
      let touched = try unit.answer(to: touch).map { row in
        var reader = ColumnReader(row)
        var touched = try TouchedConversation(&reader)
        touched.inserted = groups[touched.id]?.members.map { messages[$0].message.id }.sorted(by: >) ?? []
        return touched
      }
      // One that is not there any more, or is another contact's: deleted, merged or split since somebody looked.
      if touched.count < groups.groups.count { throw conversationIsGone() }
      if !optOuts.isEmpty || !stale(groups, touched).isEmpty {
        // There is something to look up first.
        try unit.finish()
      }
      return try tell(messages, &groups, touched, json: json, as: type, optOuts, on: connection, in: unit, extra)
    }
  }

  /// Tells of what was written, and commits.
  private func tell(
    _ messages: [NewMessage], _ groups: inout ConversationGroups, _ touched: [TouchedConversation],
    json: [[UInt8]]? = nil, as type: EventType, _ optOuts: [OptOutChange], on connection: Connection,
    in unit: Pipeline? = nil, _ extra: (Set<Identifier>, [TouchedConversation]) -> [(Statement, Parameters)]
  ) throws -> Set<Identifier> {
    let inserted = touched.reduce(into: Set<Identifier>(minimumCapacity: messages.count)) { $0.formUnion($1.inserted) }
    try checkNoneIsAstray(messages, inserted, on: connection)
    if touched.contains(where: { isBereft(groups[$0.id]?.conversation, $0) }) { throw conversationIsGone() }
    try refreshContacts(&groups, touched, on: connection)
    var events = EventBatch(context)
    let changed = try OptOutLedger.record(
      optOuts.filter { $0.messageID.map { inserted.contains($0) } ?? true }, context: context, to: &events,
      on: connection)
    for contact in changed { groups.replace(contact) }
    var announcement = BatchAnnouncement(
      context: context, messages: messages, groups: groups, touched: touched, json: json)
    let entries = announcement.append(as: type, to: &events)
    let media = mediaSteps(
      messages.indices.filter { !messages[$0].message.media.isEmpty }.map { messages[$0] }.filter {
        inserted.contains($0.message.id)
      })
    let steps = media + extra(inserted, touched)
    if let unit, !unit.isFinished {
      try events.commit(steps, in: unit)
    } else {
      try events.commit(steps, on: connection)
    }
    context.unsorted.add(inserted.count)
    cache?.remember(entries)
    // They have moved on since the statement that wrote the messages.
    if !changed.isEmpty { cache?.forget(entries.map(\.key)) }
    return inserted
  }

  /// By the provider's ids, so that two nodes wait for each other in one direction only.
  private static func sorted(_ messages: [NewMessage]) -> [Int] {
    messages.indices.sorted { left, right in
      guard let leftSID = messages[left].message.providerSID, let rightSID = messages[right].message.providerSID else {
        return messages[left].message.id < messages[right].message.id
      }
      return leftSID.utf8.lexicographicallyPrecedes(rightSID.utf8)
    }
  }

  private func insert(_ messages: [NewMessage], on connection: Connection) throws -> [TouchedConversation] {
    let begin = connection.isInTransaction ? [] : [(Statement.begin, Parameters())]
    let parameters = NewMessageStatements.parameters(messages, in: Self.sorted(messages))
    // What may be there already may be on its way in on another node, too, whose unit has the conversations first.
    let locks = messages.contains { $0.message.providerSID != nil } ? [NewMessageStatements.locking(messages)] : []
    let answers = try connection.pipeline(begin + locks + [(NewMessageStatements.insert, parameters)])
    return try answers[begin.count + locks.count].map { row in
      var reader = ColumnReader(row)
      var touched = try TouchedConversation(&reader)
      touched.inserted = try reader.identifierArray()
      return touched
    }
  }

  private static let astray = Statement(
    "find_astray_messages",
    """
    SELECT count(*) FROM messages m WHERE m.id = ANY ($1::uuid[]) AND (
      SELECT v.id FROM conversations v WHERE v.id = m.conversation_id AND v.contact_id = m.contact_id LIMIT 1) IS NULL
    """)

  /// A message in no touched conversation was there before, or its conversation or contact went away (deleted,
  /// merged) between our reading and our writing: then the unit starts again.
  private func checkNoneIsAstray(
    _ messages: [NewMessage], _ inserted: Set<Identifier>, on connection: Connection
  ) throws {
    guard inserted.count < messages.count else { return }
    let missing = messages.map(\.message.id).filter { !inserted.contains($0) }
    var parameters = Parameters()
    parameters.identifierArray(missing)
    guard try connection.execute(Self.astray, parameters).single().int8(0) == 0 else {
      throw conversationIsGone()
    }
  }

  private func conversationIsGone() -> PostgresError {
    unitIsStale("a conversation changed while messages were written into it")
  }

  /// Whether a conversation was made for a contact that may have lost the address meanwhile: nobody has locked the contact
  /// until the conversation was made.
  private func isBereft(_ conversation: ResolvedConversation?, _ touched: TouchedConversation) -> Bool {
    guard let conversation, conversation.isNew, !conversation.isContactChanged else { return false }
    return conversation.contact.updatedAt != touched.contactUpdatedAt
  }

  /// Those that were remembered and whose contacts have changed since.
  private func stale(_ groups: ConversationGroups, _ touched: [TouchedConversation]) -> [ResolvedConversation] {
    touched.compactMap { touched in
      guard let conversation = groups[touched.id]?.conversation, conversation.isRemembered,
        conversation.contact.updatedAt != touched.contactUpdatedAt
      else { return nil }
      return conversation
    }
  }

  private static let contacts = Statement(
    "reload_contacts",
    "SELECT \(ContactRow.columns) FROM contacts c \(ContactRow.channelsJoin) WHERE c.id = ANY ($1::uuid[])")

  /// Reads those contacts again that were remembered and have changed since.
  private func refreshContacts(
    _ groups: inout ConversationGroups, _ touched: [TouchedConversation], on connection: Connection
  ) throws {
    let stale = stale(groups, touched)
    guard !stale.isEmpty else { return }
    cache?.forget(stale.map(\.key))
    var parameters = Parameters()
    parameters.identifierArray(stale.map(\.contact.id))
    for row in try connection.execute(Self.contacts, parameters) {
      var reader = ColumnReader(row)
      let contact = try ContactRow.read(&reader)
      groups.replace(contact)
    }
  }

  private static let insertMedia = Statement(
    "insert_media",
    """
    INSERT INTO media (id, message_id, position, state, content_type, size, filename, provider_url, account_sid,
      created_at)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::text[], $5::text[], $6::int8[], $7::text[],
      $8::text[], $9::text[], $10::timestamptz[])
    """)

  /// The step that keeps the files of `messages`, where they have any.
  private func mediaSteps(_ messages: [NewMessage]) -> [(Statement, Parameters)] {
    let items = messages.flatMap { new in
      zip(new.message.media, new.mediaSources).enumerated().map { (new, $0.offset, $0.element.0, $0.element.1) }
    }
    guard !items.isEmpty else { return [] }
    var p = Parameters()
    p.identifierArray(items.map(\.2.id))
    p.identifierArray(items.map(\.0.message.id))
    p.int2Array(items.map { Int16(clamping: $0.1) })
    p.textArray(items.map(\.2.state.rawValue))
    p.textArray(items.map(\.2.contentType))
    p.int8Array(items.map { $0.2.size.map { Int64($0) } })
    p.textArray(items.map(\.2.filename))
    p.textArray(items.map(\.3))
    p.textArray(items.map(\.0.accountSID))
    p.timestampArray(items.map(\.0.message.createdAt))
    return [(Self.insertMedia, p)]
  }
}

extension TouchedConversation {
  /// Reads what ``NewMessageStatements/returning`` names.
  fileprivate init(_ reader: inout ColumnReader) throws {
    self.init(
      id: try reader.identifier(), channel: try reader.textOrNil(), isArchived: try reader.bool(),
      unreadCount: try reader.int4(), lastInboundAt: try reader.timestampOrNil(), createdAt: try reader.timestamp(),
      updatedAt: try reader.timestamp(), contactUpdatedAt: try reader.timestamp(), inserted: [])
  }
}
