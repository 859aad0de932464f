// The lane thread's own things: its connection, its patience, its words.

import Logging

/// Confined to the lane's thread.
final class LaneSession {
  let connection: Connection
  let signal: LaneSignal
  private let batchTimeout: Duration
  private let logger: Logger
  private let onError: (@Sendable (PostgresError, Connection) -> Bool)?
  private let connected: (Bool) -> Void
  private var reconnect = Backoff(base: .milliseconds(25), cap: .seconds(1))
  private var contention = Backoff(base: .milliseconds(5), cap: .milliseconds(200))
  private var mends = 0
  /// Mends in a row without a batch that succeeded.
  private static let maximumMends = 3

  init(
    connection: Connection, signal: LaneSignal, batchTimeout: Duration, logger: Logger,
    onError: (@Sendable (PostgresError, Connection) -> Bool)?, connected: @escaping (Bool) -> Void
  ) {
    self.connection = connection
    self.signal = signal
    self.batchTimeout = batchTimeout
    self.logger = logger
    self.onError = onError
    self.connected = connected
  }

  /// A connection that is alive, with the batch's deadline on it.
  func prepare(until latest: ContinuousClock.Instant) throws(PostgresError) {
    connection.deadline = min(.now + batchTimeout, latest)
    guard connection.isStale else { return }
    connection.runErrands()
    connected(false)
    try connection.open()
    connected(true)
  }

  func succeeded() {
    reconnect.reset()
    contention.reset()
    mends = 0
  }

  func checkFinished() throws(PostgresError) {
    guard connection.isOpen, connection.isInTransaction else { return }
    connection.rollBack()
    throw PostgresError(.unexpectedResult, "the operation left its transaction open")
  }

  /// Gives the owner a chance to remove what is in the way. True: run the batch again.
  func mend(_ error: any Error) -> Bool {
    if connection.isOpen && connection.isInTransaction { connection.rollBack() }
    connected(connection.isOpen)
    guard let error = error as? PostgresError, let onError, case .server = error.kind, connection.isOpen,
      mends < Self.maximumMends
    else { return false }
    mends += 1
    connection.deadline = .now + batchTimeout
    let isMended = onError(error, connection)
    if connection.isOpen && connection.isInTransaction { connection.rollBack() }
    return isMended
  }

  func waitBeforeRetry(_ action: BatchRecovery.Action, after error: any Error, operation: String) {
    logger.warning("a batch is written again", metadata: ["operation": "\(operation)", "error": "\(error)"])
    switch action {
    case .retryAfterBackoff: signal.pause(contention.next())
    case .reconnect: signal.pause(reconnect.next())
    case .retryNow, .split, .fail: break
    }
  }
}
