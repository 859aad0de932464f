// A thousand reconnects at random moments, under load: each client's log is exactly the event log.

import ChannelProtocol
import Synchronization
import Testing

@testable import Sinks

@Suite struct RealtimeReconnectTests {
  private static let clients = 20
  private static let reconnects = 50

  /// How far the publisher is.
  private final class Log: Sendable {
    private let state = Mutex((newest: Int64(0), hasEnded: false))
    var newest: Int64 { state.withLock(\.newest) }
    var hasEnded: Bool { state.withLock(\.hasEnded) }
    func published(_ seq: Int64) { state.withLock { $0.newest = seq } }
    func end() { state.withLock { $0.hasEnded = true } }
  }

  /// One client's connection, whatever it speaks.
  private enum Reader {
    case webSocket(RealtimeTestClient)
    case socketIO(MessagingTestClient)

    static func open(_ kind: String, _ port: Int, after: Int64) async throws -> Reader {
      guard kind == "websocket" else { return .socketIO(try await MessagingTestClient.open(port, after: after)) }
      let client = try await RealtimeTestClient.open(port)
      try await client.send(#"{"type":"subscribe","after":\#(after)}"#)
      let ready = try await client.text()
      try #require(ready.hasPrefix(#"{"type":"ready""#), "\(ready)")
      return .webSocket(client)
    }

    func event() async throws -> Int64 {
      switch self {
      case .webSocket(let client): try await client.event()
      case .socketIO(let client): try await client.event()
      }
    }
  }

  /// A small ring and small pages, so that who comes back reads the log, the ring, and both in turn.
  @Test(
    "after 1,000 reconnects at random moments each client's log is exactly the event log",
    arguments: ["websocket", "socket.io"])
  func reconnects(kind: String) async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.catchUpPage = 40
    try await RealtimeTestServer.run(limits: limits, ringCapacity: 100) { server in
      let busy = RealtimeTally()
      let log = Log()
      let logs = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for _ in 0..<Self.clients {
          group.addTask {
            var seen: [Int64] = []
            for _ in 0..<Self.reconnects {
              let reader = try await Reader.open(kind, server.port, after: seen.last ?? 0)
              // No more than has been published by now: nothing is waited for.
              for _ in 0..<Int.random(in: 0...80) where seen.last ?? 0 < log.newest {
                seen.append(try await reader.event())
              }
            }
            busy.add()
            try await RealtimeTestServer.eventually { log.hasEnded }
            let last = log.newest
            let reader = try await Reader.open(kind, server.port, after: seen.last ?? 0)
            while seen.last ?? 0 < last { seen.append(try await reader.event()) }
            return seen
          }
        }
        group.addTask {
          var seq: Int64 = 0
          while busy.count < Self.clients {
            let next = seq + Int64.random(in: 1...3)
            server.publish(seq + 1...next)
            seq = next
            log.published(seq)
            // Load, but not so much that the clients cannot come to an end.
            try await Task.sleep(for: .milliseconds(10))
          }
          log.end()
          return []
        }
        return try await group.reduce(into: [[Int64]]()) { if !$1.isEmpty { $0.append($1) } }
      }
      let last = log.newest
      #expect(logs.count == Self.clients)
      for seen in logs { #expect(seen == Array(1...last)) }
    }
  }
}
