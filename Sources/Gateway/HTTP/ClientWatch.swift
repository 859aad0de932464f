// Hears that a client has gone away while nothing is written to it.

import NIOCore

/// In a connection's pipeline for as long as an answer waits for somebody else. A client that closes its side while it
/// is being answered is taken for gone, as proxies do.
final class ClientWatch: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  typealias InboundIn = Any

  private let hasGone: @Sendable () -> Void

  private init(_ hasGone: @escaping @Sendable () -> Void) { self.hasGone = hasGone }

  /// Calls `hasGone` when the client goes away during `body`; at once where it has gone already.
  static func during<Value>(
    _ channel: any Channel, hasGone: @escaping @Sendable () -> Void, _ body: () async throws -> Value
  ) async throws -> Value {
    let watch = ClientWatch(hasGone)
    do {
      // In front of everybody who may keep the news back until the answer is over.
      try await channel.pipeline.addHandler(watch, position: .first).get()
    } catch {
      hasGone()
    }
    defer { channel.pipeline.removeHandler(watch, promise: nil) }
    return try await body()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event { hasGone() }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    hasGone()
    context.fireChannelInactive()
  }
}
