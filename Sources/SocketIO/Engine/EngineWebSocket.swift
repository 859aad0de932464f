// A WebSocket that carries a session, or would: frames to packets and back, on its own event loop.

internal import NIOCore
internal import NIOWebSocket

/// How a session speaks to its WebSocket, wherever that lives.
struct EngineWebSocketLink: Sendable, Equatable {
  private let connection: LoopReference<EngineWebSocket>
  private let identity: ObjectIdentifier

  init(_ connection: EngineWebSocket, on eventLoop: any EventLoop) {
    self.connection = LoopReference(connection, on: eventLoop)
    identity = ObjectIdentifier(connection)
  }

  func write(_ frames: [EngineFrame]) { connection.run { $0.write(frames) } }
  func close(_ close: WebSocketClose) { connection.run { $0.close(close) } }

  static func == (left: Self, right: Self) -> Bool { left.identity == right.identity }
}

final class EngineWebSocket: WebSocketChannelHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundIn = Any
  typealias OutboundOut = ByteBuffer

  /// How long a close frame may take to be answered.
  private static let closeTimeout = TimeAmount.seconds(5)

  private let session: LoopReference<EngineSocket>
  let maximumIncomplete: Int
  private var assembler: WebSocketMessageAssembler
  private var context: ChannelHandlerContext?
  private var link: EngineWebSocketLink?
  private var isClosing = false

  init(session: LoopReference<EngineSocket>, maximumMessage: Int) {
    self.session = session
    maximumIncomplete = maximumMessage
    assembler = WebSocketMessageAssembler(maximumSize: maximumMessage, takesBinary: true)
  }

  // MARK: Channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    link = EngineWebSocketLink(self, on: context.eventLoop)
    // Left alone, the kernel takes in megabytes for a reader that reads nothing, and hides that it is slow.
    try? context.channel.syncOptions?.setOption(.socketOption(.so_sndbuf), value: .init(262_144))
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    lost(.lost)
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    lost(.lost)
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    if isClosing {
      if frame.opcode == .connectionClose { context.close(promise: nil) }
      return
    }
    switch assembler.receive(frame) {
    case .nothing, .pong: break
    case .ping(let payload):
      context.writeAndFlush(wrapOutboundOut(.webSocketFrame(.pong, payload.readableBytesView)), promise: nil)
    case .close(let answer): close(answer, peerHasClosed: true)
    case .violation(let violation): close(violation, .protocolError)
    case .binary(let data): hand(.message(.binary(data)))
    case .text(let text):
      guard String(validating: text.readableBytesView, as: UTF8.self) != nil else {
        return close(WebSocketClose(.invalidPayload, "the text is not UTF-8"), .protocolError)
      }
      hand(try? EnginePacket(text: text))
    }
  }

  private func hand(_ packet: EnginePacket?) {
    guard let link else { return }
    session.run { $0.received(packet, from: link) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ChannelShouldQuiesceEvent:
      // Not passed on: the HTTP handlers behind us would close at once.
      endSession()
    case ChannelEvent.inputClosed:
      context.fireUserInboundEventTriggered(event)
      context.close(promise: nil)
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case NIOWebSocketError.invalidFrameLength:
      close(WebSocketClose(.messageTooBig, "a message may have \(maximumIncomplete) bytes"), .protocolError)
      endOutput(context)
    case is NIOWebSocketError:
      close(WebSocketClose(.protocolError, "malformed frame"), .protocolError)
      endOutput(context)
    case is ByteToMessageDecoderError:
      // The rest of what follows a malformed frame.
      break
    default: context.close(promise: nil)
    }
  }

  /// No frame can be read any more, the client's answer to ours neither: it sees the end at once. To close altogether
  /// while it is still sending would reset the connection, and our close frame with it.
  private func endOutput(_ context: ChannelHandlerContext) { context.close(mode: .output, promise: nil) }

  /// From the HTTP handlers behind us, which have nothing to say any more.
  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.ioOnClosedChannel)
  }

  /// The server's task closes one direction when it is cancelled, or has seen the end of input.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all else {
      endSession()
      promise?.succeed(())
      return
    }
    context.close(mode: mode, promise: promise)
  }

  /// The server goes down.
  private func endSession() {
    session.run { $0.close(WebSocketClose(.serviceRestart)) }
    // Also where the session is still carried by polling.
    close(WebSocketClose(.serviceRestart))
  }

  // MARK: What the session says

  func write(_ frames: [EngineFrame]) {
    guard !isClosing, let context else { return }
    var bytes = 0
    for frame in frames.dropLast() {
      bytes += frame.size
      context.write(wrapOutboundOut(frame.webSocketFrame), promise: nil)
    }
    guard let last = frames.last else { return }
    bytes += last.size
    let (session, count) = (session, bytes)
    context.writeAndFlush(wrapOutboundOut(last.webSocketFrame)).whenComplete { _ in
      session.run { $0.written(count) }
    }
  }

  func close(_ close: WebSocketClose) { self.close(close, peerHasClosed: false) }

  // MARK: The end

  private func close(_ violation: WebSocketClose, _ reason: EngineCloseReason) {
    close(violation, peerHasClosed: false)
    lost(reason)
  }

  private func close(_ close: WebSocketClose, peerHasClosed: Bool) {
    guard !isClosing, let context else { return }
    isClosing = true
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    let written = context.writeAndFlush(wrapOutboundOut(.webSocketCloseFrame(close)))
    if peerHasClosed {
      written.whenComplete { _ in bound.value.close(promise: nil) }
      lost(.client)
    } else {
      let deadline = context.eventLoop.scheduleTask(in: Self.closeTimeout) { bound.value.close(promise: nil) }
      context.channel.closeFuture.whenComplete { _ in deadline.cancel() }
    }
  }

  private func lost(_ reason: EngineCloseReason) {
    guard let link else { return }
    self.link = nil
    session.run { $0.lost(link, reason) }
  }
}
