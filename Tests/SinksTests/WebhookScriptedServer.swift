// A server on the loopback address that answers with the bytes a test gives it, well-formed or not.

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Reads HTTP requests and answers each as the script says.
final class WebhookScriptedServer: Sendable {
  enum Reply: Sendable {
    case bytes(String)
    case bytesThenClose(String)
    case close
    /// Says nothing.
    case hang

    static func status(_ code: Int, _ fields: String = "", body: String = "") -> Reply {
      .bytes("HTTP/1.1 \(code) X\r\ncontent-length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
    }
  }

  struct Seen: Sendable {
    var connection: Int
    var head: HTTPRequestHead
    var body: String
  }

  private struct State {
    var connections = 0
    var requests: [Seen] = []
  }

  let port: Int
  private let channel: any Channel
  private let state: SharedState

  private final class SharedState: Sendable {
    let value = Mutex(State())
  }

  /// - Parameter script: gives the reply to a request; the number counts requests from 0, over all connections.
  init(
    tls: NIOSSLContext? = nil, script: @escaping @Sendable (_ number: Int, _ seen: Seen) -> Reply
  ) async throws {
    let state = SharedState()
    self.state = state
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = state.value.withLock { state in
            state.connections += 1
            return state.connections
          }
          let pipeline = channel.pipeline.syncOperations
          if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
          try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
          try pipeline.addHandler(
            Handler { head, body in
              let seen = Seen(connection: connection, head: head, body: body)
              let number = state.value.withLock { state in
                state.requests.append(seen)
                return state.requests.count - 1
              }
              return script(number, seen)
            })
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  var connections: Int { state.value.withLock(\.connections) }
  var requests: [Seen] { state.value.withLock(\.requests) }

  func close() { channel.close(promise: nil) }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private let reply: (HTTPRequestHead, String) -> Reply
    private var head: HTTPRequestHead?
    private var body = ""

    init(reply: @escaping (HTTPRequestHead, String) -> Reply) { self.reply = reply }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch Self.unwrapInboundIn(data) {
      case .head(let head):
        self.head = head
        body = ""
      case .body(let buffer): body += String(buffer: buffer)
      case .end:
        guard let head else { return }
        switch reply(head, body) {
        case .bytes(let text): context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        case .bytesThenClose(let text):
          context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
          context.close(promise: nil)
        case .close: context.close(promise: nil)
        case .hang: break
        }
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
