// Files that have been kept for long enough, and what they leave on the disk.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let announce = Statement(
    "announce_file",
    "INSERT INTO discarded_files (id, due_at) VALUES ($1, now() + make_interval(secs => $2))")

  public func announceFile(_ id: Identifier, removedAfter delay: Duration) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      parameters.double(delay.inSeconds)
      try connection.execute(Self.announce, parameters)
    }
  }

  /// A message names an upload by its id's text.
  private static let isUnused = """
    NOT EXISTS (
      SELECT FROM media f
      WHERE f.provider_url = u.id::text AND f.message_id IS NOT NULL AND length(f.provider_url) = 36)
    """

  /// Of several nodes that look at once, each takes others; what a message is about to use is locked by its queueing.
  private static let lockUploads = Statement(
    "lock_unused_uploads",
    """
    SELECT u.id FROM media u
    WHERE u.message_id IS NULL AND u.created_at < now() - make_interval(secs => $1) AND \(isUnused)
    ORDER BY u.created_at LIMIT $2 FOR UPDATE SKIP LOCKED
    """)

  /// A statement sees what was committed before it began: a message that took the upload while it was being looked for
  /// is seen by this one, and no other can take it any more.
  private static let removeUploads = Statement(
    "remove_unused_uploads", "DELETE FROM media u WHERE u.id = ANY ($1::uuid[]) AND \(isUnused) RETURNING 1")

  public func removeUnusedUploads(olderThan age: Duration, limit: Int) async throws -> Int {
    try await run { connection in
      try connection.transaction { connection in
        var parameters = Parameters()
        parameters.double(age.inSeconds)
        parameters.int8(Int64(limit))
        let found = try connection.execute(Self.lockUploads, parameters).map { Identifier(try $0.uuid(0)) }
        guard !found.isEmpty else { return 0 }
        var ids = Parameters()
        ids.identifierArray(found)
        return try connection.execute(Self.removeUploads, ids).count
      }
    }
  }

  private static let expire = Statement(
    "expire_media",
    """
    UPDATE media SET state = 'failed', place = NULL, bytes = NULL, error = 'expired: It was kept for as long as files are.'
    WHERE id = ANY (ARRAY(
      SELECT id FROM media WHERE place IN ('database', 'disk') AND created_at < now() - make_interval(secs => $1)
      ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING 1
    """)

  public func expireMedia(olderThan age: Duration, limit: Int) async throws -> Int {
    try await count(Self.expire, age, limit)
  }

  private func count(_ statement: Statement, _ age: Duration, _ limit: Int) async throws -> Int {
    try await run { connection in
      var parameters = Parameters()
      parameters.double(age.inSeconds)
      parameters.int8(Int64(limit))
      return try connection.execute(statement, parameters).count
    }
  }

  private static let discarded = Statement(
    "discarded_files", "SELECT id FROM discarded_files WHERE due_at <= now() ORDER BY due_at LIMIT $1")

  public func discardedFiles(limit: Int) async throws -> [Identifier] {
    try await run { connection in
      var parameters = Parameters()
      parameters.int8(Int64(limit))
      return try connection.execute(Self.discarded, parameters).map { Identifier(try $0.uuid(0)) }
    }
  }

  private static let forget = Statement(
    "forget_discarded_files", "DELETE FROM discarded_files WHERE id = ANY ($1::uuid[])")

  public func forgetDiscarded(_ ids: [Identifier]) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifierArray(ids)
      try connection.execute(Self.forget, parameters)
    }
  }
}
