// Finds, or makes, the contact and the conversation of each message of a batch.

import ChannelProtocol
import Postgres

/// What names a conversation: the contact's address and the line of ours it is held on.
struct ConversationKey: Hashable {
  var address: Address
  var line: String

  /// By byte, as the database compares: to Swift, texts in two normal forms are one.
  static func == (left: Self, right: Self) -> Bool {
    left.address.type == right.address.type && left.address.value.utf8.elementsEqual(right.address.value.utf8)
      && left.line.utf8.elementsEqual(right.line.utf8)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(address)
    hasher.combine(line)
  }

  /// What names the contact.
  var contact: ConversationKey { ConversationKey(address: address, line: "") }
}

/// A conversation as it stood when the unit began, or as it was just made.
struct ResolvedConversation {
  var key: ConversationKey
  var id: Identifier
  var contact: Contact
  var channel: String?
  var isNew = false
  var isContactNew = false
  /// Nobody has looked: the write has to check that it still stands.
  var isRemembered = false
}

/// The first steps of a unit of work that writes messages.
struct ConversationResolution {
  struct Request {
    var key: ConversationKey
    var channel: String?
    /// The name for a contact that is made now.
    var profileName: String?
    var at: Timestamp
  }

  let clock: any WallClock
  /// nil: everybody is looked up.
  let cache: ConversationCache?

  /// One result for each request, in order. Begins the transaction where somebody has to be looked up or made; what
  /// is remembered needs no transaction yet.
  func resolve(_ requests: [Request], on connection: Connection) throws -> [ResolvedConversation] {
    let remembered = cache?.entries(for: requests.map(\.key)) ?? requests.map { _ in nil }
    var slots: [ConversationKey: Int] = [:]
    var distinct: [Request] = []
    for (request, entry) in zip(requests, remembered) where entry == nil && slots[request.key] == nil {
      slots[request.key] = distinct.count
      distinct.append(request)
    }
    let looked =
      distinct.isEmpty ? [] : try makeMissing(distinct, try lookUp(distinct, on: connection), on: connection)
    return zip(requests, remembered).map { request, entry in
      if let slot = slots[request.key] { return looked[slot] }
      // Never nil: whoever is not remembered has a slot.
      guard let entry else { preconditionFailure("a conversation is neither remembered nor looked up") }
      return ResolvedConversation(
        key: request.key, id: entry.conversationID, contact: entry.contact, channel: entry.channel, isRemembered: true)
    }
  }

  private struct Found {
    var conversationID: Identifier?
    var channel: String?
    var contact: Contact?
  }

  /// `LATERAL … LIMIT 1`: a generic plan made on empty tables must stay an index lookup.
  private static let lookUp = Statement(
    "resolve_conversations",
    """
    SELECT v.id, v.channel, \(ContactRow.columns)
    FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k(type, address, line, ord)
    LEFT JOIN LATERAL (
      SELECT v.id, v.channel, v.contact_id FROM conversations v
      WHERE v.channel_type = k.type AND v.address = k.address AND v.line = k.line LIMIT 1) v ON true
    LEFT JOIN LATERAL (
      SELECT h.contact_id FROM contact_channels h WHERE h.type = k.type AND h.address = k.address LIMIT 1) a ON true
    LEFT JOIN LATERAL (
      SELECT c.* FROM contacts c WHERE c.id = coalesce(v.contact_id, a.contact_id) LIMIT 1) c ON true
    \(ContactRow.channelsJoin)
    ORDER BY k.ord
    """)

  private func lookUp(_ requests: [Request], on connection: Connection) throws -> [Found] {
    var parameters = Parameters()
    parameters.textArray(requests.map(\.key.address.type.rawValue))
    parameters.textArray(requests.map(\.key.address.value))
    parameters.textArray(requests.map(\.key.line))
    let rows = try connection.pipeline([(.begin, Parameters()), (Self.lookUp, parameters)])[1]
    return try rows.map { row in
      var reader = ColumnReader(row)
      var found = Found(conversationID: try reader.identifierOrNil(), channel: try reader.textOrNil())
      if try !reader.isNextNull { found.contact = try ContactRow.read(&reader) }
      return found
    }
  }

  private func makeMissing(
    _ requests: [Request], _ found: [Found], on connection: Connection
  ) throws -> [ResolvedConversation] {
    var newContacts: [ConversationKey: Contact] = [:]
    var resolved: [ResolvedConversation] = []
    resolved.reserveCapacity(requests.count)
    for (request, found) in zip(requests, found) {
      let address = request.key.address
      if let contact = found.contact, let id = found.conversationID {
        resolved.append(
          ResolvedConversation(key: request.key, id: id, contact: contact, channel: found.channel))
        continue
      }
      let contact =
        found.contact ?? newContacts[request.key.contact]
        ?? Contact(
          id: clock.makeIdentifier(), name: request.profileName,
          channels: [
            ContactChannel(
              id: clock.makeIdentifier(), type: address.type, address: address.value, optedOut: false,
              lastInboundAt: nil)
          ], createdAt: request.at, updatedAt: request.at)
      if found.contact == nil { newContacts[request.key.contact] = contact }
      resolved.append(
        ResolvedConversation(
          key: request.key, id: clock.makeIdentifier(), contact: contact, channel: request.channel, isNew: true,
          isContactNew: found.contact == nil))
    }
    let missing = resolved.indices.filter { resolved[$0].isNew }
    guard !missing.isEmpty else { return resolved }
    let optedOut = try insert(Array(newContacts.values), missing, requests, resolved, on: connection)
    // Rare: who comes back after having been deleted is still opted out.
    for index in resolved.indices where resolved[index].isContactNew && optedOut.contains(resolved[index].key.contact) {
      resolved[index].contact.channels[0].optedOut = true
    }
    return resolved
  }

  /// - Returns: the new contacts whose address the ledger knows as opted out.
  ///
  /// In key order, so that two nodes which make the same rows wait for each other in one direction only.
  private func insert(
    _ contacts: [Contact], _ missing: [Int], _ requests: [Request], _ resolved: [ResolvedConversation],
    on connection: Connection
  ) throws -> Set<ConversationKey> {
    let contacts = contacts.sorted { $0.firstAddress.sortsBefore($1.firstAddress) }
    let conversations = missing.sorted { requests[$0].key.sortsBefore(requests[$1].key) }
    var steps = contacts.isEmpty ? [] : insert(contacts)
    steps.append((Self.insertConversations, conversationParameters(conversations, requests, resolved)))
    let answers: [Rows]
    do throws(PostgresError) {
      answers = try connection.pipeline(steps)
    } catch {
      // Another node made the same contact or conversation first, or the contact was deleted meanwhile: no fault of
      // the message, so the lane must not take it for bad data.
      let isLostRace = error.sqlState == .uniqueViolation || error.sqlState == .foreignKeyViolation
      throw isLostRace ? unitIsStale("a contact or conversation changed while one like it was made") : error
    }
    guard !contacts.isEmpty else { return [] }
    return Set(
      try answers[1].filter { try $0.bool(2) }.map {
        ConversationKey(address: Address(type: ChannelType(try $0.text(0)), value: try $0.text(1)), line: "")
      })
  }

  private static let insertContacts = Statement(
    "insert_contacts",
    """
    INSERT INTO contacts (id, name, created_at, updated_at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $3::timestamptz[])
    """)

  private static let insertContactChannels = Statement(
    "insert_contact_channels",
    """
    INSERT INTO contact_channels (id, contact_id, type, address, profile_name, created_at, opted_out)
    SELECT n.*, \(OptOutLedger.isOptedOut("n.type", "n.address"))
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
      AS n(id, contact_id, type, address, profile_name, created_at)
    RETURNING type, address, opted_out
    """)

  private func insert(_ contacts: [Contact]) -> [(Statement, Parameters)] {
    var people = Parameters()
    people.identifierArray(contacts.map(\.id))
    people.textArray(contacts.map(\.name))
    people.timestampArray(contacts.map(\.createdAt))
    var channels = Parameters()
    channels.identifierArray(contacts.map { $0.channels[0].id })
    channels.identifierArray(contacts.map(\.id))
    channels.textArray(contacts.map { $0.channels[0].type.rawValue })
    channels.textArray(contacts.map { $0.channels[0].address })
    channels.textArray(contacts.map(\.name))
    channels.timestampArray(contacts.map(\.createdAt))
    return [(Self.insertContacts, people), (Self.insertContactChannels, channels)]
  }

  private static let insertConversations = Statement(
    "insert_conversations",
    """
    INSERT INTO conversations
      (id, contact_id, channel, channel_type, address, line, last_activity_at, created_at, updated_at)
    SELECT id, contact_id, channel, channel_type, address, line, at, at, at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
      AS n(id, contact_id, channel, channel_type, address, line, at)
    """)

  private func conversationParameters(
    _ indices: [Int], _ requests: [Request], _ resolved: [ResolvedConversation]
  ) -> Parameters {
    var parameters = Parameters()
    parameters.identifierArray(indices.map { resolved[$0].id })
    parameters.identifierArray(indices.map { resolved[$0].contact.id })
    parameters.textArray(indices.map { requests[$0].channel })
    parameters.textArray(indices.map { requests[$0].key.address.type.rawValue })
    parameters.textArray(indices.map { requests[$0].key.address.value })
    parameters.textArray(indices.map { requests[$0].key.line })
    parameters.timestampArray(indices.map { requests[$0].at })
    return parameters
  }
}

extension Contact {
  /// The address that a contact made by us begins with.
  fileprivate var firstAddress: Address { Address(type: channels[0].type, value: channels[0].address) }
}

extension Address {
  fileprivate func sortsBefore(_ other: Address) -> Bool {
    if type != other.type { return type.rawValue < other.type.rawValue }
    return value.utf8.lexicographicallyPrecedes(other.value.utf8)
  }
}

extension ConversationKey {
  fileprivate func sortsBefore(_ other: ConversationKey) -> Bool {
    if address != other.address { return address.sortsBefore(other.address) }
    return line.utf8.lexicographicallyPrecedes(other.line.utf8)
  }
}
