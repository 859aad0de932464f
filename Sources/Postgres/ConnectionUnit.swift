// One pipelined unit: everything is sent while answers are read, then one Sync.

import CLibpq

extension Connection {
  /// What is sent in a unit, in order; each has one answer.
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

  func runUnit(
    _ steps: [(Statement, Parameters)], on handle: OpaquePointer, mayCommit: Bool
  ) throws(PostgresError) -> [Rows] {
    stopping = nil
    var sent: [Sent] = []
    for (step, (statement, parameters)) in steps.enumerated() {
      let entry = prepared.handle(for: statement, parameters)
      if entry.needsPrepare && !sent.contains(where: { $0.prepares(entry.serverName) }) {
        guard sendPrepare(entry, statement, parameters, on: handle) else { throw lost(mayCommit: false) }
        sent.append(.prepare(step: step, entry))
      }
      guard sendExecute(entry, parameters, on: handle) else { throw lost(mayCommit: false) }
      sent.append(.execute(step: step))
    }
    guard PQpipelineSync(handle) == 1 else { throw lost(mayCommit: mayCommit) }

    var answers: [Rows] = []
    answers.reserveCapacity(steps.count)
    var failure: PostgresError?
    var index = 0
    while true {
      try awaitResult(on: handle, mayCommit: mayCommit, seen: failure)
      guard let result = PQgetResult(handle) else {
        // NULL parts the answers of one statement from those of the next.
        // One more where the commit at Sync has failed.
        index += 1
        if index > sent.count + 1 { throw lost(mayCommit: mayCommit) }
        continue
      }
      let status = PQresultStatus(result)
      switch status {
      case PGRES_PIPELINE_SYNC:
        PQclear(result)
        return try finish(answers, failure, of: steps)
      case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
        if index < sent.count, case .prepare(_, let entry) = sent[index] {
          prepared.markPrepared(entry)
          PQclear(result)
        } else {
          answers.append(Rows(ResultMemory(result)))
        }
      case PGRES_PIPELINE_ABORTED:
        PQclear(result)
      case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE:
        // After the last statement's answer: the implicit commit at Sync has failed.
        let step = index < sent.count ? sent[index].step : steps.count - 1
        let error = PostgresError(result, statement: steps.isEmpty ? nil : steps[step].0.name)
        PQclear(result)
        if PQstatus(handle) != CONNECTION_OK || error.kind == .connectionLost {
          throw lost(mayCommit: mayCommit && failure == nil, words: failure ?? error)
        }
        if failure == nil { failure = error }
      default:
        // COPY and the like are not spoken here, and the session cannot be brought back from them.
        PQclear(result)
        close()
        throw PostgresError(.unexpectedResult, "the statement starts a protocol that is not supported")
      }
    }
  }

  private func finish(
    _ answers: [Rows], _ failure: PostgresError?, of steps: [(Statement, Parameters)]
  ) throws(PostgresError) -> [Rows] {
    let stopped = stopping
    stopping = nil
    guard let failure else {
      if answers.count != steps.count {
        close()
        throw PostgresError(.unexpectedResult, "\(answers.count) answers to \(steps.count) statements")
      }
      // It was done in spite of a cancel request, which may still be on its way: it must not hit the next statement.
      if stopped != nil { close() }
      return answers
    }
    if let stopped {
      if failure.sqlState == .queryCanceled {
        var error = failure
        error.kind = stopped
        throw error
      }
      close()
    }
    if failure.sqlState == .featureNotSupported || failure.sqlState == .invalidStatementName {
      // "cached plan must not change result type", or somebody has deallocated: prepare anew.
      for (statement, _) in steps { prepared.forget(statement.name) }
    }
    throw failure
  }

  // MARK: Sending

  private func sendPrepare(
    _ entry: PreparedStatements.Handle, _ statement: Statement, _ parameters: Parameters, on handle: OpaquePointer
  ) -> Bool {
    let types = parameters.slots.map(\.type.rawValue)
    return PQsendPrepare(handle, entry.serverName, statement.sql, Int32(types.count), types) == 1
  }

  private func sendExecute(
    _ entry: PreparedStatements.Handle, _ parameters: Parameters, on handle: OpaquePointer
  ) -> Bool {
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
}
