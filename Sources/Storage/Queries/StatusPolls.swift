// Which messages the provider is asked about: found by following their ids, claimed by lease.

public import ChannelProtocol
import Postgres

enum StatusPolls {
  private static let requestStatement = Statement(
    "request_status_polls",
    """
    INSERT INTO status_polls AS p (message_id, run_at) SELECT i, $2 FROM unnest($1::uuid[]) AS i ORDER BY i
    ON CONFLICT (message_id) DO UPDATE SET run_at = excluded.run_at, attempts = 0, lease = NULL
    """)

  /// Has the provider asked about messages as soon as may be.
  static func request(_ ids: [Identifier], at now: Timestamp) -> [(Statement, Parameters)] {
    guard !ids.isEmpty else { return [] }
    var parameters = Parameters()
    parameters.identifierArray(ids)
    parameters.timestamp(now)
    return [(requestStatement, parameters)]
  }
}

extension PostgresMessageStore {
  /// One node at a time: whoever does not get the row of the scan at once leaves it to the other.
  private static let scan = Statement(
    "scan_for_polls",
    """
    WITH here AS (
      SELECT coalesce(s.last_id, $3::uuid) AS last_id FROM poll_scan s FOR UPDATE SKIP LOCKED
    ), page AS (
      SELECT m.id, m.inbound, m.status, m.scheduled_at FROM here CROSS JOIN LATERAL (
        SELECT m.id, m.inbound, m.status, m.scheduled_at FROM messages m WHERE m.id > here.last_id AND m.id < $1
        ORDER BY m.id LIMIT $2) m
    ), open AS (
      INSERT INTO status_polls (message_id, run_at)
      SELECT p.id, greatest($4::timestamptz, p.scheduled_at + make_interval(secs => $5)) FROM page p
      WHERE NOT p.inbound AND p.status < \(DeliveryStatus.delivered.code)
      ON CONFLICT DO NOTHING
    ), moved AS (
      UPDATE poll_scan SET last_id = (SELECT p.id FROM page p ORDER BY p.id DESC LIMIT 1)
      WHERE (SELECT count(*) FROM page) > 0
    )
    SELECT count(*) FROM page
    """)

  public func scanForPolls(
    age: Duration, lookBack: Duration, limit: Int
  ) async throws -> Int {
    let now = clock.now()
    return try await run { connection in
      var parameters = Parameters()
      parameters.identifier(Identifier(at: now - age, randomness: 0))
      parameters.int8(Int64(limit))
      parameters.identifier(Identifier(at: now - lookBack, randomness: 0))
      parameters.timestamp(now)
      parameters.double(age.inSeconds)
      return Int(try connection.execute(Self.scan, parameters).single().int8(0))
    }
  }

  /// As the other scan. What was canceled costs nothing.
  private static let scanForPrices = Statement(
    "scan_for_prices",
    """
    WITH here AS (
      SELECT coalesce(s.last_priced_id, $3::uuid) AS last_id FROM poll_scan s FOR UPDATE SKIP LOCKED
    ), page AS (
      SELECT m.* FROM here CROSS JOIN LATERAL (
        SELECT m.id, m.inbound, m.status, m.provider_sid, m.price_amount FROM messages m
        WHERE m.id > here.last_id AND m.id < $1 ORDER BY m.id LIMIT $2) m
    ), unpriced AS (
      INSERT INTO status_polls (message_id, run_at)
      SELECT p.id, $4::timestamptz FROM page p
      WHERE NOT p.inbound AND p.status >= \(DeliveryStatus.delivered.code)
        AND p.status <> \(DeliveryStatus.canceled.code) AND p.price_amount IS NULL AND p.provider_sid IS NOT NULL
      ON CONFLICT DO NOTHING
    ), moved AS (
      UPDATE poll_scan SET last_priced_id = (SELECT p.id FROM page p ORDER BY p.id DESC LIMIT 1)
      WHERE (SELECT count(*) FROM page) > 0
    )
    SELECT count(*) FROM page
    """)

  public func scanForPrices(age: Duration, lookBack: Duration, limit: Int) async throws -> Int {
    let now = clock.now()
    return try await run { connection in
      var parameters = Parameters()
      parameters.identifier(Identifier(at: now - age, randomness: 0))
      parameters.int8(Int64(limit))
      parameters.identifier(Identifier(at: now - lookBack, randomness: 0))
      parameters.timestamp(now)
      return Int(try connection.execute(Self.scanForPrices, parameters).single().int8(0))
    }
  }

  private static let claim = Statement(
    "claim_status_polls",
    """
    WITH due AS (
      SELECT message_id FROM status_polls WHERE run_at <= $1 ORDER BY run_at, message_id LIMIT $2
      FOR UPDATE SKIP LOCKED
    ), claimed AS (
      UPDATE status_polls p SET run_at = $3, lease = $4, attempts = p.attempts + 1
      FROM due WHERE p.message_id = due.message_id RETURNING p.message_id, p.attempts
    )
    SELECT c.message_id, c.attempts, m.status, m.channel, m.account_sid, m.provider_sid,
      m.status_contradicted AND NOT m.status_settled, coalesce(m.scheduled_at, m.created_at),
      m.channel_type, m.recipient, m.price_amount IS NOT NULL
    FROM claimed c LEFT JOIN LATERAL (SELECT * FROM messages m WHERE m.id = c.message_id LIMIT 1) m ON true
    """)

  public func claimPolls(limit: Int, lease: Duration) async throws -> [ClaimedPoll] {
    let now = clock.now()
    let token = clock.makeIdentifier()
    return try await run { connection in
      var parameters = Parameters()
      parameters.timestamp(now)
      parameters.int8(Int64(limit))
      parameters.timestamp(now + lease)
      parameters.identifier(token)
      return try connection.execute(Self.claim, parameters).map { try Self.poll($0, token) }
    }
  }

  private static func poll(_ row: Row, _ token: Identifier) throws -> ClaimedPoll {
    var reader = ColumnReader(row)
    let id = try reader.identifier()
    let attempts = try reader.int4()
    guard let code = try reader.int2OrNil() else {
      return ClaimedPoll(messageID: id, lease: token, attempts: attempts, subject: nil)
    }
    let subject = ClaimedPoll.Subject(
      channel: try reader.textOrNil(), accountSID: try reader.textOrNil(), providerSID: try reader.textOrNil(),
      status: DeliveryStatus(code: code) ?? .queued, isContradicted: try reader.bool(),
      leavesAt: try reader.timestamp(),
      address: Address(type: ChannelType(try reader.text()), value: try reader.text()), hasPrice: try reader.bool())
    return ClaimedPoll(messageID: id, lease: token, attempts: attempts, subject: subject)
  }

  private static let postpone = Statement(
    "postpone_status_poll",
    "UPDATE status_polls SET run_at = $3, lease = NULL WHERE message_id = $1 AND lease = $2")

  private static let drop = Statement(
    "drop_status_poll", "DELETE FROM status_polls WHERE message_id = $1 AND lease = $2")

  /// - Parameter next: when to ask again; nil: never.
  public func finishPoll(_ claimed: ClaimedPoll, next: Timestamp?) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(claimed.messageID)
      parameters.identifier(claimed.lease)
      if let next { parameters.timestamp(next) }
      try connection.execute(next == nil ? Self.drop : Self.postpone, parameters)
    }
  }

  private static let states = Statement(
    "states_by_provider_sid",
    """
    SELECT k.sid, m.status, m.status_contradicted AND NOT m.status_settled, m.price_amount, m.price_currency
    FROM unnest($1::text[]) AS k(sid)
    CROSS JOIN LATERAL (SELECT * FROM messages m WHERE m.provider_sid = k.sid AND m.account_sid = $2 LIMIT 1) m
    """)

  public func knownMessages(_ sids: [String], account: String) async throws -> [String: KnownMessage] {
    guard !sids.isEmpty else { return [:] }
    return try await run { connection in
      var parameters = Parameters()
      parameters.textArray(sids)
      parameters.text(account)
      var known: [String: KnownMessage] = [:]
      for row in try connection.execute(Self.states, parameters) {
        var reader = ColumnReader(row)
        let sid = try reader.text()
        let status = DeliveryStatus(code: try reader.int2()) ?? .queued
        let isContradicted = try reader.bool()
        let amount = try reader.textOrNil()
        let currency = try reader.textOrNil()
        known[sid] = KnownMessage(
          status: status, isContradicted: isContradicted,
          price: amount.map { Price(amount: $0, currency: currency ?? "") })
      }
      return known
    }
  }
}
