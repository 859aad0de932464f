// Clients in bytes: they count frames, and some of them look at when an event was published.

import Foundation
import NIOCore
import NIOPosix
import Synchronization

final class ReaderGroup: Sendable {
  private let channels: [any Channel]
  private let tally: Tally

  private init(_ channels: [any Channel], _ tally: Tally) {
    self.channels = channels
    self.tally = tally
  }

  /// Events that have come, over all connections.
  var received: Int { tally.received }

  /// Nanoseconds from the publisher to a client, of those that look.
  func latencies() async -> [UInt64] { tally.latencies }

  /// Opens connections that are subscribed, a hundred at a time.
  /// - Parameter every: each so-manieth looks at the time.
  static func open(_ count: Int, port: Int, samplesEvery every: Int) async throws -> ReaderGroup {
    let tally = Tally()
    var channels: [any Channel] = []
    for start in stride(from: 0, to: count, by: 100) {
      let opened = try await withThrowingTaskGroup(of: (any Channel).self) { group in
        for index in start..<min(count, start + 100) {
          group.addTask { try await connect(port, tally: tally, isSampling: index % every == 0) }
        }
        return try await group.reduce(into: [any Channel]()) { $0.append($1) }
      }
      channels += opened
    }
    return ReaderGroup(channels, tally)
  }

  private static func connect(_ port: Int, tally: Tally, isSampling: Bool) async throws -> any Channel {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let ready = loop.makePromise(of: Void.self)
    let channel = try await ClientBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            Reader(tally: tally, isSampling: isSampling, ready: ready))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    let deadline = loop.scheduleTask(in: .seconds(30)) { ready.fail(BenchmarkFailure("no subscription in time")) }
    try await ready.futureResult.get()
    deadline.cancel()
    return channel
  }

  func close() async {
    for channel in channels { channel.close(promise: nil) }
    for channel in channels { try? await channel.closeFuture.get() }
  }
}

final class Tally: Sendable {
  private let count = Atomic(0)
  private let times = Mutex<[UInt64]>([])

  var received: Int { count.load(ordering: .relaxed) }
  var latencies: [UInt64] { times.withLock { $0 } }
  func add(_ events: Int) { count.add(events, ordering: .relaxed) }
  func add(_ latencies: [UInt64]) { times.withLock { $0 += latencies } }
}

private final class Reader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Phase { case upgrading, subscribing, reading }

  private let tally: Tally
  private let isSampling: Bool
  private let ready: EventLoopPromise<Void>
  private var phase = Phase.upgrading
  private var buffer = ByteBuffer()

  init(tally: Tally, isSampling: Bool, ready: EventLoopPromise<Void>) {
    self.tally = tally
    self.isSampling = isSampling
    self.ready = ready
  }

  func channelActive(context: ChannelHandlerContext) {
    let request =
      "GET /ws?token=key HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { ready.fail(ChannelError.ioOnClosedChannel) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeBuffer(&bytes) }
    if phase == .upgrading {
      guard let end = buffer.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
      buffer.moveReaderIndex(to: end.upperBound)
      phase = .subscribing
      send(Array(#"{"type":"subscribe"}"#.utf8), opcode: 1, context: context)
    }
    readFrames(context: context)
  }

  private func readFrames(context: ChannelHandlerContext) {
    var events = 0
    var latencies: [UInt64] = []
    while let (opcode, payload) = frame() {
      if opcode == 9 {
        send([], opcode: 10, context: context)
      } else if phase == .subscribing {
        phase = .reading
        ready.succeed(())
      } else if opcode == 1 {
        events += 1
        if isSampling, let published = Self.published(payload) {
          latencies.append(DispatchTime.now().uptimeNanoseconds - published)
        }
      }
    }
    buffer.discardReadBytes()
    if events > 0 { tally.add(events) }
    if !latencies.isEmpty { tally.add(latencies) }
  }

  private func frame() -> (UInt8, ByteBufferView)? {
    guard let second = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt8.self) else { return nil }
    var (length, header) = (Int(second & 0x7F), 2)
    if length == 126 {
      guard let extended = buffer.getInteger(at: buffer.readerIndex + 2, as: UInt16.self) else { return nil }
      (length, header) = (Int(extended), 4)
    }
    guard buffer.readableBytes >= header + length, let first = buffer.readInteger(as: UInt8.self) else { return nil }
    buffer.moveReaderIndex(forwardBy: header - 1)
    return (first & 0x0F, (buffer.readSlice(length: length) ?? ByteBuffer()).readableBytesView)
  }

  private static let mark = Array(#""t":"#.utf8)

  private static func published(_ payload: ByteBufferView) -> UInt64? {
    guard let range = payload.firstRange(of: mark) else { return nil }
    return UInt64(String(decoding: payload[range.upperBound...].prefix { (0x30...0x39).contains($0) }, as: UTF8.self))
  }

  private func send(_ payload: [UInt8], opcode: UInt8, context: ChannelHandlerContext) {
    // Masked with zeros: the payload stays as it is.
    let frame: [UInt8] = [0x80 | opcode, 0x80 | UInt8(payload.count), 0, 0, 0, 0]
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: frame + payload)), promise: nil)
  }
}
