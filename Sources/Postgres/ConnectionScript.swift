// The simple protocol, for scripts, and waiting for notifications.

import CLibpq

/// What NOTIFY has sent.
public struct PostgresNotification: Sendable, Hashable {
  public let channel: String
  public let payload: String
}

extension Connection {
  func runScript(_ sql: String, on handle: OpaquePointer) throws(PostgresError) {
    stopping = nil
    // The simple protocol is not allowed in pipeline mode; both switches are local to libpq.
    guard PQexitPipelineMode(handle) == 1, PQsendQuery(handle, sql) == 1 else { throw lost(mayCommit: false) }
    var failure: PostgresError?
    while true {
      try awaitResult(on: handle, mayCommit: true, seen: failure)
      guard let result = PQgetResult(handle) else { break }
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: break
      case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE:
        let error = PostgresError(result, statement: nil)
        if PQstatus(handle) != CONNECTION_OK || error.kind == .connectionLost {
          throw lost(mayCommit: true, words: error)
        }
        if failure == nil { failure = error }
      default:
        close()
        throw PostgresError(.unexpectedResult, "the script starts a protocol that is not supported")
      }
    }
    let stopped = stopping
    stopping = nil
    guard PQenterPipelineMode(handle) == 1 else { throw lost(mayCommit: true) }
    if let stopped, failure?.sqlState == .queryCanceled { failure?.kind = stopped } else if stopped != nil { close() }
    if let failure { throw failure }
  }

  /// Waits for notifications, at most until the deadline; then the list is empty.
  func notifications() throws(PostgresError) -> [PostgresNotification] {
    guard let handle else { throw PostgresError(.connectionLost, "the connection is not open") }
    while true {
      var found: [PostgresNotification] = []
      while let pointer = PQnotifies(handle) {
        found.append(
          PostgresNotification(
            channel: String(cString: pointer.pointee.relname), payload: String(cString: pointer.pointee.extra)))
        PQfreemem(pointer)
      }
      if !found.isEmpty { return found }
      switch SocketWait.wait(for: PQsocket(handle), write: false, until: deadline, interrupt: interrupt) {
      case .ready:
        if PQconsumeInput(handle) == 0 { throw lost(mayCommit: false) }
      case .expired: return []
      case .interrupted: throw PostgresError(.cancelled, "woken")
      }
    }
  }
}
