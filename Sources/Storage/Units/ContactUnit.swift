// What every change of a contact begins and ends with.

import ChannelProtocol
import Postgres

/// The steps that units on contacts share. The order of their locks is the schema's: contacts, then conversations, then
/// what belongs to them, each by id.
struct ContactUnit {
  let context: WriteContext
  let connection: Connection
  var events: EventBatch

  init(_ context: WriteContext, on connection: Connection) {
    self.context = context
    self.connection = connection
    events = EventBatch(context)
  }

  private static let lock = Statement(
    "lock_contacts", "SELECT id FROM contacts WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE")

  /// Begins the transaction. Nobody adds a conversation to the contacts until it ends.
  /// - Returns: those that are there.
  func begin(locking ids: [Identifier]) throws -> Set<Identifier> {
    var parameters = Parameters()
    parameters.identifierArray(ids)
    return Set(
      try connection.pipeline([(.begin, Parameters()), (Self.lock, parameters)])[1].map { Identifier(try $0.uuid(0)) })
  }

  /// Ends the transaction without a change.
  func abandon<Outcome>(_ outcome: Outcome) throws -> Outcome {
    try connection.execute(.rollback)
    return outcome
  }

  /// Goes on only where a contact, whose row is locked, is the one that the change was meant for.
  /// - Throws: ``ResourceChanged``, the transaction ended.
  func require(_ expected: Contact?) throws {
    guard let expected else { return }
    guard try contact(expected.id) == expected else { throw try abandon(ResourceChanged()) }
  }

  private func contact(_ id: Identifier) throws -> Contact {
    var parameters = Parameters()
    parameters.identifier(id)
    var reader = ColumnReader(try connection.execute(Self.load, parameters).single())
    return try ContactRow.read(&reader)
  }

  // MARK: Addresses

  private static let owners = Statement(
    "owners_of_addresses",
    """
    SELECT k.type, k.address, h.contact_id FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(type, address, ord)
    CROSS JOIN LATERAL (
      SELECT h.contact_id FROM contact_channels h WHERE h.type = k.type AND h.address = k.address LIMIT 1) h
    ORDER BY k.ord
    """)

  /// The first of `addresses` that is somebody's.
  func firstTaken(_ addresses: [Address]) throws -> ContactOutcome? {
    guard !addresses.isEmpty else { return nil }
    var parameters = Parameters()
    parameters.textArray(addresses.map(\.type.rawValue))
    parameters.textArray(addresses.map(\.value))
    return try connection.execute(Self.owners, parameters).first.map { row in
      var reader = ColumnReader(row)
      let address = Address(type: ChannelType(try reader.text()), value: try reader.text())
      return .addressTaken(address, by: try reader.identifier())
    }
  }

  /// Who comes back after having been deleted is still opted out.
  private static let insertChannels = Statement(
    "add_contact_channels",
    """
    INSERT INTO contact_channels (id, contact_id, type, address, created_at, opted_out)
    SELECT n.id, $1, n.type, n.address, $5, \(OptOutLedger.isOptedOut("n.type", "n.address"))
    FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n(id, type, address)
    """)

  /// In key order, as the way in makes them.
  func insert(_ addresses: [Address], of contact: Identifier) throws {
    guard !addresses.isEmpty else { return }
    let sorted = addresses.sorted {
      $0.type == $1.type
        ? $0.value.utf8.lexicographicallyPrecedes($1.value.utf8) : $0.type.rawValue < $1.type.rawValue
    }
    var parameters = Parameters()
    parameters.identifier(contact)
    parameters.identifierArray(sorted.map { _ in context.clock.makeIdentifier() })
    parameters.textArray(sorted.map(\.type.rawValue))
    parameters.textArray(sorted.map(\.value))
    parameters.timestamp(context.clock.now())
    _ = try connection.execute(Self.insertChannels, parameters)
  }

  // MARK: Conversations that change hands

  private static let conversations = Statement(
    "lock_conversations_of_contacts",
    "SELECT v.id FROM conversations v WHERE v.contact_id = ANY ($1::uuid[]) ORDER BY v.id FOR UPDATE")

  /// Locks the contacts' conversations: nobody writes a message into them until the transaction ends.
  func lockConversations(of contacts: [Identifier]) throws -> [Identifier] {
    var parameters = Parameters()
    parameters.identifierArray(contacts)
    return try connection.execute(Self.conversations, parameters).map { Identifier(try $0.uuid(0)) }
  }

  private static let moveConversations = Statement(
    "move_conversations",
    "UPDATE conversations SET contact_id = $2, updated_at = greatest($3, updated_at) WHERE id = ANY ($1::uuid[])")

  private static let moveMessages = Statement(
    "move_messages", "UPDATE messages SET contact_id = $2 WHERE conversation_id = ANY ($1::uuid[])")

  /// Gives locked conversations, and the messages in them, to another contact.
  func move(_ conversations: [Identifier], to contact: Identifier) throws {
    guard !conversations.isEmpty else { return }
    var messages = Parameters()
    messages.identifierArray(conversations)
    messages.identifier(contact)
    var moved = messages
    moved.timestamp(context.clock.now())
    _ = try connection.pipeline([(Self.moveConversations, moved), (Self.moveMessages, messages)])
  }

  // MARK: Telling

  private static let touch = Statement(
    "touch_contact",
    "UPDATE contacts SET updated_at = greatest($2, updated_at + interval '1 microsecond') WHERE id = $1")

  /// Whoever remembers the contact must see that it has changed.
  func touch(_ contact: Identifier) throws {
    var parameters = Parameters()
    parameters.identifier(contact)
    parameters.timestamp(context.clock.now())
    _ = try connection.execute(Self.touch, parameters)
  }

  private static let load = Statement(
    "changed_contact", "SELECT \(ContactRow.columns) FROM contacts c \(ContactRow.channelsJoin) WHERE c.id = $1")

  /// Tells of a contact as it is now.
  mutating func announce(_ id: Identifier) throws -> Contact {
    let contact = try contact(id)
    events.append(.contactUpdated, at: context.clock.now(), conversation: nil, channel: nil) { contact.write(to: &$0) }
    return contact
  }

  /// Tells of conversations that have another contact now.
  mutating func announce(conversations ids: [Identifier]) throws {
    let now = context.clock.now()
    let conversations = try ConversationRows.load(ids, context: context.resources, on: connection)
    for id in ids {
      guard let conversation = conversations[id] else { continue }
      events.append(.conversationUpdated, at: now, conversation: id, channel: conversation.channel) {
        conversation.write(to: &$0, now: now)
      }
    }
  }

  /// Tells that a contact is no more.
  mutating func announceEnd(of id: Identifier, mergedInto survivor: Identifier?) {
    events.append(.contactDeleted, at: context.clock.now(), conversation: nil, channel: nil) { writer in
      writer.object { writer in
        writer.member("id", id)
        writer.member("mergedInto", survivor)
      }
    }
  }
}
