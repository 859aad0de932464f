// The work of fetching files: claimed by lease, finished with the event that tells of it.

import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let claim = Statement(
    "claim_media",
    """
    WITH due AS (
      SELECT id FROM media WHERE state = 'pending' AND run_at <= now()
      ORDER BY run_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
    UPDATE media f SET lease = $2, run_at = now() + make_interval(secs => $3), attempts = f.attempts + 1
    FROM due WHERE f.id = due.id
    RETURNING f.id, coalesce(f.provider_url, ''), coalesce(f.account_sid, ''), f.content_type, f.attempts
    """)

  public func claimMedia(limit: Int, lease: Duration) async throws -> [ClaimedMedia] {
    let token = clock.makeIdentifier()
    return try await run { connection in
      var parameters = Parameters()
      parameters.int8(Int64(limit))
      parameters.identifier(token)
      parameters.double(lease.inSeconds)
      return try connection.execute(Self.claim, parameters).map { row in
        var reader = ColumnReader(row)
        return ClaimedMedia(
          id: try reader.identifier(), lease: token, url: try reader.text(), accountSID: try reader.text(),
          contentType: try reader.textOrNil(), attempts: try reader.int4())
      }
    }
  }

  private static let keep = Statement(
    "keep_media", "UPDATE media SET bytes = $3 WHERE id = $1 AND lease = $2 AND state = 'pending' RETURNING 1")

  /// A statement of its own before the unit that finishes: no row lock is held while the bytes are under way.
  public func keepMedia(_ claimed: ClaimedMedia, bytes: [UInt8]) async throws -> Bool {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(claimed.id)
      parameters.identifier(claimed.lease)
      parameters.bytes(bytes)
      return try !connection.execute(Self.keep, parameters).isEmpty
    }
  }

  private static let postpone = Statement(
    "postpone_media",
    """
    UPDATE media SET lease = NULL, run_at = now() + make_interval(secs => $3), error = $4
    WHERE id = $1 AND lease = $2 AND state = 'pending' RETURNING 1
    """)

  /// Locks the message: files of one message end one after another, so that the last one's event shows all of them.
  private static let lockMessage = Statement(
    "lock_media_message",
    """
    SELECT \(StoredMessage.columns) FROM media f JOIN messages m ON m.id = f.message_id
    WHERE f.id = $1 FOR NO KEY UPDATE OF m
    """)

  private static let end = Statement(
    "end_media",
    """
    UPDATE media SET state = $3, content_type = coalesce($4, content_type), size = $5,
      filename = coalesce(filename, $6), place = $7, error = $8, lease = NULL
    WHERE id = $1 AND lease = $2 AND state = 'pending' RETURNING 1
    """)

  public func finishMedia(_ claimed: ClaimedMedia, _ outcome: MediaOutcome) async throws -> Bool {
    let writing = writing
    return try await run { connection in
      var parameters = Parameters()
      parameters.identifier(claimed.id)
      parameters.identifier(claimed.lease)
      switch outcome {
      case .retry(let pause, let error):
        parameters.double(pause.inSeconds)
        parameters.text(error)
        return try !connection.execute(Self.postpone, parameters).isEmpty
      case .ready(let contentType, let size, let filename, let place):
        parameters.text(MediaItem.State.ready.rawValue)
        parameters.text(contentType)
        parameters.int8(Int64(size))
        parameters.text(filename)
        parameters.text(place.rawValue)
        parameters.text(nil)
      case .failed(let error):
        parameters.text(MediaItem.State.failed.rawValue)
        parameters.text(nil)
        parameters.int8(nil)
        parameters.text(nil)
        parameters.text(nil)
        parameters.text(error)
      }
      return try Self.end(claimed, parameters, writing, on: connection)
    }
  }

  private static func end(
    _ claimed: ClaimedMedia, _ parameters: Parameters, _ writing: WriteContext, on connection: Connection
  ) throws -> Bool {
    var id = Parameters()
    id.identifier(claimed.id)
    let answers = try connection.pipeline([(.begin, Parameters()), (Self.lockMessage, id), (Self.end, parameters)])
    let isOurs = !answers[2].isEmpty
    var events = EventBatch(writing)
    if isOurs, let row = answers[1].first {
      var reader = ColumnReader(row)
      var message = try StoredMessage(&reader, context: writing.resources).message
      message.media =
        try MediaRows.load([message.id], context: writing.resources, on: connection)[message.id] ?? []
      events.append(
        .messageMedia, at: writing.clock.now(), conversation: message.conversationID, channel: message.channel
      ) { message.write(to: &$0) }
    }
    try events.commit(on: connection)
    return isOurs
  }

  private static let due = Statement(
    "next_media_due",
    """
    SELECT extract(epoch FROM run_at - now())::float8 FROM media WHERE state = 'pending'
    ORDER BY run_at, id LIMIT 1
    """)

  public func nextMediaDue() async throws -> Duration? {
    try await run { connection in
      try connection.execute(Self.due).first.map { .seconds(try $0.double(0)) }
    }
  }
}
