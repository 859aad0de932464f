// Ends what has waited with us for too long: for its turn, for the morning, or for a contact to write.

import ChannelProtocol
import Postgres

/// Each item is a wish to end up to so many messages; the answer is how many were ended.
struct ExpireSends: BatchOperation {
  let name = "expire_sends"
  /// One wish does what several would.
  let maximumBatch = 1
  let context: WriteContext

  /// The outbox first, as a claim does; what a node has just claimed is let alone.
  private static let take = Statement(
    "take_expired_sends",
    """
    SELECT message_id, state FROM outbox WHERE expires_at <= $1 AND state IN (0, 3)
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
    """)

  private static let remove = Statement(
    "remove_expired_sends", "DELETE FROM outbox WHERE message_id = ANY ($1::uuid[])")

  func execute(_ items: [Int], on connection: Connection) throws -> [Result<Int, any Error>] {
    let now = context.clock.now()
    var parameters = Parameters()
    parameters.timestamp(now)
    parameters.int8(Int64(items.max() ?? 0))
    let expired = try connection.pipeline([(.begin, Parameters()), (Self.take, parameters)])[1].map {
      (id: Identifier(try $0.uuid(0)), isHeld: try $0.int2(1) == 3)
    }
    guard !expired.isEmpty else {
      _ = try connection.execute(.commit)
      return items.map { _ in .success(0) }
    }
    var unit = MessageTransitions(context)
    try unit.lock(ids: expired.map(\.id), on: connection)
    for entry in expired.sorted(by: { $0.id < $1.id }) {
      _ = unit.apply(
        entry.isHeld
          ? .expired(entry.id, at: now, message: "The contact did not write while the message was held for it.")
          : .expired(entry.id, at: now))
    }
    var removed = Parameters()
    removed.identifierArray(expired.map(\.id))
    try unit.finish([(Self.remove, removed)], on: connection)
    return items.map { _ in .success(expired.count) }
  }
}
