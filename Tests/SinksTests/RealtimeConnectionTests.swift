// The WebSocket over real sockets: authentication, subscriptions, sends, and how a connection ends.

import ChannelProtocol
import NIOCore
import Synchronization
import SocketIO
import Testing

@testable import Sinks

@Suite struct RealtimeConnectionTests {
  static let epoch = RealtimeTestServer.epoch.description

  // MARK: Authentication

  @Test("a key in the first frame opens the connection, and what follows it at once is heard")
  func firstFrame() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port, key: nil)
      try await client.send(#"{"type":"auth","token":"reader"}"#)
      try await client.send(#"{"type":"subscribe"}"#)
      #expect(try await client.text() == #"{"type":"ready","epoch":"\#(Self.epoch)","seq":0}"#)
    }
  }

  @Test(
    "a bad key, a missing scope and another first frame close with their codes",
    arguments: [
      (#"{"type":"auth","token":"nobody"}"#, 4401), (#"{"type":"auth","token":"manager"}"#, 4403),
      (#"{"type":"auth","token":"broken"}"#, 1013), (#"{"type":"auth","token":"guessed"}"#, 4429),
      (#"{"type":"subscribe"}"#, 4401), ("nonsense", 4401),
    ])
  func badKeys(frame: String, code: Int) async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port, key: nil)
      try await client.send(frame)
      #expect(try await client.frame().closeCode == code)
    }
  }

  @Test(
    "who shows no key in time is closed with 4401; who has shown one that cannot be looked up in time may try again",
    arguments: [(nil, 4401), ("stuck", 1013)] as [(String?, Int)])
  func authTimeout(key: String?, code: Int) async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.authTimeout = .milliseconds(100)
    limits.sweepInterval = .milliseconds(20)
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await RealtimeTestClient.open(server.port, key: nil)
      if let key { try await client.send(#"{"type":"auth","token":"\#(key)"}"#) }
      #expect(try await client.frame().closeCode == code)
    }
  }

  @Test("who has shown no key may not fill much memory")
  func unauthenticatedSize() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port, key: nil)
      try await client.write(Array(RealtimeTestClient.frame(Array(repeating: 0x20, count: 300_000)).prefix(200_000)))
      #expect(try await client.frame().closeCode == 1009)
    }
  }

  // MARK: Subscriptions

  @Test("nothing comes before subscribe; then ready, and every event from then on in order")
  func live() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port)
      server.publish(1...3)
      try await client.send(#"{"type":"ping"}"#)
      #expect(try await client.text() == #"{"type":"pong"}"#)
      try await client.send(#"{"type":"subscribe"}"#)
      #expect(try await client.text() == #"{"type":"ready","epoch":"\#(Self.epoch)","seq":3}"#)
      server.publish(4...4)
      let expected = String(decoding: EncodedEvent(RealtimeTestServer.event(4)).json, as: UTF8.self)
      #expect(try await client.text() == #"{"type":"event","event":\#(expected)}"#)
      server.publish(5...2_000)
      for seq in Int64(5)...2_000 { try #require(try await client.event() == seq) }
    }
  }

  @Test("with after, everything since is replayed, out of the log and the ring, and it goes on live")
  func resume() async throws {
    try await RealtimeTestServer.run(ringCapacity: 100) { server in
      server.publish(1...3_000)
      let client = try await RealtimeTestClient.open(server.port)
      try await client.send(#"{"type":"subscribe","after":10,"epoch":"\#(Self.epoch)"}"#)
      #expect(try await client.text() == #"{"type":"ready","epoch":"\#(Self.epoch)","seq":10}"#)
      for seq in Int64(11)...3_000 { try #require(try await client.event() == seq) }
      server.publish(3_001...3_001)
      #expect(try await client.event() == 3_001)
      #expect(server.log.reads > 2)
    }
  }

  @Test(
    "a place that is not to be had is a reset, and nothing more until the next subscribe",
    arguments: [
      #"{"type":"subscribe","after":49}"#, #"{"type":"subscribe","after":101}"#,
      #"{"type":"subscribe","after":70,"epoch":"01900000-0000-7000-8000-0000000000ff"}"#,
    ])
  func reset(subscribe: String) async throws {
    try await RealtimeTestServer.run(ringCapacity: 10) { server in
      server.publish(1...100)
      server.log.drop(through: 50)
      let client = try await RealtimeTestClient.open(server.port)
      try await client.send(subscribe)
      #expect(try await client.text() == #"{"type":"reset","oldest":50,"epoch":"\#(Self.epoch)"}"#)
      server.publish(101...105)
      try await client.send(#"{"type":"ping"}"#)
      #expect(try await client.text() == #"{"type":"pong"}"#)
      try await client.send(#"{"type":"subscribe","after":50,"epoch":"\#(Self.epoch)"}"#)
      #expect(try await client.text() == #"{"type":"ready","epoch":"\#(Self.epoch)","seq":50}"#)
      for seq in Int64(51)...105 { try #require(try await client.event() == seq) }
    }
  }

  @Test("a live stream learns that the log was restored, and from where on it is kept")
  func epochChange() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port)
      try await client.send(#"{"type":"subscribe"}"#)
      _ = try await client.text()
      let epoch = Identifier(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_00FF)
      server.log.drop(through: 4)
      server.log.rename(to: epoch)
      server.ring.reset(position: LogPosition(epoch: epoch, seq: 7))
      #expect(try await client.text() == #"{"type":"reset","oldest":4,"epoch":"\#(epoch)"}"#)
    }
  }

  @Test("a second subscribe replaces the first, and conversations narrow it")
  func filter() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port)
      try await client.send(#"{"type":"subscribe"}"#)
      _ = try await client.text()
      server.publish(1...1)
      #expect(try await client.event() == 1)
      let conversation = RealtimeTestServer.conversation(2)
      try await client.send(#"{"type":"subscribe","conversations":["\#(conversation)"]}"#)
      #expect(try await client.text() == #"{"type":"ready","epoch":"\#(Self.epoch)","seq":1}"#)
      server.publish(2...11)
      #expect(try await [client.event(), client.event(), client.event()] == [2, 6, 10])
      try await client.send(#"{"type":"subscribe","conversations":["no"]}"#)
      #expect(try await client.text().contains(#""code":"invalid_request""#))
      server.publish(12...14)
      #expect(try await client.event() == 14)
    }
  }

  @Test("a log that fails for a moment is asked again; one that goes on failing ends the connection with 1013")
  func logTrouble() async throws {
    try await RealtimeTestServer.run(ringCapacity: 10) { server in
      server.publish(1...100)
      let client = try await RealtimeTestClient.open(server.port)
      server.log.fail(times: 2)
      try await client.send(#"{"type":"subscribe","after":20}"#)
      #expect(try await client.text() == #"{"type":"ready","epoch":"\#(Self.epoch)","seq":20}"#)
      for seq in Int64(21)...100 { try #require(try await client.event() == seq) }
      server.log.fail(times: 1_000)
      try await client.send(#"{"type":"subscribe","after":20}"#)
      #expect(try await client.frame().closeCode == 1013)
    }
  }

  // MARK: Messages

  @Test("a message is sent and acknowledged, or refused, under the client's own reference")
  func send() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port)
      try await client.send(#"{"type":"send","ref":"a","idempotencyKey":"k1","message":{"body":"hé"}}"#)
      #expect(try await client.text() == #"{"type":"ack","ref":"a","message":{"body":"hé"}}"#)
      try await client.send(#"{"type":"send","ref":"b","message":{"refuse":true}}"#)
      #expect(
        try await client.text()
          == #"{"type":"error","ref":"b","problem":{"status":422,"code":"recipient_opted_out"}}"#)
      try await client.send(#"{"type":"send","ref":"c"}"#)
      let problem = try await client.text()
      #expect(problem.hasPrefix(#"{"type":"error","ref":"c""#))
      #expect(problem.contains(#""field":"message""#))
      #expect(server.gateway.idempotencyKeys.withLock { $0 } == ["k1", nil])
      let reader = try await RealtimeTestClient.open(server.port, key: "reader")
      try await reader.send(#"{"type":"send","ref":"d","message":{}}"#)
      #expect(try await reader.text().contains(#""status":403"#))
    }
  }

  @Test("only so many messages wait at once, and they are sent in the order in which they were said")
  func sendLimit() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.maximumSends = 2
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await RealtimeTestClient.open(server.port)
      for ref in 1...3 { try await client.send(#"{"type":"send","ref":"\#(ref)","message":{"hold":true}}"#) }
      let refused = try await client.text()
      #expect(refused.contains(#""ref":"3""#) && refused.contains("too_many_in_flight"))
      try await RealtimeTestServer.eventually { server.gateway.heldCount == 1 }
      server.gateway.release()
      for ref in 1...2 { #expect(try await client.text().hasPrefix(#"{"type":"ack","ref":"\#(ref)""#)) }
    }
  }

  // MARK: The protocol

  @Test("fragments, a control frame between them, and the largest message are understood")
  func fragments() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port)
      let text = Array(#"{"type":"ping"}"#.utf8)
      try await client.write(RealtimeTestClient.frame(Array(text[..<5]), fin: false))
      try await client.write(RealtimeTestClient.frame(Array("hi".utf8), opcode: 9))
      try await client.write(RealtimeTestClient.frame(Array(text[5...]), opcode: 0))
      #expect(try await client.frame() == RealtimeTestClient.Frame(opcode: 10, payload: Array("hi".utf8)))
      #expect(try await client.text() == #"{"type":"pong"}"#)
      let padding = Array(repeating: UInt8(ascii: " "), count: 1_000_000 - text.count)
      try await client.write(RealtimeTestClient.frame(text + padding))
      #expect(try await client.text() == #"{"type":"pong"}"#)
    }
  }

  typealias Client = RealtimeTestClient

  static let violations: [([UInt8], Int)] = [
    (Client.frame([0x20], opcode: 2), 1003),
    (Client.frame([0x7B], masked: false), 1002),
    (Client.frame([0x7B], reserved: 0x40), 1002),
    (Client.frame([0x7B], opcode: 0), 1002),
    (Client.frame([0x7B], opcode: 4), 1002),
    (Client.frame([0xFF, 0xFE]), 1007),
    (Client.frame([0x20], opcode: 9, fin: false), 1002),
    (Client.frame(blanks(1_000_001)), 1009),
    (Client.frame(blanks(600_000), fin: false) + Client.frame(blanks(600_000), opcode: 0), 1009),
    (Client.frame([0x03, 0xE9], opcode: 8), 1001),
    (Client.frame([], opcode: 8), 1000),
  ]

  static func blanks(_ count: Int) -> [UInt8] { Array(repeating: 0x20, count: count) }

  @Test("what breaks the protocol ends the connection with the code for it", arguments: violations.indices)
  func violation(index: Int) async throws {
    let (bytes, code) = Self.violations[index]
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port)
      try await client.write(bytes)
      #expect(try await client.frame().closeCode == code)
    }
  }

  @Test("a client that answers pings is asked again and again")
  func pings() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.pingInterval = .milliseconds(30)
    limits.sweepInterval = .milliseconds(10)
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await RealtimeTestClient.open(server.port)
      for _ in 0..<4 {
        let ping = try await client.frame()
        #expect(ping.opcode == 9)
        try await client.write(RealtimeTestClient.frame(ping.payload, opcode: 10))
      }
    }
  }

  @Test("a client that does not answer a ping is closed")
  func noPong() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.pingInterval = .milliseconds(30)
    limits.pongTimeout = .milliseconds(50)
    limits.sweepInterval = .milliseconds(10)
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await RealtimeTestClient.open(server.port)
      #expect(try await client.frame().opcode == 9)
      #expect(try await client.frame().closeCode == 1001)
      try await RealtimeTestServer.eventually { server.metrics["fractal_realtime_closed_total/no_pong"] == 1 }
    }
  }

  @Test("a client's close is answered with its own code, and then the connection ends")
  func close() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.open(server.port)
      try await client.write(RealtimeTestClient.frame([0x0F, 0xA1], opcode: 8))
      #expect(try await client.frame().closeCode == 4001)
      #expect(await client.isAtEnd())
    }
  }
}
