// What the sender learned from its calls, written down: adopted, failed, to be tried again, or unknown.

public import ChannelProtocol
import Postgres

/// The result of one call, or of looking up what became of one.
public struct SendRecord: Sendable {
  public enum Result: Sendable {
    /// The provider has it.
    case accepted(SendReceipt)
    /// It will not be sent.
    case failed(code: String, message: String)
    /// The provider provably does not have it; send it at this time.
    /// - Parameter isFailure: one more call that counts towards the end of all tries; throttling does not.
    case retry(at: Timestamp, isFailure: Bool = false)
    /// No call was made: it goes back as it was, and the claim counts for nothing.
    case givenBack(at: Timestamp)
    /// The contact's window closed while it waited: no call was made, and it waits for them to write.
    case held(HoldingTerms)
    /// The contact's window closed while it waited: no call was made, and this template takes the text's place, to be
    /// sent at this time.
    case replaced(by: TemplateReference, at: Timestamp)
    /// Nobody knows; look again at this time.
    case unresolved(lookAgainAt: Timestamp)
  }

  /// How a message waits for its contact.
  public struct HoldingTerms: Sendable, Hashable {
    public var conversationID: Identifier
    /// How long after their last message the contact may be written to, and when this one would leave.
    public var window: Duration
    public var leavesAt: Timestamp
    /// When it ends.
    public var until: Timestamp

    public init(conversationID: Identifier, window: Duration, leavesAt: Timestamp, until: Timestamp) {
      self.conversationID = conversationID
      self.window = window
      self.leavesAt = leavesAt
      self.until = until
    }
  }

  public var messageID: Identifier
  public var lease: Identifier
  public var accountSID: String
  public var result: Result
  public var at: Timestamp

  public init(messageID: Identifier, lease: Identifier, accountSID: String, result: Result, at: Timestamp) {
    self.messageID = messageID
    self.lease = lease
    self.accountSID = accountSID
    self.result = result
    self.at = at
  }
}

struct RecordSends: BatchOperation {
  let name = "record_sends"
  let maximumBatch: Int
  let context: WriteContext

  private static let leases = Statement(
    "read_outbox_leases",
    "SELECT message_id, lease FROM outbox WHERE message_id = ANY ($1::uuid[]) ORDER BY message_id FOR UPDATE")

  private static let remove = Statement("finish_outbox", "DELETE FROM outbox WHERE message_id = ANY ($1::uuid[])")

  private static let giveBack = Statement(
    "give_back_outbox",
    """
    UPDATE outbox o SET state = 0, run_at = u.at, lease = NULL, lease_until = NULL,
      attempts = greatest(o.attempts - 1, 0)
    FROM unnest($1::uuid[], $2::timestamptz[]) AS u(id, at) WHERE o.message_id = u.id
    """)

  /// The first time that nothing is known of a call counts it; looking again does not.
  private static let postpone = Statement(
    "postpone_outbox",
    """
    UPDATE outbox o SET state = u.state, run_at = u.at, lease = NULL, lease_until = CASE u.state WHEN 2 THEN u.at END,
      transient_failures = o.transient_failures + u.failure,
      unknown_outcomes = o.unknown_outcomes + CASE WHEN u.state = 2 AND o.state = 1 THEN 1 ELSE 0 END
    FROM unnest($1::uuid[], $2::int2[], $3::timestamptz[], $4::int4[]) AS u(id, state, at, failure)
    WHERE o.message_id = u.id
    """)

  /// Nobody writes between the look at the conversations and our commit.
  private static let lockConversations = Statement(
    "lock_conversations_to_hold", "SELECT 1 FROM conversations WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE")

  /// A contact who has written meanwhile is not waited for.
  private static let hold = Statement(
    "hold_outbox",
    """
    UPDATE outbox o SET state = CASE WHEN u.written THEN 0 ELSE 3 END,
      held_for = CASE WHEN u.written THEN NULL ELSE u.conversation END, run_at = u.at, lease = NULL, lease_until = NULL,
      attempts = greatest(o.attempts - 1, 0),
      expires_at = CASE WHEN u.written THEN o.expires_at ELSE least(o.expires_at, u.until) END
    FROM (
      SELECT i.*, coalesce((SELECT c.last_inbound_at > i.since FROM conversations c WHERE c.id = i.conversation), false)
        AS written
      FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
        AS i(id, conversation, since, at, until)) u
    WHERE o.message_id = u.id
    """)

  /// What becomes of the rows.
  private struct Outbox {
    var done: [Identifier] = []
    var postponed: [(id: Identifier, state: Int16, at: Timestamp, isFailure: Bool)] = []
    var givenBack: [(Identifier, Timestamp)] = []
    var held: [(Identifier, SendRecord.HoldingTerms)] = []
  }

  func execute(_ items: [SendRecord], on connection: Connection) throws -> [Swift.Result<Void, any Error>] {
    let transitions = items.map { Transition($0) }
    var unit = MessageTransitions(context)
    try unit.begin(transitions, on: connection)
    let leases = try readLeases(items.map(\.messageID), on: connection)
    let parked = try ParkedStatuses.take(
      zip(items, transitions).compactMap { item, transition in
        transition.providerSID.map { (item.accountSID, $0) }
      }, on: connection)
    var outbox = Outbox()
    for (item, transition) in zip(items, transitions) {
      let isOurs = leases[item.messageID] == item.lease
      switch item.result {
      case .accepted:
        // True whoever holds the lease: the provider has it.
        let holder = unit.target(of: transition)
        _ = unit.apply(transition)
        if let holder, holder != item.messageID, unit.messages[item.messageID]?.message.providerSID == nil {
          // Another node's look-up gave this answer to a message like it. What became of this one is as unknown as
          // what became of the other was.
          if isOurs { outbox.postponed.append((item.messageID, 2, item.at, false)) }
        } else {
          outbox.done.append(item.messageID)
        }
      case .failed where isOurs:
        _ = unit.apply(transition)
        outbox.done.append(item.messageID)
      case .retry(let at, let isFailure) where isOurs:
        outbox.postponed.append((item.messageID, 0, at, isFailure))
      case .givenBack(let at) where isOurs:
        outbox.givenBack.append((item.messageID, at))
      case .replaced(let template, let at) where isOurs:
        unit.replaceText(of: item.messageID, by: template)
        outbox.givenBack.append((item.messageID, at))
      case .held(let terms) where isOurs:
        outbox.held.append((item.messageID, terms))
      case .unresolved(let at) where isOurs:
        outbox.postponed.append((item.messageID, 2, at, false))
      case .failed, .retry, .givenBack, .replaced, .held, .unresolved:
        // Another node took the message over, or a callback settled it.
        continue
      }
    }
    for update in parked { _ = unit.apply(Transition(update)) }
    try unit.finish(steps(outbox), on: connection)
    return items.map { _ in .success(()) }
  }

  private func readLeases(_ ids: [Identifier], on connection: Connection) throws -> [Identifier: Identifier] {
    var parameters = Parameters()
    parameters.identifierArray(ids)
    var leases: [Identifier: Identifier] = [:]
    for row in try connection.execute(Self.leases, parameters) {
      if let lease = try row.uuidOrNil(1) { leases[Identifier(try row.uuid(0))] = Identifier(lease) }
    }
    return leases
  }

  private func steps(_ outbox: Outbox) -> [(Statement, Parameters)] {
    var steps: [(Statement, Parameters)] = []
    if !outbox.done.isEmpty {
      var p = Parameters()
      p.identifierArray(outbox.done)
      steps.append((Self.remove, p))
    }
    if !outbox.postponed.isEmpty {
      var p = Parameters()
      p.identifierArray(outbox.postponed.map(\.id))
      p.int2Array(outbox.postponed.map(\.state))
      p.timestampArray(outbox.postponed.map(\.at))
      p.int4Array(outbox.postponed.map { $0.isFailure ? 1 : 0 })
      steps.append((Self.postpone, p))
    }
    if !outbox.givenBack.isEmpty {
      var p = Parameters()
      p.identifierArray(outbox.givenBack.map(\.0))
      p.timestampArray(outbox.givenBack.map(\.1))
      steps.append((Self.giveBack, p))
    }
    return steps + holdingSteps(outbox.held)
  }

  private func holdingSteps(_ held: [(Identifier, SendRecord.HoldingTerms)]) -> [(Statement, Parameters)] {
    guard !held.isEmpty else { return [] }
    var conversations = Parameters()
    conversations.identifierArray(held.map(\.1.conversationID))
    var p = Parameters()
    p.identifierArray(held.map(\.0))
    p.identifierArray(held.map(\.1.conversationID))
    p.timestampArray(held.map { $0.1.leavesAt - $0.1.window })
    p.timestampArray(held.map(\.1.leavesAt))
    p.timestampArray(held.map(\.1.until))
    return [(Self.lockConversations, conversations), (Self.hold, p)]
  }
}

extension Transition {
  fileprivate init(_ record: SendRecord) {
    switch record.result {
    case .accepted(let receipt):
      self.init(
        messageID: record.messageID, accountSID: record.accountSID, providerSID: receipt.providerSID,
        reports: [
          StatusReport(
            status: receipt.status, providerStatus: receipt.providerStatus, at: record.at, source: .provider)
        ], sender: receipt.from, segmentCount: receipt.segmentCount, raw: receipt.raw.json)
    case .failed(let code, let message):
      self.init(
        messageID: record.messageID, accountSID: record.accountSID,
        reports: [
          StatusReport(
            status: .failed, providerStatus: "failed", at: record.at, source: .provider, errorCode: code,
            errorMessage: message)
        ])
    case .retry, .givenBack, .replaced, .held, .unresolved:
      self.init(messageID: record.messageID, accountSID: record.accountSID, reports: [])
    }
  }
}
