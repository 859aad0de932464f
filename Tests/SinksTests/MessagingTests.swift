// Socket.IO clients on the hub: over real sockets.

import ChannelProtocol
import NIOCore
import Synchronization
import Testing

@testable import Sinks

@Suite struct MessagingTests {
  @Test("events come with their names, in order, and a client resumes after a number")
  func events() async throws {
    try await RealtimeTestServer.run(ringCapacity: 10) { server in
      let client = try await MessagingTestClient.open(server.port)
      server.publish(1...30)
      for seq in Int64(1)...30 { #expect(try await client.event() == seq) }
      let again = try await MessagingTestClient.open(server.port, after: 12)
      for seq in Int64(13)...30 { #expect(try await again.event() == seq) }
    }
  }

  @Test("who joined hears of the joined conversations only, from then on; leaving the last leaves nothing")
  func conversations() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await MessagingTestClient.open(server.port)
      server.publish(1...2)
      #expect(try await client.event() == 1)
      #expect(try await client.event() == 2)
      let id = RealtimeTestServer.conversation(1)
      let joined = try await client.call(7, "conversation:join", #"{"conversationId":"\#(id)"}"#)
      #expect(joined == #"43/messaging,7[{"ok":true,"conversationId":"\#(id)"}]"#)
      server.publish(3...10)
      #expect(try await client.event() == 5)
      #expect(try await client.event() == 9)
      _ = try await client.call(8, "conversation:leave", #"{"conversationId":"\#(id)"}"#)
      server.publish(11...20)
      // Whatever is on its way comes before an answer does.
      try await client.connection.send(#"42/messaging,9["conversation:leave",{"conversationId":"\#(id)"}]"#)
      let next = try await client.packet()
      #expect(next.hasPrefix("43/messaging,9["), "\(next)")
    }
  }

  @Test("a message is sent under its idempotency key, which is not part of the message")
  func send() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await MessagingTestClient.open(server.port)
      let answer = try await client.call(1, "message:send", #"{"to":"x","idempotencyKey":"k","body":"b"}"#)
      #expect(answer == #"43/messaging,1[{"ok":true,"message":{"to":"x","body":"b"}}]"#)
      #expect(server.gateway.idempotencyKeys.withLock { $0 } == ["k"])
      let refused = try await client.call(2, "message:send", #"{"refuse":true}"#)
      #expect(refused == #"43/messaging,2[{"ok":false,"problem":{"status":422,"code":"recipient_opted_out"}}]"#)
    }
  }

  @Test(
    "who has no good key is refused in words, and may try again",
    arguments: [
      ("{}", "unauthorized"), (#"{"token":"nobody"}"#, "unauthorized"), (#"{"token":7}"#, "unauthorized"),
      (#"{"token":"manager"}"#, "missing_scope"), (#"{"token":"broken"}"#, "unavailable"),
      (#"{"token":"sender","after":-1}"#, "invalid_request"),
      (#"{"token":"sender","epoch":1}"#, "invalid_request"),
    ])
  func refusals(auth: String, code: String) async throws {
    try await RealtimeTestServer.run { server in
      let (client, answer) = try await MessagingTestClient.connect(server.port, auth: auth)
      #expect(answer.hasPrefix(#"44/messaging,{"message":"\#(code)","data":{"#), "\(answer)")
      try await client.connection.send(#"40/messaging,{"token":"reader"}"#)
      #expect(try await client.packet().hasPrefix(#"40/messaging,{"sid":"#))
    }
  }

  @Test("a place that cannot be resumed from is reset, and nothing follows")
  func reset() async throws {
    try await RealtimeTestServer.run { server in
      server.publish(1...5)
      let (client, _) = try await MessagingTestClient.connect(server.port, auth: #"{"token":"sender","after":99}"#)
      let reset = try await client.packet()
      #expect(reset.hasPrefix(#"42/messaging,["reset",{"oldest":0,"epoch":""#), "\(reset)")
      server.publish(6...7)
      let id = RealtimeTestServer.conversation(1)
      try await client.connection.send(#"42/messaging,1["conversation:join",{"conversationId":"\#(id)"}]"#)
      #expect(try await client.packet().hasPrefix("43/messaging,1["))
    }
  }

  @Test("with the least that may wait for a reader, one that reads resumes over many events")
  func leastUnsent() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.maxUnsentBytes = 65_536
    try await RealtimeTestServer.run(limits: limits, ringCapacity: 1_000) { server in
      for seq in Int64(1)...300 { server.publish([RealtimeTestServer.event(seq, size: seq == 150 ? 100_000 : 2_000)]) }
      let client = try await MessagingTestClient.open(server.port, after: 0)
      for seq in Int64(1)...300 { #expect(try await client.event() == seq) }
      #expect(server.metrics["fractal_realtime_closed_total/slow_reader"] == 0)
    }
  }

  @Test("a reader that stops reading is closed with 4008, and resumes from the number in the reason without a gap")
  func slowReader() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.writeTimeout = .seconds(2)
    limits.sweepInterval = .milliseconds(20)
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await MessagingTestClient.open(server.port)
      try await client.connection.channel.setOption(.autoRead, value: false).get()
      let last: Int64 = 6_000
      for seq in Int64(1)...last { server.publish([RealtimeTestServer.event(seq, size: 2_000)]) }
      try await RealtimeTestServer.eventually { server.metrics["fractal_realtime_closed_total/slow_reader"] == 1 }
      try await client.connection.channel.setOption(.autoRead, value: true).get()
      var seen: [Int64] = []
      var frame = try await client.connection.frame()
      while frame.closeCode == nil {
        if let seq = RealtimeTestClient.number("seq", in: frame.text) { seen.append(seq) }
        frame = try await client.connection.frame()
      }
      #expect(frame.closeCode == 4008)
      #expect(frame.closeReason == #"{"seq":\#(seen.last ?? -1)}"#)
      let again = try await MessagingTestClient.open(server.port, after: seen.last ?? 0)
      while seen.last ?? 0 < last { seen.append(try await again.event()) }
      #expect(seen == Array(1...last))
    }
  }

  @Test("a reader that asks and asks and reads no answer is closed with 4008 and its number as well")
  func slowAsker() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.maxUnsentBytes = 65_536
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await MessagingTestClient.open(server.port)
      server.publish(1...2)
      #expect(try await client.event() == 1)
      #expect(try await client.event() == 2)
      try await client.connection.channel.setOption(.autoRead, value: false).get()
      // Each is answered with its problem.
      let question = RealtimeTestClient.frame(#"42/messaging,1["conversation:join",{}]"#)
      let questions = Array(repeatElement(question, count: 1_000).joined())
      while server.metrics["fractal_realtime_closed_total/slow_reader"] == 0 {
        try? await client.connection.write(questions)
      }
      try await client.connection.channel.setOption(.autoRead, value: true).get()
      var frame = try await client.connection.frame()
      while frame.closeCode == nil { frame = try await client.connection.frame() }
      #expect(frame.closeCode == 4008)
      #expect(frame.closeReason == #"{"seq":2}"#)
    }
  }

  @Test("of the pings of a client that reads nothing only the last is answered when it reads again")
  func pingFlood() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await MessagingTestClient.open(server.port)
      try await client.connection.channel.setOption(.autoRead, value: false).get()
      let padding = String(repeating: " ", count: 110)
      let count = 80_000
      for start in stride(from: 0, to: count, by: 1_000) {
        let pings = (start..<start + 1_000).map { RealtimeTestClient.frame(Array("\($0)\(padding)".utf8), opcode: 9) }
        try await client.connection.write(Array(pings.joined()))
      }
      try await client.connection.channel.setOption(.autoRead, value: true).get()
      var answers = 0
      var last = ""
      while last != "\(count - 1)\(padding)" {
        let frame = try await client.connection.frame()
        guard frame.opcode == 10 else { continue }
        answers += 1
        last = frame.text
      }
      #expect(answers < count / 2)
    }
  }

  @Test("when the sink's task is cancelled, every connection is closed with 1012 and nobody is let in")
  func cancelled() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await MessagingTestClient.open(server.port)
      server.cancelSink()
      #expect(try await client.connection.frame().closeCode == 1012)
      try await client.connection.write(RealtimeTestClient.frame([0x03, 0xF4], opcode: 8))
      #expect(await client.connection.isAtEnd())
      let late = try await RealtimeTestClient.connect(server.port)
      try await late.write(RealtimeTestClient.request("/socket.io/?EIO=4&transport=polling"))
      #expect(try await late.response().status == 503)
    }
  }

  @Test("when the server is told to end, a poll that waits is answered and a WebSocket is closed with 1012")
  func quiesced() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await MessagingTestClient.open(server.port)
      let polling = try await RealtimeTestClient.connect(server.port)
      try await polling.write(RealtimeTestClient.request("/socket.io/?EIO=4&transport=polling"))
      let opened = try await polling.response().body
      let sid = try #require(opened.split(separator: "\"").dropFirst(3).first)
      try await polling.write(RealtimeTestClient.request("/socket.io/?EIO=4&transport=polling&sid=\(sid)"))
      // The server has the poll when it answers what came behind it on another connection.
      _ = try await client.call(
        1, "conversation:leave", #"{"conversationId":"\#(RealtimeTestServer.conversation(1))"}"#)
      async let shutdown: Void = server.triggerShutdown()
      #expect(try await client.connection.frame().closeCode == 1012)
      #expect(try await polling.response().body == "1")
      try await client.connection.write(RealtimeTestClient.frame([0x03, 0xF4], opcode: 8))
      await shutdown
    }
  }
}
