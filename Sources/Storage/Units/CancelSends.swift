// Takes messages back that nobody has called the provider for yet.

public import ChannelProtocol
import Postgres
import Synchronization

/// What became of a wish to cancel.
public enum CancelOutcome: Sendable {
  case canceled(Message)
  /// It is too late, or it was never ours to send: the message as it is.
  case notCancelable(Message)
  case notFound
}

/// A message to cancel.
struct CancelWish: Sendable {
  var id: Identifier
  /// What it must still be; nil: whatever it is.
  var expected: MessageDetail?
  /// Whether a run of the batch has found it as it must be and canceled it: that run's commit may have been done without
  /// our hearing of it, and what the next run finds changed is then our own doing.
  fileprivate let decision = CancelDecision()

  init(id: Identifier, expected: MessageDetail?) {
    self.id = id
    self.expected = expected
  }
}

/// Kept beside the wish, since a batch that runs again starts from the wishes alone.
private final class CancelDecision: Sendable {
  private let made = Atomic(false)

  var isMade: Bool { made.load(ordering: .relaxed) }

  func make() { made.store(true, ordering: .relaxed) }
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

  func execute(_ items: [CancelWish], on connection: Connection) throws -> [Result<CancelOutcome, any Error>] {
    var parameters = Parameters()
    parameters.identifierArray(items.map(\.id))
    let waiting = Set(
      try connection.pipeline([(.begin, Parameters()), (Self.lock, parameters)])[1]
        .map { Identifier(try $0.uuid(0)) })
    var unit = MessageTransitions(context)
    try unit.lock(ids: items.map(\.id), on: connection)
    let now = context.clock.now()
    var canceled: Set<Identifier> = []
    var isRefused: [Bool] = []
    for item in items {
      let isOurs = item.decision.isMade && unit.messages[item.id]?.message.status == .canceled
      // Of two wishes at once that expect the same message, the second finds it changed.
      let isStill = try isOurs || !canceled.contains(item.id) && isAsExpected(item, unit, on: connection)
      isRefused.append(item.expected != nil && !isStill)
      guard item.expected == nil || isStill, waiting.contains(item.id), canceled.insert(item.id).inserted else {
        continue
      }
      item.decision.make()
      _ = unit.apply(
        Transition(
          messageID: item.id, accountSID: "",
          reports: [StatusReport(status: .canceled, providerStatus: "canceled", at: now, source: .api)]))
    }
    var removed = Parameters()
    removed.identifierArray(canceled.sorted())
    try unit.finish(canceled.isEmpty ? [] : [(Self.remove, removed)], on: connection)
    return zip(items, isRefused).map { item, isRefused in
      guard let message = unit.messages[item.id]?.message else { return .success(.notFound) }
      if isRefused { return .failure(ResourceChanged()) }
      // Also where an earlier run of this batch did it, whose commit was not heard of.
      return .success(message.status == .canceled ? .canceled(message) : .notCancelable(message))
    }
  }

  /// Under the message's lock: nobody adds to its history meanwhile.
  private func isAsExpected(
    _ item: CancelWish, _ unit: MessageTransitions, on connection: Connection
  ) throws -> Bool {
    guard let expected = item.expected, let found = unit.messages[item.id]?.message else { return true }
    guard found == expected.message else { return false }
    return try MessageHistory.load(of: found, on: connection).reports == expected.history
  }
}
