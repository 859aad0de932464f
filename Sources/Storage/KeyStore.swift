// What the engine asks of its database about API keys.

public import ChannelProtocol

/// Keeps API keys by a keyed hash; the text of a key is nowhere.
public protocol KeyStore: Sendable {
  func createKey(_ key: APIKey, hash: [UInt8]) async throws
  /// The key with this hash; nil where there is none, or its time is over.
  func key(hash: [UInt8]) async throws -> APIKey?
  /// The key with this id, whether its time is over or not.
  func key(_ id: Identifier) async throws -> APIKey?
  /// Newest first, those whose time is over as well.
  func keys(page: PageRequest) async throws -> Page<APIKey>
  /// Removes a key and tells every node. Returns false where there is none.
  /// - Parameter expected: compared under the key's lock; nil: whatever it is.
  /// - Throws: ``ResourceChanged`` where the key is another by now.
  func revokeKey(_ id: Identifier, ifStill expected: APIKey?) async throws -> Bool
  /// Notes a use, unless one was noted within the last minute.
  func noteKeyUse(_ id: Identifier, at now: Timestamp) async throws
}

extension KeyStore {
  /// Removes a key, whatever it is by now.
  public func revokeKey(_ id: Identifier) async throws -> Bool { try await revokeKey(id, ifStill: nil) }
}

/// A key to the API; its text is not kept, only a keyed hash of it.
public struct APIKey: Sendable, Hashable {
  public var id: Identifier
  public var name: String
  public var scopes: Set<Scope>
  public var expiresAt: Timestamp?
  /// To the minute.
  public var lastUsedAt: Timestamp?
  public var createdAt: Timestamp

  public enum Scope: String, Sendable, Hashable, CaseIterable { case read, send, manage }

  public init(
    id: Identifier, name: String, scopes: Set<Scope>, expiresAt: Timestamp? = nil, lastUsedAt: Timestamp? = nil,
    createdAt: Timestamp
  ) {
    self.id = id
    self.name = name
    self.scopes = scopes
    self.expiresAt = expiresAt
    self.lastUsedAt = lastUsedAt
    self.createdAt = createdAt
  }

  /// How long a use stands before the next one is noted.
  public static let useNoted = Duration.seconds(60)

  /// The PostgreSQL channel that names each key which was taken back.
  public static let revocations = "fractal_keys"

  /// Writes the Key resource of `API.md`; `members` may add the key's text.
  public func write(to writer: inout JSONWriter, members: (inout JSONWriter) -> Void = { _ in }) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
      writer.member("scopes", .array(Scope.allCases.filter(scopes.contains).map { .string($0.rawValue) }))
      writer.member("expiresAt", expiresAt)
      writer.member("lastUsedAt", lastUsedAt)
      writer.member("createdAt", createdAt)
      members(&writer)
    }
  }
}
