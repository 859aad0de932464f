// Where PostgreSQL is and how a session with it is set up.

import CLibpq

/// A libpq URL or conninfo string with what we set on top of it. Never shows the password.
public struct PostgresConfiguration: Sendable, Hashable {
  /// `postgresql://…` or `key=value …`, anything that libpq takes. Holds the password.
  let url: String
  /// Used unless the URL names one.
  public var applicationName: String
  /// Bounds one attempt to connect. Name resolution is libpq's and blocks outside of it: prefer `hostaddr` or a
  /// resolver with short timeouts.
  public var connectTimeout: Duration
  /// How long a statement waits for a lock before it fails with 55P03.
  public var lockTimeout: Duration
  /// A session that sits in an open transaction for longer is ended by the server.
  public var idleInTransactionTimeout: Duration
  /// The server's own bound on a statement; nil leaves it to the deadlines here.
  public var statementTimeout: Duration?
  /// Further settings of the session, for example `["plan_cache_mode": "force_generic_plan"]`.
  public var sessionSettings: [String: String]
  /// How many statements a session keeps prepared, those that were used last.
  public var preparedStatements = 256

  public init(
    url: String, applicationName: String = "fractal", connectTimeout: Duration = .seconds(3),
    lockTimeout: Duration = .seconds(2), idleInTransactionTimeout: Duration = .seconds(5),
    statementTimeout: Duration? = nil, sessionSettings: [String: String] = [:]
  ) {
    self.url = url
    self.applicationName = applicationName
    self.connectTimeout = connectTimeout
    self.lockTimeout = lockTimeout
    self.idleInTransactionTimeout = idleInTransactionTimeout
    self.statementTimeout = statementTimeout
    self.sessionSettings = sessionSettings
  }

  /// Throws `.invalidConfiguration` when libpq cannot read the URL. The message does not quote it.
  public func validate() throws(PostgresError) { _ = try parsed() }

  /// What the URL says, by libpq's keywords; only what it sets.
  func parsed() throws(PostgresError) -> [String: String] {
    // libpq's own message quotes the string, and so the password: it is not passed on.
    guard !url.utf8.contains(0), let options = PQconninfoParse(url, nil) else {
      throw PostgresError(.invalidConfiguration, "not a PostgreSQL URL or connection string that libpq can read")
    }
    defer { PQconninfoFree(options) }
    var values: [String: String] = [:]
    var next = options
    while let keyword = next.pointee.keyword {
      if let value = next.pointee.val { values[String(cString: keyword)] = String(cString: value) }
      next += 1
    }
    return values
  }

  /// The keywords and values for `PQconnectStartParams`.
  func connectionParameters() throws(PostgresError) -> [(keyword: String, value: String)] {
    let given = try parsed()
    // A dead peer must be noticed on connections that only listen, and by the cancel request.
    var parameters = [
      "keepalives": "1", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3",
      "tcp_user_timeout": "25000", "fallback_application_name": applicationName,
    ]
    parameters.merge(given) { $1 }
    parameters["client_encoding"] = "UTF8"
    parameters["options"] = [given["options"], sessionOptions].compactMap(\.self).joined(separator: " ")
    return parameters.sorted { $0.key < $1.key }.map { (keyword: $0.key, value: $0.value) }
  }

  /// Startup options: blanks and backslashes are escaped as libpq's documentation asks.
  private var sessionOptions: String {
    var settings = [
      "lock_timeout": "\(lockTimeout.wholeMilliseconds)",
      "idle_in_transaction_session_timeout": "\(idleInTransactionTimeout.wholeMilliseconds)",
      // A statement whose client has gone ends within this time, even when the cancel request got lost.
      "client_connection_check_interval": "2000",
    ]
    if let statementTimeout { settings["statement_timeout"] = "\(statementTimeout.wholeMilliseconds)" }
    settings.merge(sessionSettings) { $1 }
    return settings.sorted { $0.key < $1.key }.map { key, value in
      let escaped = value.flatMap { $0 == " " || $0 == "\\" ? ["\\", $0] : [$0] }
      return "-c \(key)=\(String(escaped))"
    }.joined(separator: " ")
  }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Host, port, database and user: nothing that is secret.
  public var description: String {
    guard let given = try? parsed() else { return "PostgreSQL (unreadable URL)" }
    let shown = ["host", "hostaddr", "port", "dbname", "user", "sslmode"]
    return "PostgreSQL " + shown.compactMap { key in given[key].map { "\(key)=\($0)" } }.joined(separator: " ")
  }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
