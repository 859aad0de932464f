// What holds under load and at the end: no gap and no repetition, slow readers, shutdown.

import ChannelProtocol
import NIOCore
import Testing

@testable import Sinks

@Suite struct RealtimeDeliveryTests {
  @Test("clients that break off and come back at random see every event once and in order")
  func resume() async throws {
    try await RealtimeTestServer.run(ringCapacity: 300) { server in
      let last: Int64 = 6_000
      let logs = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for _ in 0..<6 {
          group.addTask {
            var seen: [Int64] = []
            while seen.last ?? 0 < last {
              let client = try await RealtimeTestClient.open(server.port)
              try await client.send(#"{"type":"subscribe","after":\#(seen.last ?? 0)}"#)
              let ready = try await client.text()
              try #require(ready.hasPrefix(#"{"type":"ready""#), "\(ready)")
              for _ in 0..<Int.random(in: 1...1_500) where seen.last ?? 0 < last {
                seen.append(try await client.event())
              }
              // Now and then without a word.
              if Bool.random() { try await client.write(RealtimeTestClient.frame([0x03, 0xE8], opcode: 8)) }
            }
            return seen
          }
        }
        group.addTask {
          var seq: Int64 = 1
          while seq <= last {
            let end = min(last, seq + Int64.random(in: 0...60))
            server.publish(seq...end)
            seq = end + 1
            await Task.yield()
          }
          return []
        }
        return try await group.reduce(into: [[Int64]]()) { if !$1.isEmpty { $0.append($1) } }
      }
      #expect(logs.count == 6)
      for log in logs { #expect(log == Array(1...last)) }
    }
  }

  @Test("many readers of one ring all get everything")
  func fanOut() async throws {
    try await RealtimeTestServer.run { server in
      let readers = 60
      let subscribed = RealtimeTally()
      let totals = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<readers {
          group.addTask {
            let client = try await RealtimeTestClient.open(server.port)
            try await client.send(#"{"type":"subscribe"}"#)
            _ = try await client.text()
            subscribed.add()
            for seq in Int64(1)...500 { try #require(try await client.event() == seq) }
            return 500
          }
        }
        group.addTask {
          try await RealtimeTestServer.eventually { subscribed.count == readers }
          for seq in Int64(1)...500 { server.publish(seq...seq) }
          return 0
        }
        return try await group.reduce(0, +)
      }
      #expect(totals == readers * 500)
    }
  }

  @Test("a long replay of large events does not wait for the next live one")
  func largeReplay() async throws {
    try await RealtimeTestServer.run(ringCapacity: 200) { server in
      server.publish((1...600).map { RealtimeTestServer.event($0, size: 20_000) })
      let client = try await RealtimeTestClient.open(server.port)
      try await client.send(#"{"type":"subscribe","after":0}"#)
      _ = try await client.text()
      for seq in Int64(1)...600 { try #require(try await client.event() == seq) }
      try await client.send(#"{"type":"ping"}"#)
      #expect(try await client.text() == #"{"type":"pong"}"#)
    }
  }

  @Test("a reader that stops reading is closed with 4008, and resumes from the number in the reason without a gap")
  func slowReader() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.writeTimeout = .seconds(4)
    limits.sweepInterval = .milliseconds(20)
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await RealtimeTestClient.open(server.port)
      let other = try await RealtimeTestClient.open(server.port)
      for client in [client, other] {
        try await client.send(#"{"type":"subscribe"}"#)
        _ = try await client.text()
      }
      try await client.channel.setOption(.autoRead, value: false).get()
      let last: Int64 = 4_000
      for seq in Int64(1)...last { server.publish([RealtimeTestServer.event(seq, size: 2_000)]) }
      // Nobody else is held up.
      for seq in Int64(1)...last { try #require(try await other.event() == seq) }
      // Until the server has given it up.
      try await RealtimeTestServer.eventually { server.metrics["fractal_realtime_closed_total/slow_reader"] == 1 }
      try await client.channel.setOption(.autoRead, value: true).get()
      var seen: [Int64] = []
      var frame = try await client.frame()
      while frame.closeCode == nil {
        if let seq = RealtimeTestClient.number("seq", in: frame.text) { seen.append(seq) }
        frame = try await client.frame()
      }
      #expect(frame.closeCode == 4008)
      #expect(frame.closeReason == #"{"seq":\#(seen.last ?? -1)}"#)
      #expect(seen.count < Int(last))
      let again = try await RealtimeTestClient.open(server.port)
      try await again.send(#"{"type":"subscribe","after":\#(seen.last ?? 0)}"#)
      _ = try await again.text()
      while seen.last ?? 0 < last { seen.append(try await again.event()) }
      #expect(seen == Array(1...last))
    }
  }

  @Test("a client that asks and asks and never reads is closed before its answers fill the memory")
  func pingFlood() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.maxUnsentBytes = 100_000
    limits.slowCloseTimeout = .milliseconds(100)
    limits.sweepInterval = .milliseconds(20)
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await RealtimeTestClient.open(server.port)
      try await client.channel.setOption(.autoRead, value: false).get()
      let pings = Array(
        repeatElement(RealtimeTestClient.frame(Array(repeating: 0x20, count: 120), opcode: 9), count: 500).joined())
      var isClosed = false
      for _ in 0..<2_000 where !isClosed {
        do { try await client.write(pings) } catch { isClosed = true }
      }
      #expect(isClosed)
      try await RealtimeTestServer.eventually { server.metrics["fractal_realtime_closed_total/slow_reader"] == 1 }
    }
  }

  @Test("when the sink's task is cancelled, every connection is closed with 1012 and told when to come back")
  func cancelled() async throws {
    try await RealtimeTestServer.run { server in
      let clients = [
        try await RealtimeTestClient.open(server.port), try await RealtimeTestClient.open(server.port, key: nil),
      ]
      server.cancelSink()
      for client in clients {
        let frame = try await client.frame()
        #expect(frame.closeCode == 1012)
        #expect(frame.closeReason.hasPrefix(#"{"reconnectAfterMs":"#))
        try await client.write(RealtimeTestClient.frame([0x03, 0xF4], opcode: 8))
        #expect(await client.isAtEnd())
      }
      let late = try await RealtimeTestClient.connect(server.port)
      try await late.write(RealtimeTestClient.upgrade("/ws"))
      #expect(try await late.response().status == 503)
    }
  }

  @Test("when the server is told to end, connections are closed with 1012, and it does end")
  func quiesced() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.lastCloseTimeout = .seconds(4)
    limits.sweepInterval = .milliseconds(20)
    try await RealtimeTestServer.run(limits: limits) { server in
      // One answers, one does not: `run` waits for both of Hummingbird's tasks.
      let clients = [try await RealtimeTestClient.open(server.port), try await RealtimeTestClient.open(server.port)]
      async let shutdown: Void = server.triggerShutdown()
      #expect(try await clients[0].frame().closeCode == 1012)
      #expect(try await clients[1].frame().closeCode == 1012)
      try await clients[0].write(RealtimeTestClient.frame([0x03, 0xF4], opcode: 8))
      #expect(await clients[0].isAtEnd())
      #expect(await clients[1].isAtEnd())
      await shutdown
    }
  }

  @Test("a client that closes its half without a word is gone")
  func halfClosed() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port)
      try await client.channel.close(mode: .output)
      #expect(await client.isAtEnd())
    }
  }
}
