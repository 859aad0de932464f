// Contacts are made and changed by the API.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let insert = Statement(
    "create_contact",
    """
    INSERT INTO contacts (id, name, attributes, labels, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT DO NOTHING
    """)

  public func createContact(_ contact: NewContact) async throws -> ContactOutcome {
    let writing = writing
    return try await runUnit { connection in
      var unit = ContactUnit(writing, on: connection)
      // There already: an earlier run of this unit committed, and its answer was lost.
      guard try unit.begin(locking: [contact.id]).isEmpty else { return try unit.finish(contact.id) }
      if let taken = try unit.firstTaken(contact.addresses) { return try unit.abandon(taken) }
      var parameters = contact.profile.parameters(of: contact.id)
      parameters.timestamp(writing.clock.now())
      _ = try connection.execute(Self.insert, parameters)
      try unit.insert(contact.addresses, of: contact.id)
      return try unit.finish(contact.id)
    }
  }

  private static let replace = Statement(
    "replace_contact",
    """
    UPDATE contacts SET name = $2, attributes = $3, labels = $4,
      updated_at = greatest($5, updated_at + interval '1 microsecond')
    WHERE id = $1
    """)

  public func replaceContact(
    _ id: Identifier, with profile: ContactProfile, ifStill expected: Contact?
  ) async throws -> ContactOutcome {
    let writing = writing
    return try await runUnit { connection in
      var unit = ContactUnit(writing, on: connection)
      guard try unit.begin(locking: [id]).contains(id) else { return try unit.abandon(.notFound) }
      try unit.require(expected)
      var parameters = profile.parameters(of: id)
      parameters.timestamp(writing.clock.now())
      _ = try connection.execute(Self.replace, parameters)
      return try unit.finish(id)
    }
  }

  public func addContactChannel(_ address: Address, to contact: Identifier) async throws -> ContactOutcome {
    let writing = writing
    return try await runUnit { connection in
      var unit = ContactUnit(writing, on: connection)
      guard try unit.begin(locking: [contact]).contains(contact) else { return try unit.abandon(.notFound) }
      if let taken = try unit.firstTaken([address]) { return try unit.abandon(taken) }
      try unit.insert([address], of: contact)
      try unit.touch(contact)
      return try unit.finish(contact)
    }
  }
}

extension ContactUnit {
  /// Tells of the contact and commits.
  fileprivate mutating func finish(_ id: Identifier) throws -> ContactOutcome {
    let contact = try announce(id)
    try events.commit(on: connection)
    context.unsorted.add(1)
    return .done(contact)
  }
}

extension ContactProfile {
  /// `$1` to `$4` of the statements that write a contact.
  func parameters(of id: Identifier) -> Parameters {
    var parameters = Parameters()
    parameters.identifier(id)
    parameters.text(name)
    parameters.jsonb(StoredJSON.text(.object(attributes)))
    parameters.textArray(labels)
    return parameters
  }
}
