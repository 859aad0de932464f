// Takes messages back that nobody has called the provider for yet.

public import ChannelProtocol
import Postgres

/// What became of a wish to cancel.
public enum CancelOutcome: Sendable {
  case canceled(Message)
  /// It is too late, or it was never ours to send: the message as it is.
  case notCancelable(Message)
  case notFound
}

struct CancelSends: BatchOperation {
  let name = "cancel_sends"
  let maximumBatch = 64
  let context: WriteContext

  /// The outbox first, as a claim does, so that the two wait for each other in one direction only; and only what nobody
  /// is calling for, which whoever writes a call down holds the other way round.
  private static let lock = Statement(
    "lock_outbox_to_cancel",
    """
    SELECT message_id FROM outbox WHERE message_id = ANY ($1::uuid[]) AND state IN (0, 3, 4)
    ORDER BY message_id FOR UPDATE
    """)

  private static let remove = Statement(
    "remove_canceled", "DELETE FROM outbox WHERE message_id = ANY ($1::uuid[])")

  func execute(_ items: [Identifier], on connection: Connection) throws -> [Result<CancelOutcome, any Error>] {
    var parameters = Parameters()
    parameters.identifierArray(items)
    let waiting = Set(
      try connection.pipeline([(.begin, Parameters()), (Self.lock, parameters)])[1]
        .map { Identifier(try $0.uuid(0)) })
    var unit = MessageTransitions(context)
    try unit.lock(ids: items, on: connection)
    let now = context.clock.now()
    for id in waiting.sorted() {
      _ = unit.apply(
        Transition(
          messageID: id, accountSID: "",
          reports: [StatusReport(status: .canceled, providerStatus: "canceled", at: now, source: .api)]))
    }
    var removed = Parameters()
    removed.identifierArray(waiting.sorted())
    try unit.finish(waiting.isEmpty ? [] : [(Self.remove, removed)], on: connection)
    return items.map { id in
      guard let message = unit.messages[id]?.message else { return .success(.notFound) }
      // Also where an earlier run of this batch did it, whose commit was not heard of.
      return .success(message.status == .canceled ? .canceled(message) : .notCancelable(message))
    }
  }
}
