// One unit in the making: statements are sent as they are made, answers are read when they are wanted.

import CLibpq

/// Statements on their way to the server, one unit until ``finish()``: one Sync, and one implicit transaction unless they
/// hold `BEGIN` … `COMMIT`.
///
/// The server works on what has been flushed while the caller makes the next statement or reads an answer. At the first
/// failure it skips the rest, and its error is thrown by whoever asks for an answer that there is not. Comes from
/// ``Connection/unit(_:)``, must not leave it, and nothing else may use the connection until it is finished.
public final class Pipeline {
  /// What was sent, in order; each has one answer.
  private enum Sent {
    case prepare(step: Int, PreparedStatements.Handle)
    case execute(step: Int)

    var step: Int {
      switch self {
      case .prepare(let step, _), .execute(let step): step
      }
    }

    func prepares(_ serverName: String) -> Bool {
      if case .prepare(_, let entry) = self { entry.serverName == serverName } else { false }
    }
  }

  private let connection: Connection
  private let handle: OpaquePointer
  let wasInTransaction: Bool
  private var statements: [Statement] = []
  private var sent: [Sent] = []
  private var answers: [Rows] = []
  /// Of `sent`: whose answer comes next.
  private var next = 0
  private(set) var failure: PostgresError?
  private var hasSentCommit = false
  /// Its end was sent: nothing can be added, and what is implicit may be committed.
  public private(set) var isFinished = false

  init(_ connection: Connection, _ handle: OpaquePointer) {
    self.connection = connection
    self.handle = handle
    wasInTransaction = connection.isInTransaction
    connection.stopping = nil
    connection.hasOpenUnit = true
  }

  /// Whether it would be committed by being finished.
  var isImplicit: Bool { !wasInTransaction && statements.first != .begin }

  /// Whether what was sent may have been committed, should the connection be lost now.
  private var mayCommit: Bool { hasSentCommit || isFinished && !wasInTransaction }

  // MARK: Sending

  /// Sends a statement; what libpq still holds of it goes with the next flush.
  /// - Returns: its step, by which its answer is asked for.
  /// - Throws: `.invalidValue` for a parameter that PostgreSQL would not take, `.connectionLost`.
  @discardableResult
  public func send(_ statement: Statement, _ parameters: Parameters = Parameters()) throws(PostgresError) -> Int {
    try parameters.validate(for: statement)
    precondition(!isFinished, "a statement for a unit that has ended")
    let step = statements.count
    let entry = connection.prepared.handle(for: statement, parameters)
    if entry.needsPrepare && !sent.contains(where: { $0.prepares(entry.serverName) }) {
      guard sendPrepare(entry, statement, parameters) else { throw lost() }
      sent.append(.prepare(step: step, entry))
    }
    guard sendExecute(entry, parameters) else { throw lost() }
    sent.append(.execute(step: step))
    statements.append(statement)
    if statement.commits { hasSentCommit = true }
    return step
  }

  /// Has the server begin with what was sent, and hand out the answers as they are made.
  public func flush() throws(PostgresError) {
    guard PQsendFlushRequest(handle) == 1, PQflush(handle) >= 0 else { throw lost() }
  }

  private func sendPrepare(
    _ entry: PreparedStatements.Handle, _ statement: Statement, _ parameters: Parameters
  ) -> Bool {
    let types = parameters.slots.map(\.type.rawValue)
    return PQsendPrepare(handle, entry.serverName, statement.sql, Int32(types.count), types) == 1
  }

  private func sendExecute(_ entry: PreparedStatements.Handle, _ parameters: Parameters) -> Bool {
    let slots = parameters.slots
    let count = slots.count
    if count == 0 { return PQsendQueryPrepared(handle, entry.serverName, 0, nil, nil, nil, 1) == 1 }
    return parameters.buffer.withUnsafeBufferPointer { buffer in
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { numbers in
          // A value of no bytes in an empty buffer still needs an address: NULL would say NULL.
          let empty = UnsafeRawPointer(numbers.baseAddress!)
          let base = buffer.baseAddress.map { UnsafeRawPointer($0) } ?? empty
          for index in 0..<count {
            let slot = slots[index]
            let address = slot.length == 0 ? empty : base + slot.offset
            values[index] = slot.length < 0 ? nil : address.assumingMemoryBound(to: CChar.self)
            numbers[index] = max(0, slot.length)
            numbers[count + index] = 1
          }
          let lengths = numbers.baseAddress!
          return PQsendQueryPrepared(
            handle, entry.serverName, Int32(count), values.baseAddress, lengths, lengths + count, 1) == 1
        }
      }
    }
  }

  // MARK: Answers

  /// Waits for the answer to a step, which must have been flushed.
  /// - Throws: the unit's first error. The unit is finished then.
  public func answer(to step: Int) throws(PostgresError) -> Rows {
    while step >= answers.count {
      if failure != nil { try finish() }
      if try read() { throw endedEarly() }
    }
    return answers[step]
  }

  /// Ends the unit and waits for what there is still to come.
  /// - Returns: one answer per statement.
  /// - Throws: the unit's first error. A connection that is lost now leaves the outcome unknown, unless an outer
  ///   transaction is open and no statement commits it.
  @discardableResult
  public func finish() throws(PostgresError) -> [Rows] {
    precondition(!isFinished, "a unit is finished once")
    isFinished = true
    defer { connection.hasOpenUnit = false }
    guard PQpipelineSync(handle) == 1 else { throw lost() }
    while try !read() {}
    return try settled()
  }

  /// Leaves the connection as after any other failure, whatever is under way.
  func abandon() {
    guard !isFinished, connection.handle != nil else { return }
    // Nobody has asked for it to be committed, which its end would do.
    if isImplicit { return connection.close() }
    _ = try? finish()
  }

  /// Reads one answer.
  /// - Returns: whether it was the last.
  private func read() throws(PostgresError) -> Bool {
    try connection.awaitResult(on: handle, mayCommit: mayCommit, seen: failure)
    guard let result = PQgetResult(handle) else {
      // NULL parts the answers of one statement from those of the next.
      // One more where the commit at Sync has failed.
      next += 1
      if next > sent.count + 1 { throw lost() }
      return false
    }
    switch PQresultStatus(result) {
    case PGRES_PIPELINE_SYNC:
      PQclear(result)
      return true
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
      if next < sent.count, case .prepare(_, let entry) = sent[next] {
        connection.prepared.markPrepared(entry)
        PQclear(result)
      } else {
        answers.append(Rows(ResultMemory(result)))
      }
    case PGRES_PIPELINE_ABORTED:
      PQclear(result)
    case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE:
      try note(result)
    default:
      // COPY and the like are not spoken here, and the session cannot be brought back from them.
      PQclear(result)
      connection.close()
      throw PostgresError(.unexpectedResult, "the statement starts a protocol that is not supported")
    }
    return false
  }

  private func note(_ result: OpaquePointer) throws(PostgresError) {
    // After the last statement's answer: the implicit commit at Sync has failed.
    let step = next < sent.count ? sent[next].step : statements.count - 1
    let error = PostgresError(result, statement: step < 0 ? nil : statements[step].name)
    PQclear(result)
    if PQstatus(handle) != CONNECTION_OK || error.kind == .connectionLost {
      throw connection.lost(mayCommit: mayCommit && failure == nil, words: failure ?? error)
    }
    if failure == nil { failure = error }
  }

  private func settled() throws(PostgresError) -> [Rows] {
    let stopped = connection.stopping
    connection.stopping = nil
    guard let failure else {
      if answers.count != statements.count { throw endedEarly() }
      // It was done in spite of a cancel request, which may still be on its way: it must not hit the next statement.
      if stopped != nil { connection.close() }
      return answers
    }
    if let stopped {
      if failure.sqlState == .queryCanceled {
        var error = failure
        error.kind = stopped
        throw error
      }
      connection.close()
    }
    if failure.sqlState == .featureNotSupported || failure.sqlState == .invalidStatementName {
      // "cached plan must not change result type", or somebody has deallocated: prepare anew.
      for statement in statements { connection.prepared.forget(statement.name) }
    }
    throw failure
  }

  private func endedEarly() -> PostgresError {
    isFinished = true
    connection.close()
    return PostgresError(
      .unexpectedResult, "\(answers.count) answers to \(statements.count) statements", outcomeUnknown: mayCommit)
  }

  private func lost() -> PostgresError { connection.lost(mayCommit: mayCommit) }
}
