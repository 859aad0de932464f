// A node takes messages of a sender to send: they are leased and say `sending` before any call is made.

public import ChannelProtocol
import Postgres

/// Asks for messages of one sender.
public struct SendClaim: Sendable {
  public enum Work: Sendable, Hashable {
    /// Messages that wait to be sent.
    case waiting
    /// Messages whose call gave no answer, or whose node died in the middle of it.
    case unresolved
  }

  public var senderKey: String
  public var work: Work
  public var limit: Int
  public var lease: Identifier
  public var leaseUntil: Timestamp
  /// Until when a message must wait, though its turn has come: for the end of quiet hours, or for a time that no provider
  /// keeps it until. Given the message, and the time zone whose quiet hours it keeps; nil: it may go.
  public var postponement: @Sendable (Message, String?) -> Timestamp? = { _, _ in nil }

  public init(senderKey: String, work: Work, limit: Int, lease: Identifier, leaseUntil: Timestamp) {
    self.senderKey = senderKey
    self.work = work
    self.limit = limit
    self.lease = lease
    self.leaseUntil = leaseUntil
  }
}

/// A message that this node may send, or must find out about, until its lease ends.
public struct ClaimedSend: Sendable {
  public var message: Message
  public var mediaURLs: [String]
  /// Parts it takes of the sender's rate.
  public var units: Int
  /// Calls begun before this one.
  public var attempts: Int
  /// Those of them that were provably not processed, for another reason than speed.
  public var transientFailures: Int
  /// Those of them whose outcome nobody knew, the one to be found out about among them.
  public var unknownOutcomes: Int
  /// When the call whose outcome is unknown began.
  public var attemptedAt: Timestamp?
  public var lease: Identifier
  /// What is left of the message's validity.
  public var validity: Duration?
}

struct ClaimSends: BatchOperation {
  let name = "claim_sends"
  let maximumBatch: Int
  let context: WriteContext

  private static let waiting = Statement(
    "claim_waiting",
    """
    SELECT o.message_id, o.units, o.attempts, o.transient_failures, o.unknown_outcomes, o.attempted_at, o.expires_at,
      o.quiet_zone
    FROM outbox o WHERE o.sender_key = $1 AND o.state = 0 AND o.run_at <= $2
    ORDER BY o.priority, o.run_at, o.message_id LIMIT $3 FOR UPDATE SKIP LOCKED
    """)

  /// A claim that ran out in the middle of its call is one more outcome that nobody knows.
  private static let unresolved = Statement(
    "claim_unresolved",
    """
    SELECT o.message_id, o.units, o.attempts, o.transient_failures,
      o.unknown_outcomes + CASE o.state WHEN 1 THEN 1 ELSE 0 END, o.attempted_at, o.expires_at, o.quiet_zone
    FROM outbox o WHERE o.sender_key = $1 AND o.state <> 0 AND o.lease_until <= $2
    ORDER BY o.lease_until LIMIT $3 FOR UPDATE SKIP LOCKED
    """)

  private static let lease = Statement(
    "lease_outbox",
    """
    UPDATE outbox o SET state = u.state, lease = u.lease, lease_until = u.lease_until,
      attempts = o.attempts + u.attempt, unknown_outcomes = u.unknown,
      attempted_at = CASE WHEN u.attempt = 1 THEN u.at ELSE o.attempted_at END
    FROM unnest($1::uuid[], $2::int2[], $3::uuid[], $4::timestamptz[], $5::int4[], $6::int4[], $7::timestamptz[])
      AS u(id, state, lease, lease_until, attempt, unknown, at)
    WHERE o.message_id = u.id
    """)

  private static let remove = Statement("expire_outbox", "DELETE FROM outbox WHERE message_id = ANY ($1::uuid[])")

  private static let wait = Statement(
    "wait_outbox",
    """
    UPDATE outbox o SET run_at = u.at FROM unnest($1::uuid[], $2::timestamptz[]) AS u(id, at) WHERE o.message_id = u.id
    """)

  private struct Taken {
    var claim: Int
    var messageID: Identifier
    var units: Int
    var attempts: Int
    var transientFailures: Int
    var unknownOutcomes: Int
    var attemptedAt: Timestamp?
    var expiresAt: Timestamp?
    var quietZone: String?
  }

  func execute(_ items: [SendClaim], on connection: Connection) throws -> [Result<[ClaimedSend], any Error>] {
    let now = context.clock.now()
    let taken = try take(items, now: now, on: connection)
    guard !taken.isEmpty else {
      _ = try connection.execute(.commit)
      return items.map { _ in .success([]) }
    }
    var unit = MessageTransitions(context)
    try unit.lock(ids: taken.map(\.messageID), on: connection)
    var claimed = items.map { _ in [ClaimedSend]() }
    var leased: [Taken] = []
    var expired: [Identifier] = []
    var postponed: [(Identifier, Timestamp)] = []
    let sources = try MediaRows.sources(
      taken.map(\.messageID).filter { unit.messages[$0]?.hasMedia == true }, on: connection)
    for entry in taken {
      guard let stored = unit.messages[entry.messageID] else {
        expired.append(entry.messageID)
        continue
      }
      let isWaiting = items[entry.claim].work == .waiting
      if isWaiting, let end = entry.expiresAt, end <= now {
        _ = unit.apply(.expired(entry.messageID, at: now))
        expired.append(entry.messageID)
        continue
      }
      if isWaiting, let at = items[entry.claim].postponement(stored.message, entry.quietZone), at > now {
        postponed.append((entry.messageID, at))
        continue
      }
      // A provider that keeps it until its time counts from then.
      let leaves = max(now, stored.message.scheduledAt ?? now)
      let validity = entry.expiresAt.map { $0 - leaves }
      if isWaiting { _ = unit.apply(.calling(entry.messageID, at: now)) }
      leased.append(entry)
      claimed[entry.claim].append(
        ClaimedSend(
          message: unit.messages[entry.messageID]?.message ?? stored.message,
          mediaURLs: sources[entry.messageID] ?? [], units: entry.units, attempts: entry.attempts,
          transientFailures: entry.transientFailures, unknownOutcomes: entry.unknownOutcomes,
          attemptedAt: entry.attemptedAt, lease: items[entry.claim].lease, validity: validity))
    }
    try unit.finish(outboxSteps(leased, expired, items, now: now) + waitSteps(postponed), on: connection)
    return claimed.map { .success($0) }
  }

  private func take(_ items: [SendClaim], now: Timestamp, on connection: Connection) throws -> [Taken] {
    var steps: [(Statement, Parameters)] = [(.begin, Parameters())]
    for item in items {
      var parameters = Parameters()
      parameters.text(item.senderKey)
      parameters.timestamp(now)
      parameters.int8(Int64(item.limit))
      steps.append((item.work == .waiting ? Self.waiting : Self.unresolved, parameters))
    }
    // A transaction does not skip its own locks: two claims of one sender in one batch would be given the same rows.
    var seen: Set<Identifier> = []
    return try connection.pipeline(steps).dropFirst().enumerated().flatMap { claim, rows in
      try rows.map { row in
        var reader = ColumnReader(row)
        return Taken(
          claim: claim, messageID: try reader.identifier(), units: try reader.int4(), attempts: try reader.int4(),
          transientFailures: try reader.int4(), unknownOutcomes: try reader.int4(),
          attemptedAt: try reader.timestampOrNil(), expiresAt: try reader.timestampOrNil(),
          quietZone: try reader.textOrNil())
      }.filter { seen.insert($0.messageID).inserted }
    }
  }

  private func waitSteps(_ postponed: [(Identifier, Timestamp)]) -> [(Statement, Parameters)] {
    guard !postponed.isEmpty else { return [] }
    var p = Parameters()
    p.identifierArray(postponed.map(\.0))
    p.timestampArray(postponed.map(\.1))
    return [(Self.wait, p)]
  }

  private func outboxSteps(
    _ leased: [Taken], _ expired: [Identifier], _ items: [SendClaim], now: Timestamp
  ) -> [(Statement, Parameters)] {
    var steps: [(Statement, Parameters)] = []
    if !leased.isEmpty {
      var p = Parameters()
      p.identifierArray(leased.map(\.messageID))
      p.int2Array(leased.map { items[$0.claim].work == .waiting ? 1 : 2 })
      p.identifierArray(leased.map { items[$0.claim].lease })
      p.timestampArray(leased.map { items[$0.claim].leaseUntil })
      p.int4Array(leased.map { items[$0.claim].work == .waiting ? 1 : 0 })
      p.int4Array(leased.map { Int32(clamping: $0.unknownOutcomes) })
      p.timestampArray(leased.map { _ in now })
      steps.append((Self.lease, p))
    }
    if !expired.isEmpty {
      var p = Parameters()
      p.identifierArray(expired)
      steps.append((Self.remove, p))
    }
    return steps
  }
}

extension Transition {
  fileprivate static func calling(_ id: Identifier, at: Timestamp) -> Transition {
    Transition(
      messageID: id, accountSID: "",
      reports: [StatusReport(status: .sending, providerStatus: "sending", at: at, source: .api)])
  }

  static func expired(
    _ id: Identifier, at: Timestamp, message: String = "The message's validity ended before it could be sent."
  ) -> Transition {
    Transition(
      messageID: id, accountSID: "",
      reports: [
        StatusReport(
          status: .failed, providerStatus: "failed", at: at, source: .api, errorCode: "expired",
          errorMessage: message)
      ])
  }
}
