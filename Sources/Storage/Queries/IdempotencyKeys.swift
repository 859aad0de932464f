// Requests that may be sent twice: one row each, claimed by lease.

import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// One statement decides among any number of duplicates: the row is new, a day old, or left by somebody who never
  /// answered; in every other case nothing is written and nothing returned.
  private static let claim = Statement(
    "claim_idempotency_key",
    """
    INSERT INTO idempotency_keys AS k
      (key_id, path, key, body_hash, resource_id, lease, lease_until, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, now() + $7::int8 * interval '1 microsecond', now())
    ON CONFLICT (key_id, path, key) DO UPDATE SET
      body_hash = EXCLUDED.body_hash, lease = EXCLUDED.lease, lease_until = EXCLUDED.lease_until,
      resource_id = CASE WHEN k.created_at <= now() - interval '24 hours' THEN EXCLUDED.resource_id
        ELSE k.resource_id END,
      created_at = CASE WHEN k.created_at <= now() - interval '24 hours' THEN EXCLUDED.created_at
        ELSE k.created_at END,
      status = NULL, answer = NULL
    WHERE k.created_at <= now() - interval '24 hours'
      OR (k.status IS NULL AND k.lease_until <= now() AND k.body_hash = EXCLUDED.body_hash)
    RETURNING k.resource_id
    """)

  private static let find = Statement(
    "find_idempotency_key",
    "SELECT body_hash, status, answer FROM idempotency_keys WHERE key_id = $1 AND path = $2 AND key = $3")

  private static let keep = Statement(
    "keep_idempotent_answer",
    """
    UPDATE idempotency_keys SET status = $5, answer = $6
    WHERE key_id = $1 AND path = $2 AND key = $3 AND lease = $4
    """)

  private static let forget = Statement(
    "forget_idempotency_key",
    """
    DELETE FROM idempotency_keys
    WHERE key_id = $1 AND path = $2 AND key = $3 AND lease = $4 AND status IS NULL
    """)

  private static let endLease = Statement(
    "end_idempotency_lease",
    """
    UPDATE idempotency_keys SET lease_until = now()
    WHERE key_id = $1 AND path = $2 AND key = $3 AND lease = $4 AND status IS NULL
    """)

  private static let expire = Statement(
    "expire_idempotency_keys",
    """
    DELETE FROM idempotency_keys k USING (
      SELECT o.key_id, o.path, o.key FROM idempotency_keys o
      WHERE o.created_at <= now() - interval '24 hours' ORDER BY o.created_at LIMIT 2000) old
    WHERE k.key_id = old.key_id AND k.path = old.path AND k.key = old.key
      AND k.created_at <= now() - interval '24 hours'
    """)

  public func claim(_ request: IdempotentRequest, lease: Duration) async throws -> IdempotencyClaim {
    let held = HeldRequest(request: request, lease: clock.makeIdentifier(), resourceID: request.proposedID)
    return try await run { connection in
      while true {
        if let outcome = try Self.claim(held, lease: lease, on: connection) { return outcome }
        // Between the two looks its owner took the row away: then it can be ours.
      }
    }
  }

  private static func claim(
    _ held: HeldRequest, lease: Duration, on connection: Connection
  ) throws -> IdempotencyClaim? {
    var held = held
    var p = parameters(held.request)
    p.bytes(held.request.bodyHash)
    p.identifier(held.request.proposedID)
    p.identifier(held.lease)
    p.int8(lease.wholeMicroseconds)
    if let row = try connection.execute(claim, p).first {
      held.resourceID = Identifier(try row.uuid(0))
      return .held(held)
    }
    guard let row = try connection.execute(find, parameters(held.request)).first else { return nil }
    var reader = ColumnReader(row)
    guard try reader.bytes() == held.request.bodyHash else { return .otherBody }
    guard let status = try reader.int2OrNil(), let answer = try reader.bytesOrNil() else { return .inFlight }
    return .answered(KeptAnswer(status: status, sealed: answer))
  }

  public func keep(_ answer: KeptAnswer, for held: HeldRequest) async throws -> Bool {
    try await run { connection in
      var p = Self.parameters(held.request)
      p.identifier(held.lease)
      p.int2(Int16(clamping: answer.status))
      p.bytes(answer.sealed)
      return try connection.execute(Self.keep, p).affectedRows == 1
    }
  }

  public func release(_ held: HeldRequest, forgetting: Bool) async throws {
    try await run { connection in
      var p = Self.parameters(held.request)
      p.identifier(held.lease)
      try connection.execute(forgetting ? Self.forget : Self.endLease, p)
    }
  }

  public func expireIdempotencyKeys() async throws {
    while try await run({ try $0.execute(Self.expire).affectedRows }) == 2_000 {}
  }

  private static func parameters(_ request: IdempotentRequest) -> Parameters {
    var p = Parameters()
    p.identifier(request.keyID)
    p.text(request.path)
    p.text(request.key)
    return p
  }
}
