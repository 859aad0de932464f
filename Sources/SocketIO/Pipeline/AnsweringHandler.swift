// What handlers in front of an HTTP server have in common: some of a connection's requests they answer themselves.

package import HTTPTypes
package import NIOCore
package import NIOHTTPTypes

/// Answers its own requests on one connection and passes every other one on. What comes behind such a request waits
/// for its answer: answers keep the order of requests.
///
/// A conforming handler says which requests are its own, reads them, and calls ``finishReading(context:)``; it is then
/// told by ``decide(context:)`` when it is its turn, and answers with ``answer(_:body:closing:context:)``; or it writes the
/// answer itself, flushed, and calls ``goOn(context:)``.
package protocol AnsweringHandler: ChannelDuplexHandler, RemovableChannelHandler
where
  InboundIn == HTTPRequestPart, InboundOut == HTTPRequestPart, OutboundIn == HTTPResponsePart,
  OutboundOut == HTTPResponsePart
{
  var order: AnswerOrder { get set }

  func takes(_ request: HTTPRequest) -> Bool

  /// A part of a request that it takes.
  func take(_ part: HTTPRequestPart, context: ChannelHandlerContext)

  /// All requests before the one that was read are answered.
  func decide(context: ChannelHandlerContext)
}

extension AnsweringHandler {
  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    receive(unwrapInboundIn(data), context: context)
  }

  private func receive(_ part: HTTPRequestPart, context: ChannelHandlerContext) {
    switch order.arrived(part, isOurs: takes) {
    case .pass: context.fireChannelRead(wrapInboundOut(part))
    case .held, .drop: break
    case .take: take(part, context: context)
    }
  }

  /// The request has been read, or as much of it as is wanted.
  package func finishReading(context: ChannelHandlerContext) {
    if order.finishedReading() { decide(context: context) }
  }

  package func read(context: ChannelHandlerContext) { if order.mayRead() { context.read() } }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if order.mayThrow(error) { context.fireErrorCaught(error) }
  }

  /// Whether an event goes on now; ``AnswerOrder`` keeps it otherwise.
  package func passes(_ event: Any) -> Bool {
    switch event {
    case is ChannelShouldQuiesceEvent: order.mayQuiesce()
    case ChannelEvent.inputClosed: order.mayCloseInput()
    default: true
    }
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if passes(event) { context.fireUserInboundEventTriggered(event) }
  }

  package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let part = unwrapOutboundIn(data)
    context.write(wrapOutboundOut(part), promise: promise)
    if order.serverWrote(part) {
      context.flush()
      decide(context: context)
    }
  }

  /// Writes a whole answer, then goes on with what came behind the request.
  /// - Parameters:
  ///   - body: nil where the answer has none, or may not show it (HEAD).
  ///   - closing: the connection ends behind the answer; `head` says so.
  package func answer(
    _ head: HTTPResponse, body: ByteBuffer?, closing: Bool, context: ChannelHandlerContext
  ) {
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if let body, body.readableBytes > 0 { context.write(wrapOutboundOut(.body(body)), promise: nil) }
    if closing {
      order.end()
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
    } else {
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      goOn(context: context)
    }
  }

  /// The answer has been written; goes on with what came behind the request.
  package func goOn(context: ChannelHandlerContext) {
    guard order.answered() else { return }
    while let part = order.nextHeld() { receive(part, context: context) }
    context.fire(order.settle())
  }

  /// Makes a WebSocket of the connection, when its request asks for one and nothing before it is unanswered.
  /// - Parameter fields: of the answer, beside those of the protocol.
  /// - Throws: what NIO throws for a pipeline that is not HTTP/1's; the connection has to be closed then.
  package func becomeWebSocket(
    _ handler: some WebSocketChannelHandler, accept: String, fields: HTTPFields = [:], maximumFrame: Int,
    context: ChannelHandlerContext
  ) throws {
    let owed = order.end()
    var fields = fields
    fields[.upgrade] = "websocket"
    fields[.connection] = "Upgrade"
    fields[.secWebSocketAccept] = accept
    context.write(wrapOutboundOut(.head(HTTPResponse(status: .switchingProtocols, headerFields: fields))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    let pipeline = context.pipeline.syncOperations
    try pipeline.switchToWebSocket(handler, maximumFrame: maximumFrame)
    for item in owed {
      switch item {
      // Told from the front, where the WebSocket hears it.
      case .quiesce: context.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
      default: context.fire([item])
      }
    }
    pipeline.removeHandler(self, promise: nil)
  }
}
