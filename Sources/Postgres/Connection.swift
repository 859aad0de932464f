// One session with PostgreSQL, for the one thread that owns it.

import CLibpq

/// A blocking connection over libpq. Confined to the thread that owns it: not Sendable.
///
/// It is always in pipeline mode and non-blocking underneath, so that every wait is a `poll` with a deadline. At the
/// deadline the statement is cancelled; when the cancel's answer does not come within `cancelGrace`, the connection
/// is dropped as broken. A broken connection stays broken until `open()`, so that no statement of a transaction can
/// run outside of it unseen.
public final class Connection {
  /// What a statement that was cancelled may take to answer; a deadline is overrun by this at most.
  public static let cancelGrace: Duration = .milliseconds(250)

  public let configuration: PostgresConfiguration
  /// Bounds every wait. Whoever lends the connection sets it.
  public var deadline: ContinuousClock.Instant

  var handle: OpaquePointer?
  var prepared = PreparedStatements()
  /// The server has sent a FATAL while no statement was under way.
  var hasSaidGoodbye = false
  /// Raised by other threads to end the current wait as cancelled.
  let interrupt: Interrupt?
  /// The statement under way has been cancelled, and for which reason.
  var stopping: PostgresError.Kind?
  /// `cancelGrace`, unless a test knows its machine to be slow.
  var ownCancelGrace = Connection.cancelGrace
  /// Until when its answer is waited for.
  var stopLimit: ContinuousClock.Instant = .now
  /// The answers on the wire belong to a unit.
  var hasOpenUnit = false
  private var errands: [() -> Void] = []

  /// Makes a closed connection.
  public convenience init(_ configuration: PostgresConfiguration) {
    self.init(configuration, interrupt: nil)
  }

  init(_ configuration: PostgresConfiguration, interrupt: Interrupt?) {
    self.configuration = configuration
    self.interrupt = interrupt
    self.deadline = .now + .seconds(30)
  }

  deinit { close() }

  // MARK: State

  public var isOpen: Bool { handle != nil }

  /// The server process of this session, as `pg_stat_activity.pid`; 0 when closed.
  public var backendProcess: Int32 { handle.map { PQbackendPID($0) } ?? 0 }

  /// For example 150018 for 15.18; 0 when closed.
  public var serverVersion: Int32 { handle.map { PQserverVersion($0) } ?? 0 }

  /// A transaction is open, or has failed and waits for its ROLLBACK.
  public var isInTransaction: Bool {
    guard let handle else { return false }
    return PQtransactionStatus(handle) != PQTRANS_IDLE
  }

  /// Whether the server has hung up while nobody looked; does not wait.
  var isStale: Bool {
    guard let handle else { return true }
    // Each round takes one read's worth; what an idle session is sent is short.
    for _ in 0..<16 {
      if PQstatus(handle) != CONNECTION_OK || hasSaidGoodbye { return true }
      guard case .ready = SocketWait.wait(for: PQsocket(handle), write: false, until: .now, interrupt: nil) else {
        return false
      }
      // Parsing is what hands an idle session's FATAL to the notice receiver.
      if PQconsumeInput(handle) == 0 || PQisBusy(handle) == 1 { return true }
    }
    return false
  }

  public func close() {
    if let handle { PQfinish(handle) }
    handle = nil
    hasSaidGoodbye = false
    hasOpenUnit = false
    prepared.removeAll()
  }

  // MARK: What can wait

  /// Has `work` done on this thread while the server is at work the next time, or by ``runErrands()``.
  func postpone(_ work: @escaping () -> Void) { errands.append(work) }

  /// Does now what was postponed.
  /// - Returns: whether there was something.
  @discardableResult
  func runErrands() -> Bool {
    if errands.isEmpty { return false }
    let due = errands
    errands.removeAll()
    for work in due { work() }
    return true
  }

  // MARK: Statements

  /// Runs one statement: outside of a transaction it is its own.
  @discardableResult
  public func execute(_ statement: Statement, _ parameters: Parameters = Parameters()) throws(PostgresError) -> Rows {
    try pipeline([(statement, parameters)])[0]
  }

  /// Runs several statements as one unit: one flush, one Sync, one implicit transaction unless the steps hold
  /// `BEGIN` … `COMMIT`.
  ///
  /// At the first failure the rest is skipped and its error thrown; a transaction that the unit opened is rolled back.
  /// A connection that is lost after the sending began leaves the outcome unknown, unless an outer transaction is open
  /// and no step commits it.
  ///
  /// - Returns: one answer per step.
  @discardableResult
  public func pipeline(_ steps: [(Statement, Parameters)]) throws(PostgresError) -> [Rows] {
    // Before anything is sent, so that the session stays as it is.
    for (statement, parameters) in steps { try parameters.validate(for: statement) }
    let unit = try begin()
    do throws(PostgresError) {
      for (statement, parameters) in steps { try unit.send(statement, parameters) }
      return try unit.finish()
    } catch {
      recover(from: unit)
      throw error
    }
  }

  /// Runs a unit whose statements are made while the server works on those before them; finishes it, if `body` has not.
  ///
  /// Any error ends it as one of a statement would: a transaction that it opened is rolled back.
  public func unit<Result>(_ body: (Pipeline) throws -> Result) throws -> Result {
    let unit = try begin()
    do {
      let result = try body(unit)
      if !unit.isFinished { try unit.finish() }
      // Also one that the body has swallowed: its transaction is gone.
      if let failure = unit.failure { throw failure }
      return result
    } catch {
      recover(from: unit)
      throw error
    }
  }

  private func begin() throws(PostgresError) -> Pipeline {
    let handle = try ready()
    if hasOpenUnit { throw Self.busy }
    if !isInTransaction { try dropUnused(on: handle) }
    return Pipeline(self, handle)
  }

  private static let busy = PostgresError(.unexpectedResult, "another unit of this connection is not finished")

  private func recover(from unit: Pipeline) {
    unit.abandon()
    if handle != nil && !unit.wasInTransaction && isInTransaction { rollBack() }
  }

  /// Runs a script of several statements without parameters, as the simple protocol does: one implicit transaction
  /// unless it says otherwise. For migrations and session commands.
  public func simple(_ sql: String) throws(PostgresError) {
    if sql.utf8.contains(0) { throw PostgresError(.invalidValue, "SQL must not contain NUL") }
    let handle = try ready()
    if hasOpenUnit { throw Self.busy }
    let wasInTransaction = isInTransaction
    do {
      try runScript(sql, on: handle)
    } catch {
      if self.handle != nil && !wasInTransaction && isInTransaction { rollBack() }
      throw error
    }
  }

  /// Runs `body` between `BEGIN` and `COMMIT`; an error rolls back and passes through.
  public func transaction<Result>(_ body: (Connection) throws -> Result) throws -> Result {
    try execute(.begin)
    do {
      let result = try body(self)
      let answer = try execute(.commit)
      // A transaction that failed inside, with the error swallowed, answers COMMIT with ROLLBACK.
      if answer.commandTag != "COMMIT" {
        throw PostgresError(.unexpectedResult, "the transaction had failed before its commit and was rolled back")
      }
      return result
    } catch {
      if handle != nil && isInTransaction { rollBack() }
      throw error
    }
  }

  /// Ends an open transaction, by dropping the connection if it must be. Takes twice `cancelGrace` at most.
  func rollBack() {
    let limit = deadline
    deadline = .now + Self.cancelGrace
    defer { deadline = limit }
    do { try execute(.rollback) } catch { close() }
  }

  /// Each prepared statement takes some of the server's memory for as long as the session lasts.
  private func dropUnused(on handle: OpaquePointer) throws(PostgresError) {
    let unused = prepared.forgetUnused(keeping: configuration.preparedStatements)
    if unused.isEmpty { return }
    let script = unused.map { "DEALLOCATE \"\($0.replacing("\"", with: "\"\""))\";" }.joined()
    var failure: PostgresError?
    do throws(PostgresError) { try runScript(script, on: handle) } catch { failure = error }
    // What is left has a name that is not used again. Without a connection nothing of the unit was sent.
    if self.handle == nil { throw lost(mayCommit: false, words: failure) }
  }

  /// The handle, if a statement may be sent now.
  private func ready() throws(PostgresError) -> OpaquePointer {
    guard let handle else { throw PostgresError(.connectionLost, "the connection is not open") }
    if deadline.hasPassed { throw PostgresError(.deadlineExceeded, "the deadline passed before sending") }
    return handle
  }
}
