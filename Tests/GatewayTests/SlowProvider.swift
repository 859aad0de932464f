// A provider's server that sends what a test says, when the test says it.

import ChannelProtocol
import HTTPTypes
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Gateway

/// Takes connections, and gives each to the test when its request is there.
final class SlowProvider: Sendable {
  /// A request that waits for its answer.
  struct Call: Sendable {
    /// The request's first line and headers.
    let head: String
    fileprivate let channel: any Channel

    /// Returns when the bytes are the socket's: not before whoever reads has made room.
    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }
    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
    func close() async throws { try await channel.close() }

    /// Returns when the other side has gone.
    func hasEnded() async throws { try await channel.closeFuture.get() }
    var isOver: Bool { !channel.isActive }
  }

  private final class Reading: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private var head = ""
    private let calls: AsyncStream<Call>.Continuation

    init(_ calls: AsyncStream<Call>.Continuation) { self.calls = calls }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      head += String(buffer: unwrapInboundIn(data))
      guard head.hasSuffix("\r\n\r\n") else { return }
      calls.yield(Call(head: head, channel: context.channel))
      head = ""
    }
  }

  let authority: String
  private let server: any Channel
  private let calls: AsyncStream<Call>
  private let count = Mutex(0)

  private init(server: any Channel, calls: AsyncStream<Call>) {
    self.server = server
    self.calls = calls
    authority = "127.0.0.1:\(server.localAddress?.port ?? 0)"
  }

  static func run(_ body: (SlowProvider) async throws -> Void) async throws {
    let (calls, continuation) = AsyncStream.makeStream(of: Call.self)
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Reading(continuation))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    do {
      try await body(SlowProvider(server: server, calls: calls))
    } catch {
      try await server.close()
      throw error
    }
    try await server.close()
  }

  /// The next request, once it has come.
  func next() async throws -> Call {
    var iterator = calls.makeAsyncIterator()
    let call = try #require(await iterator.next())
    count.withLock { $0 += 1 }
    return call
  }

  /// Those that were taken.
  var taken: Int { count.withLock(\.self) }
}

/// The way out, on which requests for files end at another server.
struct DivertedTransport: HTTPTransport {
  let base: any HTTPTransport
  let files: String

  func send(
    _ request: HTTPRequest, body: [UInt8], deadline: Duration
  ) async throws(TransportFailure) -> (response: HTTPResponse, body: [UInt8]) {
    try await base.send(request, body: body, deadline: deadline)
  }

  func open(_ request: HTTPRequest, deadlines: TransferDeadlines) async throws(TransportFailure) -> OpenAnswer {
    var request = request
    request.authority = files
    return try await base.open(request, deadlines: deadlines)
  }
}
