// What readers cost that take little: pages from the log are small, and nobody keeps one that he does not take.

import Foundation
import NIOCore
import Testing

@testable import Sinks

#if os(Linux)
@Suite struct RealtimeMemoryTests {
  /// The process's resident memory, in bytes.
  static func resident() throws -> Int {
    let words = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return try #require(Int(words[1])) * 4_096
  }

  @Test(
    "a hundred readers that are far behind and read nothing cost a few megabytes",
    arguments: ["websocket", "socket.io"])
  func trickles(kind: String) async throws {
    try await RealtimeTestServer.run(ringCapacity: 10) { server in
      for seq in Int64(1)...1_000 { server.publish([RealtimeTestServer.event(seq, size: 4_000)]) }
      let before = try Self.resident()
      var clients: [RealtimeTestClient] = []
      for _ in 0..<100 {
        let client: RealtimeTestClient
        if kind == "websocket" {
          client = try await RealtimeTestClient.open(server.port)
          try await client.channel.setOption(.autoRead, value: false).get()
          try await client.send(#"{"type":"subscribe","after":0}"#)
        } else {
          client = try await MessagingTestClient.connect(server.port, auth: #"{"token":"sender","after":0}"#)
            .client.connection
          try await client.channel.setOption(.autoRead, value: false).get()
        }
        clients.append(client)
      }
      // All have as much as their sockets take when they were given the first page and more.
      try await RealtimeTestServer.eventually {
        server.metrics["fractal_realtime_events_sent_total"] >= 100 * 16 && server.log.reads >= 100
      }
      let grown = try Self.resident() - before
      #expect(grown < 80 << 20, "\(grown >> 20) MiB")
      // And they lose nothing by it.
      let client = try #require(clients.first)
      try await client.channel.setOption(.autoRead, value: true).get()
      var last: Int64 = 0
      while last < 1_000 {
        guard let seq = RealtimeTestClient.number("seq", in: try await client.text()), seq > 0 else { continue }
        #expect(seq == last + 1)
        last = seq
      }
    }
  }
}
#endif
