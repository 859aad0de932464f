// Engine.IO sessions as transcripts: no sockets, and a clock that stands where the test puts it.

import NIOCore
import Testing

@testable import SocketIO

@Suite struct EngineSessionTests {
  static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
  static let hello = EngineFrame(text: Array("hello".utf8))

  static var configuration: EngineConfiguration {
    var configuration = EngineConfiguration()
    configuration.pingInterval = .milliseconds(300)
    configuration.pingTimeout = .milliseconds(200)
    configuration.maximumUnsent = 1_000
    configuration.highWater = 100
    return configuration
  }

  static func session(isWebSocket: Bool = false) -> EngineSession {
    EngineSession(isWebSocket: isWebSocket, configuration: configuration, now: start)
  }

  static func after(_ milliseconds: Int64) -> NIODeadline { start + .milliseconds(milliseconds) }

  @Test("what is sent waits for a poll, and a poll waits for what is sent")
  func polls() {
    var session = Self.session()
    #expect(session.send([Self.hello]) == [])
    #expect(session.poll(1) == [.answer(1, .packets([Self.hello]))])
    #expect(session.poll(2) == [])
    #expect(session.send([Self.hello]) == [.answer(2, .packets([Self.hello]))])
  }

  @Test("an answer carries sixteen packets, and the next one the rest")
  func manyPackets() {
    var session = Self.session()
    _ = session.send(Array(repeating: Self.hello, count: 20))
    #expect(session.poll(1) == [.answer(1, .packets(Array(repeating: Self.hello, count: 16)))])
    #expect(session.poll(2) == [.answer(2, .packets(Array(repeating: Self.hello, count: 4)))])
  }

  @Test("a ping falls due, and without a pong in time the session ends: by the clock, not by when somebody looked")
  func heartbeat() {
    var session = Self.session()
    #expect(session.deadline == Self.after(300))
    _ = session.poll(1)
    // Looked at late: the pong is due from when the ping was.
    #expect(session.timePassed(Self.after(450)) == [.answer(1, .packets([.ping]))])
    #expect(session.deadline == Self.after(500))
    #expect(session.timePassed(Self.after(499)) == [])
    #expect(session.timePassed(Self.after(500)) == [.ended(.pingTimeout), .forget])
    #expect(session.deadline == nil)
  }

  @Test("a pong puts the next ping an interval off; one that nobody asked for does nothing")
  func pong() {
    var session = Self.session(isWebSocket: true)
    _ = session.received(.pong, now: Self.after(100))
    #expect(session.deadline == Self.after(300))
    #expect(session.timePassed(Self.after(300)) == [.write([.ping])])
    _ = session.received(.pong, now: Self.after(350))
    #expect(session.deadline == Self.after(650))
  }

  @Test("a second poll ends the session: the first is told, the second refused")
  func duplicatePoll() {
    var session = Self.session()
    _ = session.poll(1)
    #expect(
      session.poll(2) == [
        .answer(1, .packets([.close])), .ended(.protocolError), .forget, .answer(2, .refused(.badRequest)),
      ])
    #expect(session.poll(3) == [.answer(3, .refused(.unknownSession))])
  }

  @Test("a second POST beside one that is not read yet ends the session and refuses both")
  func duplicatePost() {
    var session = Self.session()
    _ = session.postBegan(1)
    #expect(
      session.postBegan(2) == [
        .answer(1, .refused(.badRequest)), .ended(.protocolError), .forget, .answer(2, .refused(.badRequest)),
      ])
    #expect(session.post(1, [], now: Self.start) == [])
  }

  @Test("a poll whose connection goes away ends the session; one that was answered may go")
  func cancelledPoll() {
    var session = Self.session()
    _ = session.poll(1)
    _ = session.send([Self.hello])
    #expect(session.requestLost(1) == [])
    _ = session.poll(2)
    #expect(session.requestLost(2) == [.ended(.lost), .forget])
  }

  @Test("a POST is handed on packet by packet and then answered")
  func post() {
    let (one, two) = (EngineMessage.text(ByteBuffer(string: "1")), EngineMessage.binary(ByteBuffer(bytes: [2])))
    var session = Self.session()
    _ = session.postBegan(1)
    #expect(
      session.post(1, [.message(one), .noop, .message(two)], now: Self.start) == [
        .deliver(one), .deliver(two), .answer(1, .taken),
      ])
  }

  @Test("what is no payload, or holds a client's ping, is refused and ends the session")
  func badPost() {
    for packets in [nil, [EnginePacket.ping(ByteBuffer())]] {
      var session = Self.session()
      _ = session.postBegan(1)
      #expect(
        session.post(1, packets, now: Self.start) == [
          .answer(1, .refused(.badRequest)), .ended(.protocolError), .forget,
        ])
    }
  }

  @Test("a client that closes by POST lets its poll go with a noop")
  func clientCloses() {
    var session = Self.session()
    _ = session.poll(1)
    _ = session.postBegan(2)
    #expect(
      session.post(2, [.close], now: Self.start) == [
        .answer(1, .packets([.noop])), .answer(2, .taken), .ended(.client), .forget,
      ])
  }

  @Test("a session that we close keeps its last words for the next poll, for a while")
  func lastWords() {
    var session = Self.session()
    _ = session.send([Self.hello])
    #expect(session.close(WebSocketClose(.normal), .server, now: Self.start) == [.ended(.server)])
    #expect(session.postBegan(1) == [.answer(1, .refused(.unknownSession))])
    #expect(session.poll(2) == [.answer(2, .packets([Self.hello, .close])), .forget])

    var unheard = Self.session()
    _ = unheard.close(WebSocketClose(.normal), .server, now: Self.start)
    #expect(unheard.timePassed(Self.after(4_999)) == [])
    #expect(unheard.timePassed(Self.after(5_000)) == [.forget])
  }

  @Test("a session of a client that was never let in is forgotten as soon as we close it")
  func closedStranger() {
    var session = Self.session()
    #expect(
      session.close(WebSocketClose(.normal), .server, keepsWords: false, now: Self.start) == [.ended(.server), .forget])
  }

  @Test("an upgrade: probe, a noop to the poll that waits, and then everything goes over the WebSocket")
  func upgrade() {
    var session = Self.session()
    _ = session.poll(1)
    let hasRoom = session.probeConnected(now: Self.start)
    #expect(hasRoom)
    #expect(
      session.probeReceived(.ping(ByteBuffer(string: "probe"))) == [
        .writeProbe(.probeAnswer), .answer(1, .packets([.noop])),
      ])
    _ = session.send([Self.hello])
    #expect(session.probeReceived(.upgrade) == [.adoptProbe, .write([Self.hello])])
    #expect(session.send([Self.hello]) == [.write([Self.hello])])
    #expect(session.poll(2) == [.answer(2, .refused(.badRequest))])
    let hasRoomForAnother = session.probeConnected(now: Self.start)
    #expect(!hasRoomForAnother)
  }

  @Test("what is no probe closes the WebSocket and leaves polling alone")
  func wrongProbe() {
    let wrong: [EnginePacket?] = [nil, .ping(ByteBuffer()), .upgrade, .message(.text(ByteBuffer())), .pong]
    for packet in wrong {
      var session = Self.session()
      let hasRoom = session.probeConnected(now: Self.start)
      #expect(hasRoom)
      #expect(session.probeReceived(packet) == [.closeProbe])
      _ = session.poll(1)
      #expect(session.send([Self.hello]) == [.answer(1, .packets([Self.hello]))])
    }
  }

  @Test("an upgrade that is not completed in time is given up")
  func upgradeTimeout() {
    var configuration = Self.configuration
    configuration.pingInterval = .seconds(60)
    var session = EngineSession(isWebSocket: false, configuration: configuration, now: Self.start)
    let hasRoom = session.probeConnected(now: Self.start)
    #expect(hasRoom)
    #expect(session.timePassed(Self.after(10_000)) == [.closeProbe])
    #expect(session.isOpen)
  }

  @Test("what is larger than all that may wait goes where there is room, also behind a little that waits for a poll")
  func oneLarge() {
    var session = Self.session()
    let large = EngineFrame(text: Array(repeating: UInt8(ascii: "x"), count: 2_000))
    #expect(session.send([Self.hello]) == [])
    #expect(session.send([large]) == [])
    #expect(session.send([Self.hello]) == [.overrun])
    #expect(session.poll(1) == [.answer(1, .packets([Self.hello, large]))])
  }

  @Test("a reader that takes nothing is first not writable, and then given up")
  func slowReader() {
    var session = Self.session(isWebSocket: true)
    let large = EngineFrame(text: Array(repeating: UInt8(ascii: "x"), count: 200))
    var isWritable = session.isWritable()
    #expect(isWritable)
    _ = session.send([large])
    isWritable = session.isWritable()
    #expect(!isWritable)
    #expect(session.sent(large.size) == [.becameWritable])
    var last: [EngineSession.Action] = []
    for _ in 0..<5 { last = session.send([large]) }
    #expect(last == [.overrun])
    // What was too much is not on its way: what is said now comes behind all that was taken.
    let close = WebSocketClose(.init(rawValue: 4008), "so far")
    #expect(
      session.close(close, .slowReader, now: Self.start) == [.closeWebSocket(close), .ended(.slowReader), .forget])
  }
}
