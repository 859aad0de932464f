// What decides on when a message leaves, and when the next one ends that waits.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let zone = Statement(
    "contact_time_zone",
    """
    SELECT c.attributes->>'timeZone' FROM contact_channels a
    JOIN LATERAL (SELECT c.attributes FROM contacts c WHERE c.id = a.contact_id LIMIT 1) c ON true
    WHERE a.type = $1 AND a.address = $2
    """)

  /// What the contact's attribute `timeZone` says, as it stands there.
  public func timeZone(of address: Address) async throws -> String? {
    try await run { connection in
      var parameters = Parameters()
      parameters.text(address.type.rawValue)
      parameters.text(address.value)
      return try connection.execute(Self.zone, parameters).first?.textOrNil(0)
    }
  }

  private static let nextEnd = Statement(
    "next_expiry",
    """
    SELECT expires_at FROM outbox WHERE expires_at IS NOT NULL AND state IN (0, 3) ORDER BY expires_at LIMIT 1
    """)

  public func nextExpiry() async throws -> Timestamp? {
    try await run { connection in
      try connection.execute(Self.nextEnd).first.map { Timestamp(microseconds: try $0.timestamp(0)) }
    }
  }

  public func expireSends(limit: Int, deadline: Duration) async throws -> Int {
    try await expiries.submit(limit, deadline: deadline)
  }
}
