// API keys: only a keyed hash of each is kept.

import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let insert = Statement(
    "insert_key",
    "INSERT INTO api_keys (id, name, hash, scopes, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)")

  private static let find = Statement(
    "key_by_hash",
    """
    SELECT id, name, scopes, expires_at, created_at FROM api_keys
    WHERE hash = $1 AND (expires_at IS NULL OR expires_at > now())
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
      return try connection.execute(Self.find, parameters).first.map { row in
        var reader = ColumnReader(row)
        return APIKey(
          id: try reader.identifier(), name: try reader.text(),
          scopes: Set(try reader.textArray().compactMap { APIKey.Scope(rawValue: $0) }),
          expiresAt: try reader.timestampOrNil(), createdAt: try reader.timestamp())
      }
    }
  }
}
