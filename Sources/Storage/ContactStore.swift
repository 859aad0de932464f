// What the engine asks of its database about people.

public import ChannelProtocol

/// Changes contacts. Each change is one transaction with its events; what would take a lane long runs beside it.
public protocol ContactStore: Sendable {
  func createContact(_ contact: NewContact) async throws -> ContactOutcome
  /// Puts a name, attributes and labels in the place of those that were.
  /// - Parameter expected: compared under the contact's lock; nil: whatever it is.
  /// - Throws: ``ResourceChanged`` where the contact is another by now.
  func replaceContact(
    _ id: Identifier, with profile: ContactProfile, ifStill expected: Contact?
  ) async throws -> ContactOutcome
  func addContactChannel(_ address: Address, to contact: Identifier) async throws -> ContactOutcome
  /// Takes an address from a contact. What was said on it belongs to the address: where there are conversations, the
  /// address becomes a contact of its own with them, as it would have been without the first contact.
  /// - Throws: ``ResourceChanged`` where the contact is not `expected` any more.
  func removeContactChannel(
    _ channel: Identifier, from contact: Identifier, ifStill expected: Contact?
  ) async throws -> ContactOutcome
  /// `from` becomes a part of `contact`: its addresses, conversations and messages go over; a name, attributes and
  /// labels are added where there are none of that name.
  func mergeContact(_ from: Identifier, into contact: Identifier) async throws -> ContactOutcome
  /// Removes a contact, its conversations, messages and files. The ledger of opt-outs keeps what it knows. Files on the
  /// disk are put on the list of those that nobody needs.
  /// - Returns: whether there was such a contact.
  /// - Throws: ``ResourceChanged`` where the contact is not `expected` any more.
  func deleteContact(_ id: Identifier, ifStill expected: Contact?) async throws -> Bool
}

extension ContactStore {
  public func replaceContact(_ id: Identifier, with profile: ContactProfile) async throws -> ContactOutcome {
    try await replaceContact(id, with: profile, ifStill: nil)
  }

  public func removeContactChannel(
    _ channel: Identifier, from contact: Identifier
  ) async throws -> ContactOutcome {
    try await removeContactChannel(channel, from: contact, ifStill: nil)
  }

  public func deleteContact(_ id: Identifier) async throws -> Bool { try await deleteContact(id, ifStill: nil) }
}

/// What a client may say of a contact.
public struct ContactProfile: Sendable, Hashable {
  public var name: String?
  public var attributes: [String: JSONValue]
  public var labels: [String]

  public init(name: String? = nil, attributes: [String: JSONValue] = [:], labels: [String] = []) {
    self.name = name
    self.attributes = attributes
    self.labels = labels
  }
}

/// A contact to be made.
public struct NewContact: Sendable, Hashable {
  public var id: Identifier
  public var profile: ContactProfile
  public var addresses: [Address]

  public init(id: Identifier, profile: ContactProfile, addresses: [Address] = []) {
    self.id = id
    self.profile = profile
    self.addresses = addresses
  }
}

public enum ContactOutcome: Sendable, Hashable {
  /// The contact as it is now.
  case done(Contact)
  /// There is no such contact, or no such address of its.
  case notFound
  /// The address is a contact's already; it may be the same one.
  case addressTaken(Address, by: Identifier)
}
