// The way out against a real server that does not keep its word.

import ChannelProtocol
import HTTPTypes
import NIOCore
import NIOPosix
import Testing

@testable import Gateway

@Suite("The way out", .timeLimit(.minutes(1)))
struct HTTPClientTransportTests {
  /// Answers whatever comes with the same bytes, and then says nothing more.
  private final class Says: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let answer: String
    init(_ answer: String) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
    }
  }

  private func send(to answer: String, within deadline: Duration) async throws -> Result<[UInt8], TransportFailure> {
    let group = MultiThreadedEventLoopGroup.singleton
    let server = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Says(answer)) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let transport = HTTPClientTransport(eventLoopGroup: group)
    let request = HTTPRequest(
      method: .post, scheme: "http", authority: "127.0.0.1:\(server.localAddress?.port ?? 0)", path: "/")
    let result: Result<[UInt8], TransportFailure>
    do throws(TransportFailure) {
      result = .success(try await transport.send(request, body: [1], deadline: deadline).body)
    } catch {
      result = .failure(error)
    }
    await transport.close()
    try await server.close()
    return result
  }

  @Test("an answer whose body stalls is given up at the deadline, and the call may have arrived")
  func stalledBody() async throws {
    let begun = ContinuousClock.now
    let answer = try await send(
      to: "HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"sid\":", within: .milliseconds(300))
    #expect(.now - begun < .seconds(20))
    guard case .failure(let failure) = answer else {
      Issue.record("half an answer was taken for one")
      return
    }
    #expect(failure.mayHaveArrived && !failure.isTooLarge)
  }

  @Test("an answer that is whole is had, with its body")
  func wholeBody() async throws {
    let answer = try await send(to: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", within: .seconds(20))
    #expect(try answer.get() == Array("{}".utf8))
  }
}
