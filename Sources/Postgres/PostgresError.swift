// What can go wrong between us and PostgreSQL, as a value.

/// A failure of a statement, a connection, a pool or a lane.
///
/// `description` carries no row data: the server's `detail`, which quotes keys, is kept apart for the log.
public struct PostgresError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable {
    /// The server refused the statement; the connection lives on.
    case server(sqlState: SQLState)
    /// The connection broke while it was in use. `sqlState` holds the server's last word, if there was one.
    case connectionLost
    /// The deadline passed: in the queue, or on the wire (the statement was then cancelled).
    case deadlineExceeded
    /// The calling task was cancelled.
    case cancelled
    /// No connection could be made, or a lane's queue is full. Nothing was done.
    case unavailable
    /// Every session is busy and the wait queue is full. Nothing was done.
    case poolExhausted
    /// The connection, pool or lane has been closed.
    case closed
    /// A parameter cannot be sent: NUL or invalid UTF-8 in text, too long. Nothing was sent.
    case invalidValue
    /// A column was read as what it is not, or an answer has an unexpected shape.
    case unexpectedResult
    /// The URL or a setting cannot be used.
    case invalidConfiguration
  }

  public var kind: Kind
  /// The primary message, in words.
  public var message: String
  /// The server's detail. May quote row data: for the log only.
  public var detail: String?
  public var hint: String?
  public var constraint: String?
  public var table: String?
  public var column: String?
  /// The name of the `Statement` that failed.
  public var statement: String?
  /// The server's code, also where it came with the end of the connection.
  public var sqlState: SQLState?
  /// The failure came after something that may have committed was handed to the server, and no answer came back.
  public var outcomeUnknown: Bool

  public init(
    _ kind: Kind, _ message: String, detail: String? = nil, sqlState: SQLState? = nil, outcomeUnknown: Bool = false
  ) {
    self.kind = kind
    self.message = message
    self.detail = detail
    self.outcomeUnknown = outcomeUnknown
    if case .server(let state) = kind { self.sqlState = state } else { self.sqlState = sqlState }
  }

  /// The same work may succeed later without being changed. With `outcomeUnknown`, repeat only what is idempotent.
  public var isRetryable: Bool {
    switch kind {
    case .connectionLost, .deadlineExceeded, .unavailable, .poolExhausted: true
    case .server(let state): state.isTransient
    case .cancelled, .closed, .invalidValue, .unexpectedResult, .invalidConfiguration: false
    }
  }

  public var description: String {
    var text = "\(kindWord): \(message)"
    if let sqlState { text += " (SQLSTATE \(sqlState))" }
    if let constraint { text += " [constraint \(constraint)]" }
    if let table { text += " [table \(table)]" }
    if let statement { text += " [statement \(statement)]" }
    if outcomeUnknown { text += " [outcome unknown]" }
    return text
  }

  private var kindWord: String {
    switch kind {
    case .server: "server"
    case .connectionLost: "connection lost"
    case .deadlineExceeded: "deadline exceeded"
    case .cancelled: "cancelled"
    case .unavailable: "unavailable"
    case .poolExhausted: "pool exhausted"
    case .closed: "closed"
    case .invalidValue: "invalid value"
    case .unexpectedResult: "unexpected result"
    case .invalidConfiguration: "invalid configuration"
    }
  }
}
