// Waiting for answers: deadlines, cancellation, and the end of a connection.

import CLibpq

extension Connection {
  /// Waits until `PQgetResult` has something to say without blocking. Sends what is still to be sent meanwhile, and
  /// reads while it sends, so that two full socket buffers cannot face each other.
  func awaitResult(
    on handle: OpaquePointer, mayCommit: Bool, seen failure: PostgresError?
  ) throws(PostgresError) {
    while true {
      let unsent = PQflush(handle)
      if unsent < 0 { throw lost(mayCommit: mayCommit && failure == nil, words: failure ?? lastWords(handle)) }
      if PQisBusy(handle) == 0 { return }
      // What was sent may have gone on meanwhile.
      if runErrands() { continue }
      let limit = stopping == nil ? deadline : stopLimit
      switch SocketWait.wait(
        for: PQsocket(handle), write: unsent == 1, until: limit, interrupt: stopping == nil ? interrupt : nil)
      {
      case .ready:
        if PQconsumeInput(handle) == 0 {
          throw lost(mayCommit: mayCommit && failure == nil, words: failure ?? lastWords(handle))
        }
      case .expired where stopping == nil: stop(.deadlineExceeded, handle)
      case .interrupted: stop(.cancelled, handle)
      case .expired:
        // No answer to the cancel request either: the server is stopped, or out of reach.
        let kind = stopping ?? .deadlineExceeded
        stopping = nil
        close()
        let words = kind == .cancelled ? "cancelled, and the server did not answer" : "no answer before the deadline"
        throw PostgresError(kind, words, outcomeUnknown: mayCommit && failure == nil)
      }
    }
  }

  private func stop(_ kind: PostgresError.Kind, _ handle: OpaquePointer) {
    stopping = kind
    stopLimit = .now + ownCancelGrace
    CancelRequest.send(for: handle)
  }

  /// Closes the connection and says how it ended.
  ///
  /// A server's error that came before the end settles the outcome: the unit was rolled back.
  func lost(mayCommit: Bool, words: PostgresError? = nil) -> PostgresError {
    let last = words ?? handle.map(lastWords) ?? PostgresError(.connectionLost, "the connection was lost")
    stopping = nil
    close()
    return last.asLostConnection(outcomeUnknown: mayCommit)
  }

  /// What the server said before it hung up, if it said something (57P01 after `pg_terminate_backend`).
  private func lastWords(_ handle: OpaquePointer) -> PostgresError {
    // Bounded: each round takes one parsed answer off the queue.
    for _ in 0..<1_000 where PQisBusy(handle) == 0 {
      guard let result = PQgetResult(handle) else { continue }
      defer { PQclear(result) }
      if PQresultStatus(result) == PGRES_FATAL_ERROR {
        return PostgresError(result, statement: nil)
      }
    }
    return PostgresError(.connectionLost, String(cString: PQerrorMessage(handle)).trimmed)
  }
}
