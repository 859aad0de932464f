// API keys: only a keyed hash of each is kept.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let insert = Statement(
    "insert_key",
    "INSERT INTO api_keys (id, name, hash, scopes, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)")

  private static let columns = "k.id, k.name, k.scopes, k.expires_at, k.last_used_at, k.created_at"

  private static let find = Statement(
    "key_by_hash",
    """
    SELECT k.hash, \(columns) FROM api_keys k
    WHERE k.hash = $1 AND (k.expires_at IS NULL OR k.expires_at > now())
    """)

  private static let byID = Statement("key_by_id", "SELECT \(columns) FROM api_keys k WHERE k.id = $1")

  private static let list = Statement("keys", "SELECT \(columns) FROM api_keys k ORDER BY k.id DESC LIMIT $1")

  private static let listAfter = Statement(
    "keys_after", "SELECT \(columns) FROM api_keys k WHERE k.id < $1 ORDER BY k.id DESC LIMIT $2")

  private static let lock = Statement(
    "lock_key", "SELECT \(columns) FROM api_keys k WHERE k.id = $1 FOR UPDATE")

  /// The notification goes out with the commit: who hears it finds the key gone.
  private static let revoke = Statement(
    "revoke_key",
    """
    WITH gone AS (DELETE FROM api_keys WHERE id = $1 RETURNING id)
    SELECT pg_notify('\(APIKey.revocations)', gone.id::text) FROM gone
    """)

  private static let noteUse = Statement(
    "note_key_use",
    """
    UPDATE api_keys SET last_used_at = $2
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)
    """)

  public func createKey(_ key: APIKey, hash: [UInt8]) async throws {
    try await run { connection in
      var p = Parameters()
      p.identifier(key.id)
      p.text(key.name)
      p.bytes(hash)
      p.textArray(key.scopes.map(\.rawValue).sorted())
      p.timestamp(key.expiresAt)
      p.timestamp(key.createdAt)
      try connection.execute(Self.insert, p)
    }
  }

  public func key(hash: [UInt8]) async throws -> APIKey? {
    try await run { connection in
      var parameters = Parameters()
      parameters.bytes(hash)
      return try connection.execute(Self.find, parameters).first.flatMap { row in
        var reader = ColumnReader(row)
        // The index compares byte by byte and may tell by its time how far it came; of a keyed hash that says nothing
        // about the key. What decides takes the same time for any two.
        guard Self.areEqual(try reader.bytes(), hash) else { return nil }
        return try APIKey(&reader)
      }
    }
  }

  private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }

  public func key(_ id: Identifier) async throws -> APIKey? {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      return try connection.execute(Self.byID, parameters).first.map { row in
        var reader = ColumnReader(row)
        return try APIKey(&reader)
      }
    }
  }

  public func keys(page: PageRequest) async throws -> Page<APIKey> {
    try await run { connection in
      var parameters = Parameters()
      if let cursor = page.cursor { parameters.identifier(cursor.id) }
      parameters.int8(Int64(page.limit + 1))
      let keys = try connection.execute(page.cursor == nil ? Self.list : Self.listAfter, parameters).map { row in
        var reader = ColumnReader(row)
        return try APIKey(&reader)
      }
      let shown = Array(keys.prefix(page.limit))
      return Page(items: shown, next: keys.count > page.limit ? shown.last.map { PageCursor(id: $0.id) } : nil)
    }
  }

  public func revokeKey(_ id: Identifier, ifStill expected: APIKey?) async throws -> Bool {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      guard let expected else { return try !connection.execute(Self.revoke, parameters).isEmpty }
      // What is thrown or returned before the commit rolls back.
      let locked = try connection.pipeline([(.begin, Parameters()), (Self.lock, parameters)])[1]
      guard let row = locked.first else { return false }
      var reader = ColumnReader(row)
      guard try APIKey(&reader) == expected else { throw ResourceChanged() }
      return try !connection.pipeline([(Self.revoke, parameters), (.commit, Parameters())])[0].isEmpty
    }
  }

  public func noteKeyUse(_ id: Identifier, at now: Timestamp) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      parameters.timestamp(now)
      parameters.timestamp(now - APIKey.useNoted)
      try connection.execute(Self.noteUse, parameters)
    }
  }
}

extension APIKey {
  fileprivate init(_ reader: inout ColumnReader) throws {
    self.init(
      id: try reader.identifier(), name: try reader.text(),
      scopes: Set(try reader.textArray().compactMap { Scope(rawValue: $0) }), expiresAt: try reader.timestampOrNil(),
      lastUsedAt: try reader.timestampOrNil(), createdAt: try reader.timestamp())
  }
}
