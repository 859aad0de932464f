// Asking the server to stop a statement, without waiting for it.

import CLibpq
import Synchronization

/// PostgreSQL's cancel request, sent from a thread of its own: `PQcancel` connects and waits without a bound, and a
/// stopped server would hold it for as long as it is stopped.
enum CancelRequest {
  /// At most so many are under way at once; beyond that a request is left out (the server notices the dropped
  /// connection by `client_connection_check_interval`).
  private static let maximumUnderWay = 16
  private static let underWay = Atomic<Int>(0)

  // Sound: made by one thread, then used and freed by the one other thread that it is handed to.
  private struct Ticket: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  static func send(for connection: OpaquePointer) {
    guard underWay.load(ordering: .relaxed) < maximumUnderWay, let pointer = PQgetCancel(connection) else { return }
    let ticket = Ticket(pointer: pointer)
    underWay.wrappingAdd(1, ordering: .relaxed)
    let started = DedicatedThread.start(name: "pg-cancel") {
      var message = [CChar](repeating: 0, count: 256)
      _ = PQcancel(ticket.pointer, &message, Int32(message.count))
      PQfreeCancel(ticket.pointer)
      underWay.wrappingSubtract(1, ordering: .relaxed)
    }
    if !started {
      PQfreeCancel(pointer)
      underWay.wrappingSubtract(1, ordering: .relaxed)
    }
  }
}
