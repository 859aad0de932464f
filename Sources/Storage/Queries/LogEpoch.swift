// Whether the log is still the one that its epoch names: a database may be restored, also under running nodes.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// Where there was no origin yet the log is known as what it is.
  private static let settle = Statement(
    "settle_log_epoch",
    """
    UPDATE log_epoch e SET origin = o.origin,
      epoch = CASE WHEN e.origin IS NULL THEN e.epoch ELSE gen_random_uuid() END
    FROM (SELECT log_origin() AS origin) o WHERE e.origin IS DISTINCT FROM o.origin
    """)

  /// Of several nodes that find the log set back, one names it.
  private static let rename = Statement(
    "rename_log", "UPDATE log_epoch SET epoch = gen_random_uuid() WHERE epoch = $1")

  public func examineLog(since place: LogPosition?, comparesOrigin: Bool) async throws -> EventLogBounds {
    try await run { connection in
      if comparesOrigin { try connection.execute(Self.settle) }
      let bounds = try Self.readBounds(connection)
      guard let place, bounds.epoch == place.epoch, bounds.newest < place.seq else { return bounds }
      var parameters = Parameters()
      parameters.identifier(place.epoch)
      try connection.execute(Self.rename, parameters)
      return try Self.readBounds(connection)
    }
  }
}
