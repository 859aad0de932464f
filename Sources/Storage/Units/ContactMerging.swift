// One person who was taken for two, and two who were taken for one.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let absorb = Statement(
    "absorb_contact",
    """
    UPDATE contacts c SET
      name = coalesce(c.name, f.name), attributes = f.attributes || c.attributes,
      labels = c.labels || ARRAY(SELECT l FROM unnest(f.labels) AS l WHERE l <> ALL (c.labels)),
      updated_at = greatest($3, c.updated_at + interval '1 microsecond')
    FROM contacts f WHERE c.id = $1 AND f.id = $2
    """)

  private static let moveChannels = Statement(
    "move_contact_channels", "UPDATE contact_channels SET contact_id = $1 WHERE contact_id = $2")

  private static let moveAliases = Statement(
    "move_contact_aliases", "UPDATE contact_aliases SET contact_id = $1 WHERE contact_id = $2")

  private static let remove = Statement("remove_merged_contact", "DELETE FROM contacts WHERE id = $1")

  public func mergeContact(_ from: Identifier, into contact: Identifier) async throws -> ContactOutcome {
    let writing = writing
    return try await runUnit { connection in
      var unit = ContactUnit(writing, on: connection)
      let found = try unit.begin(locking: [from, contact])
      guard found.count == 2 else { return try unit.abandon(.notFound) }
      let conversations = try unit.lockConversations(of: [from])
      var both = Parameters()
      both.identifier(contact)
      both.identifier(from)
      var absorbing = both
      absorbing.timestamp(writing.clock.now())
      _ = try connection.pipeline([(Self.absorb, absorbing), (Self.moveChannels, both), (Self.moveAliases, both)])
      try unit.move(conversations, to: contact)
      var gone = Parameters()
      gone.identifier(from)
      _ = try connection.execute(Self.remove, gone)
      let survivor = try unit.announce(contact)
      unit.announceEnd(of: from, mergedInto: contact)
      try unit.announce(conversations: conversations)
      try unit.events.commit(on: connection)
      return .done(survivor)
    }
  }

  private static let channel = Statement(
    "contact_channel", "SELECT type, address, profile_name FROM contact_channels WHERE id = $1 AND contact_id = $2")

  private static let conversationsOfAddress = Statement(
    "lock_conversations_of_address",
    "SELECT v.id FROM conversations v WHERE v.channel_type = $1 AND v.address = $2 ORDER BY v.id FOR UPDATE")

  private static let removeChannel = Statement("remove_contact_channel", "DELETE FROM contact_channels WHERE id = $1")

  fileprivate static let giveChannel = Statement(
    "give_contact_channel", "UPDATE contact_channels SET contact_id = $2 WHERE id = $1")

  fileprivate static let insertOwner = Statement(
    "create_split_contact", "INSERT INTO contacts (id, name, created_at, updated_at) VALUES ($1, $2, $3, $3)")

  public func removeContactChannel(
    _ channel: Identifier, from contact: Identifier, ifStill expected: Contact?
  ) async throws -> ContactOutcome {
    let writing = writing
    return try await runUnit { connection in
      var unit = ContactUnit(writing, on: connection)
      guard try unit.begin(locking: [contact]).contains(contact) else { return try unit.abandon(.notFound) }
      try unit.require(expected)
      var known = Parameters()
      known.identifier(channel)
      known.identifier(contact)
      guard let row = try connection.execute(Self.channel, known).first else { return try unit.abandon(.notFound) }
      var reader = ColumnReader(row)
      var address = Parameters()
      address.text(try reader.text())
      address.text(try reader.text())
      let profileName = try reader.textOrNil()
      let conversations = try connection.execute(Self.conversationsOfAddress, address).map {
        Identifier(try $0.uuid(0))
      }
      if conversations.isEmpty {
        var gone = Parameters()
        gone.identifier(channel)
        _ = try connection.execute(Self.removeChannel, gone)
      } else {
        try unit.split(channel, named: profileName, with: conversations)
      }
      try unit.touch(contact)
      let left = try unit.announce(contact)
      try unit.announce(conversations: conversations)
      try unit.events.commit(on: connection)
      return .done(left)
    }
  }
}

extension ContactUnit {
  /// Makes a contact of an address and the conversations on it.
  fileprivate mutating func split(
    _ channel: Identifier, named name: String?, with conversations: [Identifier]
  ) throws {
    let owner = context.clock.makeIdentifier()
    var new = Parameters()
    new.identifier(owner)
    new.text(name)
    new.timestamp(context.clock.now())
    var given = Parameters()
    given.identifier(channel)
    given.identifier(owner)
    _ = try connection.pipeline([
      (PostgresMessageStore.insertOwner, new), (PostgresMessageStore.giveChannel, given),
    ])
    try move(conversations, to: owner)
    _ = try announce(owner)
  }
}
