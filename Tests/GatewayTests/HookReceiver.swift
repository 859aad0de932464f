// A receiver of webhooks on the loopback address, which does not take everything at once.

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Takes events by their number.
final class HookReceiver: Sendable {
  private struct State {
    /// In the order in which they came.
    var numbers: [Int64] = []
    var taken: Set<String> = []
    var refused: Set<String> = []
    var refusals = 0
  }

  private final class Shared: Sendable {
    let value = Mutex(State())
  }

  private let state: Shared
  private let channel: any Channel

  var numbers: [Int64] { state.value.withLock(\.numbers) }
  /// Ids that were refused, and of them those that have not come again.
  var refused: (all: Set<String>, open: Set<String>) {
    state.value.withLock { ($0.refused, $0.refused.subtracting($0.taken)) }
  }
  /// Requests that were refused, of however few ids.
  var refusals: Int { state.value.withLock(\.refusals) }
  var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/" }

  private init(_ state: Shared, _ channel: any Channel) {
    self.state = state
    self.channel = channel
  }

  /// Says whether an event is refused; every other one of those finds its connection closed.
  typealias Refusal = @Sendable (_ number: Int64, _ isAgain: Bool) -> Bool

  static func run(
    refusing refusal: @escaping Refusal, _ body: (HookReceiver) async throws -> Void
  ) async throws {
    let state = Shared()
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Handler(state, refusal))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let result: Result<Void, any Error>
    do { result = .success(try await body(HookReceiver(state, channel))) } catch { result = .failure(error) }
    try? await channel.close()
    try result.get()
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private struct Body: Decodable { var seq: Int64 }

    private let state: Shared
    private let refusal: Refusal
    private var id = ""
    private var body = ByteBuffer()

    init(_ state: Shared, _ refusal: @escaping Refusal) {
      self.state = state
      self.refusal = refusal
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch Self.unwrapInboundIn(data) {
      case .head(let head):
        id = head.headers.first(name: "webhook-id") ?? ""
        body.clear()
      case .body(var part): body.writeBuffer(&part)
      case .end:
        guard let seq = try? JSONDecoder().decode(Body.self, from: Data(body.readableBytesView)).seq else {
          return answer(.badRequest, context)
        }
        let isRefused = take(seq)
        if isRefused, seq % 100 >= 50 { return context.close(promise: nil) }
        answer(isRefused ? .serviceUnavailable : .ok, context)
      }
    }

    private func take(_ seq: Int64) -> Bool {
      state.value.withLock { [id, refusal] state in
        if refusal(seq, state.refused.contains(id)) {
          state.refused.insert(id)
          state.refusals += 1
          return true
        }
        state.numbers.append(seq)
        state.taken.insert(id)
        return false
      }
    }

    private func answer(_ status: HTTPResponseStatus, _ context: ChannelHandlerContext) {
      let head = HTTPResponseHead(version: .http1_1, status: status, headers: ["content-length": "0"])
      context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
      context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
