// A client that keeps its connection, as open pages do.

import ChannelProtocol
import GatewayTesting
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Gateway

/// Connected until the gateway closes the connection. It answers the close frame of a WebSocket, as browsers do.
final class StayingClient: Sendable {
  private let channel: any Channel
  private let heard: Heard

  private init(channel: any Channel, heard: Heard) {
    self.channel = channel
    self.heard = heard
  }

  /// - Parameter answersClose: false: as if its machine were asleep.
  static func connect(to gateway: WholeGateway, answersClose: Bool = true) async throws -> StayingClient {
    let port = try #require(Int(gateway.base.split(separator: ":").last ?? ""))
    let heard = Heard()
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Listening(heard, answersClose: answersClose))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    return StayingClient(channel: channel, heard: heard)
  }

  /// Sends a request without a body.
  func ask(_ target: String, key: String? = nil, fields: [String] = []) async throws {
    let lines =
      ["GET \(target) HTTP/1.1", "Host: localhost"] + (key.map { ["Authorization: Bearer \($0)"] } ?? []) + fields
    try await channel.writeAndFlush(ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n")).get()
  }

  /// Asks for a WebSocket and waits until it is one.
  func upgrade(_ target: String, key: String? = nil) async throws {
    try await ask(
      target, key: key,
      fields: [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
      ])
    try await hear("101 Switching Protocols")
  }

  /// Sends a text frame of at most 125 bytes.
  func say(_ text: String) async throws {
    // The mask that changes nothing.
    let frame: [UInt8] = [0x81, 0x80 | UInt8(text.utf8.count), 0, 0, 0, 0] + Array(text.utf8)
    try await channel.writeAndFlush(ByteBuffer(bytes: frame)).get()
  }

  func hear(_ words: String) async throws {
    let heard = heard
    try #require(
      await eventually { heard.text.withLock { $0.contains(words) } }, "\(words) in \(heard.text.withLock { $0 })")
  }

  /// Waits until the gateway has closed the connection.
  func ended() async throws { try await channel.closeFuture.get() }
}

private final class Heard: Sendable {
  let text = Mutex("")
}

private final class Listening: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  private let heard: Heard
  private let answersClose: Bool

  init(_ heard: Heard, answersClose: Bool) {
    self.heard = heard
    self.answersClose = answersClose
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = Array(buffer: unwrapInboundIn(data))
    heard.text.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
    // No other byte of ours looks like the first one of a close frame: frames are short, and ASCII.
    if answersClose, bytes.contains(0x88) {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [0x88, 0x80, 0, 0, 0, 0])), promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
