// What to do with a batch that failed: a decision without I/O.

/// The retries that one batch has left, and what to do next. Parts of a split batch start with what the whole had left.
struct BatchRecovery: Sendable {
  enum Action: Equatable, Sendable {
    /// At once: the error was a race that is over.
    case retryNow
    /// After a short, jittered wait.
    case retryAfterBackoff
    /// With a (new) connection, for as long as somebody waits.
    case reconnect
    /// Halve it: some item is at fault.
    case split
    /// Every item gets the error.
    case fail
  }

  private var uniqueRetries = 1
  private var contentionRetries = 8
  private var transientRetries = 6

  init() {}

  mutating func decide(_ error: any Error, itemCount: Int) -> Action {
    guard let error = error as? PostgresError else { return .fail }
    switch error.kind {
    case .server(let state):
      // Usually another node has inserted the same key: the second look finds the row.
      if state == .uniqueViolation, Self.spend(&uniqueRetries) { return .retryNow }
      if state.isContention { return Self.spend(&contentionRetries) ? .retryAfterBackoff : .fail }
      if state.blamesData { return itemCount > 1 ? .split : .fail }
      if state.isTransient { return Self.spend(&transientRetries) ? .retryAfterBackoff : .fail }
      // Its table has changed and the plan was forgotten: the next attempt prepares anew.
      if state == .featureNotSupported || state == .invalidStatementName {
        return Self.spend(&uniqueRetries) ? .retryNow : .fail
      }
      return .fail
    case .invalidValue: return itemCount > 1 ? .split : .fail
    // Bounded by the items' deadlines.
    case .connectionLost, .unavailable, .deadlineExceeded: return .reconnect
    case .cancelled, .closed, .poolExhausted, .unexpectedResult, .invalidConfiguration: return .fail
    }
  }

  private static func spend(_ retries: inout Int) -> Bool {
    if retries == 0 { return false }
    retries -= 1
    return true
  }
}
