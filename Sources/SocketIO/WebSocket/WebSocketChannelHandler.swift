// What the handlers have in common that take over a connection which has become a WebSocket's: its ways to end.

package import NIOCore
package import NIOWebSocket

/// What takes over a connection that has become a WebSocket: it reads frames and writes bytes.
package protocol WebSocketChannelHandler: ChannelDuplexHandler
where InboundIn == WebSocketFrame, OutboundIn == Any, OutboundOut == ByteBuffer {
  /// How much of an incomplete frame may be held in memory.
  var maximumIncomplete: Int { get }

  /// The peer has broken the protocol: it is told so, and the connection ends.
  func close(violation: WebSocketClose)

  /// The server goes down.
  func shutDown()
}

extension WebSocketChannelHandler {
  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ChannelShouldQuiesceEvent:
      // Not passed on: the HTTP handlers behind us would close at once.
      shutDown()
    case ChannelEvent.inputClosed:
      context.fireUserInboundEventTriggered(event)
      context.close(promise: nil)
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case NIOWebSocketError.invalidFrameLength:
      close(violation: WebSocketClose(.messageTooBig, "a message may have \(maximumIncomplete) bytes"))
      endOutput(context)
    case is NIOWebSocketError:
      close(violation: WebSocketClose(.protocolError, "malformed frame"))
      endOutput(context)
    case is ByteToMessageDecoderError:
      // The rest of what follows a malformed frame.
      break
    default:
      context.close(promise: nil)
    }
  }

  /// No frame can be read any more, the peer's answer to our close neither: it sees the end at once. To close altogether
  /// while it is still sending would reset the connection, and our close frame with it.
  private func endOutput(_ context: ChannelHandlerContext) { context.close(mode: .output, promise: nil) }

  /// From the HTTP handlers behind us, which have nothing to say any more.
  package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.ioOnClosedChannel)
  }

  /// The server's task closes one direction when it is cancelled, or has seen the end of input.
  package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all else {
      shutDown()
      promise?.succeed(())
      return
    }
    context.close(mode: mode, promise: promise)
  }
}
