// Files that only the provider has, on their way through.

import AsyncHTTPClient
import ChannelProtocol
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import Gateway

@Suite("Files that pass through", .serialized, .timeLimit(.minutes(3)))
struct MediaPassageTests {
  private func bytes(of file: OpenMedia, _ range: Range<Int>) async throws -> [UInt8]? {
    guard let passage = MediaPassage(file, wanted: range) else { return nil }
    var bytes: [UInt8] = []
    try await passage.run { bytes += $0 }
    return bytes
  }

  private func file(_ pieces: [[UInt8]], part: Range<Int>? = nil) -> OpenMedia {
    OpenMedia(contentType: nil, part: part, pieces: GivenPieces(pieces))
  }

  @Test("a part is cut out of whatever the provider gives; one that is not in it is not to be had")
  func cut() async throws {
    let pieces: [[UInt8]] = [[0, 1, 2], [3], [], [4, 5, 6, 7]]
    for range in [0..<8, 0..<1, 2..<4, 3..<4, 4..<8, 7..<8, 1..<7] {
      #expect(try await bytes(of: file(pieces), range) == range.map { UInt8($0) }, "\(range)")
    }
    #expect(try await bytes(of: file([[5, 6], [7]], part: 5..<8), 6..<8) == [6, 7])
    #expect(try await bytes(of: file([[5, 6], [7]], part: 5..<8), 4..<6) == nil)
    #expect(try await bytes(of: file([[5, 6], [7]], part: 5..<8), 7..<9) == nil)
    await #expect(throws: MediaFailure.changed) { try await bytes(of: file([[0, 1]]), 1..<3) }
  }

  @Test("no piece is asked for before the one before it was taken, and none beyond the last that is wanted")
  func oneAtATime() async throws {
    let endless = EndlessPieces()
    let passage = try #require(
      MediaPassage(OpenMedia(contentType: nil, pieces: endless), wanted: 500..<100_000_500))
    var taken = 0
    var bytes = 0
    try await passage.run { piece in
      taken += 1
      bytes += piece.count
      #expect(endless.asked == taken)
    }
    #expect(bytes == 100_000_000 && endless.asked == 1_526)
  }

  /// A gateway that keeps no files, and a provider whose files the test sends.
  private func run(_ body: @escaping @Sendable (WholeGateway, SlowProvider, String) async throws -> Void) async throws {
    try await SlowProvider.run { provider in
      let transport = HTTPClientTransport(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
      defer { Task { await transport.close() } }
      try await WholeGateway.run(settings: { settings in
        settings.configuration.media.store = .none
        settings.transport = DivertedTransport(base: transport, files: provider.authority)
      }) { gateway in
        async let received = gateway.receivePicture(base64: nil)
        let call = try await provider.next()
        // Its size is all there is to know: nothing of the file is waited for.
        try await call.send("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 12\r\n\r\nhalf")
        let item = try await received
        #expect(item["state"] == "ready" && item["size"] == 12 && item["contentType"] == "image/png")
        try await call.hasEnded()
        try await body(gateway, provider, "/api/media/" + (item["id"]?.stringValue ?? ""))
      }
    }
  }

  private static func begin(
    _ gateway: WholeGateway, _ path: String, headers: [(String, String)] = []
  ) async throws -> HTTPClientResponse {
    var request = HTTPClientRequest(url: gateway.base + path)
    for (name, value) in [("Authorization", "Bearer \(gateway.key)")] + headers {
      request.headers.replaceOrAdd(name: name, value: value)
    }
    return try await HTTPClient.shared.execute(request, timeout: .seconds(30))
  }

  @Test("a client has the first bytes of a file before its provider has sent the last, and HEAD asks nobody")
  func slow() async throws {
    try await run { gateway, provider, path in
      async let begun = Self.begin(gateway, path)
      let call = try await provider.next()
      try await call.send("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nfirst ")
      let response = try await begun
      #expect(response.status == .ok && response.headers.first(name: "content-length") == "12")
      var pieces = response.body.makeAsyncIterator()
      #expect(try await pieces.next() == ByteBuffer(string: "first "))
      try await call.send("second")
      #expect(try await pieces.next() == ByteBuffer(string: "second"))
      #expect(try await pieces.next() == nil)

      let head = try await gateway.file(path, method: "HEAD")
      #expect(head.status == 200 && head.bytes.isEmpty && head.headers["content-length"] == "12")
      #expect(provider.taken == 2)
    }
  }

  @Test("a part is asked of the provider, and cut by us where it gives the whole")
  func parts() async throws {
    try await run { gateway, provider, path in
      async let granted = gateway.file(path, headers: [("Range", "bytes=4-7")])
      var call = try await provider.next()
      #expect(call.head.lowercased().contains("range: bytes=4-7\r\n"))
      try await call.send(
        "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 4-7/12\r\ncontent-length: 4\r\n\r\n4567")
      let part = try await granted
      #expect(part.status == 206 && part.bytes == Array("4567".utf8))
      #expect(part.headers["content-range"] == "bytes 4-7/12")

      async let refused = gateway.file(path, headers: [("Range", "bytes=4-7")])
      call = try await provider.next()
      // Its end is not waited for.
      try await call.send("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n0123456789")
      #expect(try await refused.bytes == Array("4567".utf8))
      try await call.hasEnded()

      async let changed = gateway.call("GET", path)
      try await provider.next().send("HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n")
      #expect(try await changed.status == 502)
    }
  }

  @Test("a client that goes away ends the provider's transfer, though the provider says nothing")
  func gone() async throws {
    try await run { gateway, provider, path in
      let client = HTTPClient(eventLoopGroupProvider: .singleton)
      var request = HTTPClientRequest(url: gateway.base + path)
      request.headers.add(name: "Authorization", value: "Bearer \(gateway.key)")
      let asking = request
      async let begun = client.execute(asking, timeout: .seconds(30))
      let call = try await provider.next()
      try await call.send("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nfirst ")
      #expect(try await begun.status == .ok)
      #expect(!call.isOver)
      try await client.shutdown()
      try await call.hasEnded()
    }
  }

  @Test(
    "a file that stalls at the provider's comes as far as it has come, and whole in the end; so does one that is kept")
  func stalling() async throws {
    let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    try await WholeGateway.run(settings: { $0.configuration.media.store = .none }) { gateway in
      let item = try await gateway.receivePicture(base64: Data(bytes).base64EncodedString())
      try await gateway.chaos(#"{"stallMedia":{"count":1,"bytes":5,"milliseconds":1000}}"#)
      let begun = ContinuousClock.now
      let response = try await Self.begin(gateway, "/api/media/" + (item["id"]?.stringValue ?? ""))
      var pieces = response.body.makeAsyncIterator()
      var whole = try #require(try await pieces.next())
      #expect(Array(whole.readableBytesView) == Array(bytes.prefix(5)))
      while let piece = try await pieces.next() { whole.writeImmutableBuffer(piece) }
      #expect(Array(whole.readableBytesView) == bytes && .now - begun >= .seconds(1))
    }
    try await WholeGateway.run { gateway in
      try await gateway.chaos(#"{"stallMedia":{"count":1,"bytes":5,"milliseconds":500}}"#)
      let item = try await gateway.receivePicture(base64: Data(bytes).base64EncodedString())
      #expect(try await gateway.file("/api/media/" + (item["id"]?.stringValue ?? "")).bytes == bytes)
    }
  }

  @Test("a file that breaks off at the provider's breaks off at the client's: it is not taken for a whole one")
  func broken() async throws {
    try await run { gateway, provider, path in
      async let begun = Self.begin(gateway, path)
      let call = try await provider.next()
      try await call.send("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nfirst ")
      let response = try await begun
      try await call.close()
      await #expect(throws: (any Error).self) { _ = try await response.body.collect(upTo: 100) }
      // The gateway serves on.
      #expect(try await gateway.call("GET", "/health").status == 200)
    }
  }
}

/// A body without an end, that counts its pieces of 64 KiB.
private final class EndlessPieces: BodyPieces {
  typealias Element = [UInt8]
  typealias Failure = TransportFailure

  private let count = Mutex(0)
  var asked: Int { count.withLock(\.self) }

  func makeAsyncIterator() -> Iterator { Iterator(pieces: self) }

  struct Iterator: AsyncIteratorProtocol {
    typealias Failure = TransportFailure
    let pieces: EndlessPieces
    let piece = [UInt8](repeating: 0, count: 64 << 10)

    mutating func next() async throws(TransportFailure) -> [UInt8]? {
      pieces.count.withLock { $0 += 1 }
      return piece
    }
  }
}
