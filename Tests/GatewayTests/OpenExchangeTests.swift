// Answers that are read as they come, from a server that takes its time.

import ChannelProtocol
import GatewayTesting
import HTTPTypes
import NIOPosix
import Synchronization
import Testing

@testable import Gateway

@Suite("The way out, read as it comes", .timeLimit(.minutes(1)))
struct OpenExchangeTests {
  private static let patient = TransferDeadlines(head: .seconds(20), pause: .seconds(20), whole: .seconds(40))

  private func run(
    _ body: @escaping @Sendable (SlowProvider, HTTPClientTransport) async throws -> Void
  ) async throws {
    try await SlowProvider.run { provider in
      let transport = HTTPClientTransport(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
      do {
        try await body(provider, transport)
      } catch {
        await transport.close()
        throw error
      }
      await transport.close()
    }
  }

  private static func request(_ provider: SlowProvider) -> HTTPRequest {
    HTTPRequest(
      method: .get, scheme: "http", authority: provider.authority, path: "/file", headerFields: [.range: "bytes=1-2"])
  }

  @Test("the head is there before the body, and each piece before the next is sent")
  func pieces() async throws {
    try await run { provider, transport in
      async let opened = transport.open(Self.request(provider), deadlines: Self.patient)
      let call = try await provider.next()
      #expect(call.head.hasPrefix("GET /file HTTP/1.1\r\n") && call.head.lowercased().contains("range: bytes=1-2\r\n"))
      try await call.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n")
      let answer = try await opened
      #expect(answer.response.status == .ok && answer.response.headerFields[.contentLength] == "6")
      try await Self.read(answer, of: call)
    }
  }

  private static func read(_ answer: OpenAnswer, of call: SlowProvider.Call) async throws {
    try await read(answer.body, of: call)
  }

  private static func read(_ body: some BodyPieces, of call: SlowProvider.Call) async throws {
    var iterator = body.makeAsyncIterator()
    for text in ["abc", "def"] {
      try await call.send(text)
      #expect(try await iterator.next(isolation: nil) == Array(text.utf8))
    }
    #expect(try await iterator.next(isolation: nil) == nil)
  }

  @Test("a head that does not come, and a body that stalls, are given up, and the provider is let go of")
  func stalled() async throws {
    try await run { provider, transport in
      let hurried = TransferDeadlines(head: .milliseconds(200), pause: .milliseconds(200), whole: .seconds(40))
      await #expect(throws: TransportFailure.self) {
        _ = try await transport.open(Self.request(provider), deadlines: hurried)
      }
      try await provider.next().hasEnded()

      async let opened = transport.open(Self.request(provider), deadlines: hurried)
      let call = try await provider.next()
      try await call.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc")
      let answer = try await opened
      await #expect(throws: TransportFailure(mayHaveArrived: true, message: "the answer did not end in time")) {
        _ = try await answer.body.collect(upTo: 10)
      }
      try await call.hasEnded()
    }
  }

  @Test("a body that trickles on is given up at its end")
  func trickling() async throws {
    try await run { provider, transport in
      async let opened = transport.open(
        Self.request(provider), deadlines: .init(head: .seconds(20), pause: .seconds(20), whole: .milliseconds(400)))
      let call = try await provider.next()
      try await call.send("HTTP/1.1 200 OK\r\n\r\n")
      let answer = try await opened
      let sending = Task { while true { try await call.send("x") } }
      await #expect(throws: TransportFailure.self) { _ = try await answer.body.count(upTo: .max - 1) }
      _ = await sending.result
      #expect(call.isOver)
    }
  }

  @Test("a body that breaks off is a failure, and so is one that is larger than it may be")
  func broken() async throws {
    try await run { provider, transport in
      async let opened = transport.open(Self.request(provider), deadlines: Self.patient)
      let call = try await provider.next()
      try await call.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc")
      let answer = try await opened
      try await call.close()
      await #expect(throws: TransportFailure.self) { _ = try await answer.body.collect(upTo: 10) }

      async let larger = transport.open(Self.request(provider), deadlines: Self.patient)
      let second = try await provider.next()
      try await second.send("HTTP/1.1 200 OK\r\n\r\nabcdef")
      let answered = try await larger
      await #expect { _ = try await answered.body.collect(upTo: 5) } throws: {
        ($0 as? TransportFailure)?.isTooLarge == true
      }
      try await second.hasEnded()
    }
  }

  @Test("a provider that sends for ever is not read faster than its reader reads, and ends when the reader lets go")
  func pressure() async throws {
    try await run { provider, transport in
      async let opened = transport.open(Self.request(provider), deadlines: Self.patient)
      let call = try await provider.next()
      try await call.send("HTTP/1.1 200 OK\r\n\r\n")
      let sent = Mutex(0)
      let sending = Task {
        let piece = [UInt8](repeating: 1, count: 256 << 10)
        while true {
          try await call.send(piece)
          sent.withLock { $0 += piece.count }
        }
      }
      try await Self.readHalf(try await opened, sent: { sent.withLock(\.self) })
      // The answer is let go of: the provider's socket says so.
      try await call.hasEnded()
      await #expect(throws: (any Error).self) { try await sending.value }
    }
  }

  /// Reads one piece, waits until nothing more goes out, then reads what went out and sees that there comes more.
  private static func readHalf(_ answer: OpenAnswer, sent: @Sendable () -> Int) async throws {
    try await readHalf(answer.body, sent: sent)
  }

  private static func readHalf(_ body: some BodyPieces, sent: @Sendable () -> Int) async throws {
    var iterator = body.makeAsyncIterator()
    var taken = try #require(try await iterator.next(isolation: nil)).count
    var seen = -1
    var unchanged = 0
    #expect(
      await eventually {
        unchanged = sent() == seen ? unchanged + 1 : 0
        seen = sent()
        return unchanged > 10
      })
    // The sockets' own buffers, on both sides; a reader that takes all would have had gigabytes.
    #expect(seen < 32 << 20)
    while taken <= seen + (8 << 20) { taken += try #require(try await iterator.next(isolation: nil)).count }
    #expect(sent() > seen)
  }

  @Test("whoever waits for a piece hears at once that the transfer was ended, from outside or by his own task")
  func cancelled() async throws {
    try await run { provider, transport in
      for isOutside in [true, false] {
        async let opened = transport.open(Self.request(provider), deadlines: Self.patient)
        let call = try await provider.next()
        try await call.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n")
        let answer = try await opened
        let reading = Task { try await answer.body.collect(upTo: 10) }
        if isOutside { answer.cancel() } else { reading.cancel() }
        await #expect(throws: TransportFailure.self) { _ = try await reading.value }
        try await call.hasEnded()
      }
      let opening = Task { try await transport.open(Self.request(provider), deadlines: Self.patient) }
      let call = try await provider.next()
      opening.cancel()
      await #expect(throws: TransportFailure.self) { _ = try await opening.value }
      try await call.hasEnded()
    }
  }
}
