// Finds, or makes, the contact and the conversation of each message of a batch.

import ChannelProtocol
import Postgres

/// The first steps of a unit of work that writes messages.
struct ConversationResolution {
  struct Request {
    var key: ConversationKey
    var channel: String?
    /// The name for a contact that is made now.
    var profileName: String?
    /// Further names of the contact on the channel.
    var aliases: [String] = []
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
      SELECT l.contact_id FROM contact_aliases l WHERE l.type = k.type AND l.alias = k.address LIMIT 1) l ON true
    LEFT JOIN LATERAL (
      SELECT c.* FROM contacts c WHERE c.id = coalesce(v.contact_id, a.contact_id, l.contact_id) LIMIT 1) c ON true
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
    var found = found
    let unknown = requests.indices.filter { found[$0].contact == nil }.map { (index: $0, request: requests[$0]) }
    for (index, contact) in try ContactAliases.contacts(of: unknown, on: connection) { found[index].contact = contact }
    let resolved = make(requests, found)
    let missing = resolved.indices.filter { resolved[$0].isNew }
    guard !missing.isEmpty || requests.contains(where: { !$0.aliases.isEmpty }) else { return resolved }
    let optedOut = try insert(missing, requests, resolved, on: connection)
    guard !optedOut.isEmpty else { return resolved }
    // Rare: who comes back after having been deleted is still opted out.
    return resolved.map { resolved in
      var resolved = resolved
      for index in resolved.contact.channels.indices
      where optedOut.contains(resolved.contact.channels[index].contactKey) {
        resolved.contact.channels[index].optedOut = true
      }
      return resolved
    }
  }

  private func make(_ requests: [Request], _ found: [Found]) -> [ResolvedConversation] {
    var newContacts: [ConversationKey: Contact] = [:]
    var resolved: [ResolvedConversation] = []
    resolved.reserveCapacity(requests.count)
    for (request, found) in zip(requests, found) {
      if let contact = found.contact, let id = found.conversationID {
        resolved.append(
          ResolvedConversation(key: request.key, id: id, contact: contact, channel: found.channel))
        continue
      }
      let address = request.key.address
      let channel = ContactChannel(
        id: clock.makeIdentifier(), type: address.type, address: address.value, optedOut: false, lastInboundAt: nil)
      var contact =
        found.contact ?? newContacts[request.key.contact]
        ?? Contact(
          id: clock.makeIdentifier(), name: request.profileName, channels: [channel], createdAt: request.at,
          updatedAt: request.at)
      let isAddressNew = !contact.channels.contains { $0.contactKey == request.key.contact }
      if isAddressNew {
        contact.channels.append(channel)
        contact.updatedAt = max(request.at, contact.updatedAt + .microseconds(1))
      }
      // The same person under several names in one batch is one contact all the same.
      if found.contact == nil || isAddressNew {
        for name in [request.key.contact] + request.aliasKeys { newContacts[name] = contact }
      }
      resolved.append(
        ResolvedConversation(
          key: request.key, id: clock.makeIdentifier(), contact: contact, channel: request.channel, isNew: true,
          isContactNew: found.contact == nil && contact.channels[0].id == channel.id, isAddressNew: isAddressNew))
    }
    guard resolved.contains(where: \.isAddressNew) else { return resolved }
    // What was resolved before the contact's last address was found has it too.
    let latest = Dictionary(resolved.map { ($0.contact.id, $0.contact) }, uniquingKeysWith: { $1 })
    return resolved.map { resolved in
      var resolved = resolved
      resolved.contact = latest[resolved.contact.id] ?? resolved.contact
      return resolved
    }
  }

  /// - Returns: the new addresses that the ledger knows as opted out.
  ///
  /// In key order, so that two nodes which make the same rows wait for each other in one direction only.
  private func insert(
    _ missing: [Int], _ requests: [Request], _ resolved: [ResolvedConversation], on connection: Connection
  ) throws -> Set<ConversationKey> {
    let conversations = missing.sorted { requests[$0].key.sortsBefore(requests[$1].key) }
    // One for each new address, though several conversations are made with it.
    var seen: Set<ConversationKey> = []
    let addresses = conversations.filter {
      resolved[$0].isContactChanged && seen.insert(resolved[$0].key.contact).inserted
    }
    let contacts = addresses.filter { resolved[$0].isContactNew }.map { resolved[$0].contact }
    let joined = addresses.filter { resolved[$0].isAddressNew }.map { resolved[$0] }
    var steps: [(Statement, Parameters)] = []
    if !contacts.isEmpty { steps.append(peopleStep(contacts)) }
    if !joined.isEmpty {
      steps.append(ContactAliases.touching(joined.map(\.contact)))
    }
    if !addresses.isEmpty { steps.append(channelsStep(addresses, requests, resolved)) }
    let channelsAnswer = steps.count - 1
    if !conversations.isEmpty {
      steps.append((Self.insertConversations, conversationParameters(conversations, requests, resolved)))
    }
    if let step = ContactAliases.step(zip(requests, resolved).map { ($0, $1.contact.id) }) { steps.append(step) }
    let answers = try makeRows(steps, on: connection)
    guard !addresses.isEmpty else { return [] }
    return Set(
      try answers[channelsAnswer].filter { try $0.bool(2) }.map {
        ConversationKey(address: Address(type: ChannelType(try $0.text(0)), value: try $0.text(1)), line: "")
      })
  }

  private func makeRows(_ steps: [(Statement, Parameters)], on connection: Connection) throws -> [Rows] {
    do throws(PostgresError) {
      return try connection.pipeline(steps)
    } catch {
      // Another node made the same contact or conversation first, or the contact was deleted meanwhile: no fault of
      // the message, so the lane must not take it for bad data.
      let isLostRace = error.sqlState == .uniqueViolation || error.sqlState == .foreignKeyViolation
      throw isLostRace ? unitIsStale("a contact or conversation changed while one like it was made") : error
    }
  }

  private static let insertContacts = Statement(
    "insert_contacts",
    """
    INSERT INTO contacts (id, name, created_at, updated_at, types, addresses)
    SELECT n.id, n.name, n.at, n.at, string_to_array(n.types, E'\\x01'), n.addresses
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[]) AS n(id, name, at, types, addresses)
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

  private static func byBytes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  private func peopleStep(_ contacts: [Contact]) -> (Statement, Parameters) {
    var people = Parameters()
    people.identifierArray(contacts.map(\.id))
    people.textArray(contacts.map(\.name))
    people.timestampArray(contacts.map(\.createdAt))
    // As the triggers on their addresses would write it (migration 32): they find nothing left to do.
    people.textArray(
      contacts.map { Set($0.channels.map(\.type.rawValue)).sorted(by: Self.byBytes).joined(separator: "\u{1}") })
    people.textArray(
      contacts.map { $0.channels.sorted { $0.id < $1.id }.map(\.address).joined(separator: "\u{1}") })
    return (Self.insertContacts, people)
  }

  private func channelsStep(
    _ indices: [Int], _ requests: [Request], _ resolved: [ResolvedConversation]
  ) -> (Statement, Parameters) {
    var parameters = Parameters()
    parameters.identifierArray(
      indices.map { index in
        // Never nil: what is made here is a contact with this address.
        resolved[index].contact.channels.first { $0.contactKey == requests[index].key.contact }?.id
          ?? clock.makeIdentifier()
      })
    parameters.identifierArray(indices.map { resolved[$0].contact.id })
    parameters.textArray(indices.map { requests[$0].key.address.type.rawValue })
    parameters.textArray(indices.map { requests[$0].key.address.value })
    parameters.textArray(indices.map { requests[$0].profileName })
    parameters.timestampArray(indices.map { requests[$0].at })
    return (Self.insertContactChannels, parameters)
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

extension ContactChannel {
  /// What names its owner.
  fileprivate var contactKey: ConversationKey {
    ConversationKey(address: Address(type: type, value: address), line: "")
  }
}

extension ConversationResolution.Request {
  fileprivate var aliasKeys: [ConversationKey] {
    aliases.map { ConversationKey(address: Address(type: key.address.type, value: $0), line: "") }
  }
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
