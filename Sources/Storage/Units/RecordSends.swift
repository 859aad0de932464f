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
    case retry(at: Timestamp)
    /// No call was made: it goes back as it was, and the claim counts for nothing.
    case givenBack(at: Timestamp)
    /// Nobody knows; look again at this time.
    case unresolved(lookAgainAt: Timestamp)
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

  private static let postpone = Statement(
    "postpone_outbox",
    """
    UPDATE outbox o SET state = u.state, run_at = u.at, lease = NULL, lease_until = CASE u.state WHEN 2 THEN u.at END
    FROM unnest($1::uuid[], $2::int2[], $3::timestamptz[]) AS u(id, state, at) WHERE o.message_id = u.id
    """)

  func execute(_ items: [SendRecord], on connection: Connection) throws -> [Swift.Result<Void, any Error>] {
    let transitions = items.map { Transition($0) }
    var unit = MessageTransitions(context)
    try unit.begin(transitions, on: connection)
    let leases = try readLeases(items.map(\.messageID), on: connection)
    let parked = try ParkedStatuses.take(
      zip(items, transitions).compactMap { item, transition in
        transition.providerSID.map { (item.accountSID, $0) }
      }, on: connection)
    var done: [Identifier] = []
    var postponed: [(Identifier, Int16, Timestamp)] = []
    var givenBack: [(Identifier, Timestamp)] = []
    for (item, transition) in zip(items, transitions) {
      let isOurs = leases[item.messageID] == item.lease
      switch item.result {
      case .accepted:
        // True whoever holds the lease: the provider has it.
        _ = unit.apply(transition)
        done.append(item.messageID)
      case .failed where isOurs:
        _ = unit.apply(transition)
        done.append(item.messageID)
      case .retry(let at) where isOurs:
        postponed.append((item.messageID, 0, at))
      case .givenBack(let at) where isOurs:
        givenBack.append((item.messageID, at))
      case .unresolved(let at) where isOurs:
        postponed.append((item.messageID, 2, at))
      case .failed, .retry, .givenBack, .unresolved:
        // Another node took the message over, or a callback settled it.
        continue
      }
    }
    for update in parked { _ = unit.apply(Transition(update)) }
    try unit.finish(steps(done, postponed, givenBack), on: connection)
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

  private func steps(
    _ done: [Identifier], _ postponed: [(Identifier, Int16, Timestamp)], _ givenBack: [(Identifier, Timestamp)]
  ) -> [(Statement, Parameters)] {
    var steps: [(Statement, Parameters)] = []
    if !done.isEmpty {
      var p = Parameters()
      p.identifierArray(done)
      steps.append((Self.remove, p))
    }
    if !postponed.isEmpty {
      var p = Parameters()
      p.identifierArray(postponed.map(\.0))
      p.int2Array(postponed.map(\.1))
      p.timestampArray(postponed.map(\.2))
      steps.append((Self.postpone, p))
    }
    if !givenBack.isEmpty {
      var p = Parameters()
      p.identifierArray(givenBack.map(\.0))
      p.timestampArray(givenBack.map(\.1))
      steps.append((Self.giveBack, p))
    }
    return steps
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
    case .retry, .givenBack, .unresolved:
      self.init(messageID: record.messageID, accountSID: record.accountSID, reports: [])
    }
  }
}
