// Interactive content that was deposited with providers.

import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// That it is used is written down once a day.
  private static let find = Statement(
    "deposit_sid",
    """
    WITH used AS (
      UPDATE content_deposits SET used_at = now()
      WHERE account_sid = $1 AND digest = $2 AND used_at < now() - interval '1 day')
    SELECT sid FROM content_deposits WHERE account_sid = $1 AND digest = $2
    """)

  /// The update changes nothing, and has the row returned that was there first.
  private static let remember = Statement(
    "remember_deposit",
    """
    INSERT INTO content_deposits AS d (account_sid, digest, sid) VALUES ($1, $2, $3)
    ON CONFLICT (account_sid, digest) DO UPDATE SET sid = d.sid RETURNING d.sid
    """)

  private static let forget = Statement(
    "forget_deposit", "DELETE FROM content_deposits WHERE account_sid = $1 AND digest = $2 AND sid = $3")

  public func depositSID(digest: String, account: String) async throws -> String? {
    try await run { connection in
      try connection.execute(Self.find, Self.parameters(account, digest)).first.map { try $0.text(0) }
    }
  }

  public func rememberDeposit(_ sid: String, digest: String, account: String) async throws -> String {
    try await run { connection in
      try connection.execute(Self.remember, Self.parameters(account, digest, sid)).first.map { try $0.text(0) } ?? sid
    }
  }

  public func forgetDeposit(_ sid: String, digest: String, account: String) async throws {
    try await run { connection in
      _ = try connection.execute(Self.forget, Self.parameters(account, digest, sid))
    }
  }

  private static let expire = Statement(
    "expire_deposits",
    """
    DELETE FROM content_deposits WHERE (account_sid, digest) IN (
      SELECT account_sid, digest FROM content_deposits WHERE used_at < now() - make_interval(secs => $1)
      ORDER BY used_at LIMIT 10000)
    """)

  public func expireDeposits(olderThan age: Duration) async throws {
    try await run { connection in
      var parameters = Parameters()
      parameters.double(age.inSeconds)
      try connection.execute(Self.expire, parameters)
    }
  }

  private static func parameters(_ texts: String...) -> Parameters {
    var parameters = Parameters()
    for text in texts { parameters.text(text) }
    return parameters
  }
}
