// What is known of a file, and its bytes.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let file = Statement(
    "media_file",
    """
    SELECT id, message_id, state, content_type, size, filename, error, place, provider_url, account_sid, created_at
    FROM media WHERE id = $1
    """)

  public func mediaFile(_ id: Identifier) async throws -> MediaFile? {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      return try connection.execute(Self.file, parameters).first.map { row in
        var reader = ColumnReader(row)
        return MediaFile(
          id: try reader.identifier(), messageID: try reader.identifierOrNil(),
          state: MediaItem.State(rawValue: try reader.text()) ?? .pending, contentType: try reader.textOrNil(),
          size: try reader.int8OrNil().map { Int($0) }, filename: try reader.textOrNil(),
          error: try reader.textOrNil(), place: try reader.textOrNil().flatMap { MediaPlace(rawValue: $0) },
          source: try reader.textOrNil(), accountSID: try reader.textOrNil(), createdAt: try reader.timestamp())
      }
    }
  }

  /// The column is stored uncompressed, outside the row: PostgreSQL reads only the pages that the part is on.
  private static let part = Statement(
    "media_part",
    "SELECT substring(bytes FROM $2 FOR $3) FROM media WHERE id = $1 AND bytes IS NOT NULL")

  public func mediaBytes(_ id: Identifier, in range: Range<Int>) async throws -> [UInt8]? {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      parameters.int4(Int32(clamping: range.lowerBound + 1))
      parameters.int4(Int32(clamping: range.count))
      return try connection.execute(Self.part, parameters).first?.bytes(0)
    }
  }

  private static let add = Statement(
    "add_media",
    """
    WITH announced AS (DELETE FROM discarded_files WHERE id = $1)
    INSERT INTO media (id, state, content_type, size, filename, place, bytes, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    """)

  public func addMedia(_ file: MediaFile, bytes: [UInt8]?) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(file.id)
      parameters.text(file.state.rawValue)
      parameters.text(file.contentType)
      parameters.int8(file.size.map { Int64($0) })
      parameters.text(file.filename)
      parameters.text(file.place?.rawValue)
      parameters.bytes(bytes)
      parameters.timestamp(file.createdAt)
      try connection.execute(Self.add, parameters)
    }
  }
}
