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
  /// The same when the server goes down, which waits for nobody who sleeps.
  private static let lastCloseTimeout = TimeAmount.seconds(2)

  private let session: LoopReference<EngineSocket>
  let maximumIncomplete: Int
  private var assembler: WebSocketMessageAssembler
  private var context: ChannelHandlerContext?
  private var link: EngineWebSocketLink?
  private var isClosing = false
  private var isShuttingDown = false
  /// A pong waits for the socket. Of the pings that come meanwhile only the last is answered (RFC 6455 section 5.5.3): a
  /// client that sends them and reads nothing fills no memory.
  private var isAnswering = false
  private var unanswered: ByteBuffer?

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
    case .ping(let payload): answer(ping: payload)
    case .close(let answer): close(answer, peerHasClosed: true)
    case .violation(let violation): close(violation: violation)
    case .binary(let data): hand(.message(.binary(data)))
    case .text(let text):
      guard String(validating: text.readableBytesView, as: UTF8.self) != nil else {
        return close(violation: WebSocketClose(.invalidPayload, "the text is not UTF-8"))
      }
      hand(try? EnginePacket(text: text))
    }
  }

  private func answer(ping payload: ByteBuffer) {
    guard !isAnswering else {
      unanswered = payload
      return
    }
    guard !isClosing, let context else { return }
    isAnswering = true
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.webSocketFrame(.pong, payload.readableBytesView))).whenComplete { _ in
      let webSocket = bound.value
      webSocket.isAnswering = false
      guard let last = webSocket.unanswered else { return }
      webSocket.unanswered = nil
      webSocket.answer(ping: last)
    }
  }

  private func hand(_ packet: EnginePacket?) {
    guard let link else { return }
    session.run { $0.received(packet, from: link) }
  }

  func shutDown() {
    isShuttingDown = true
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

  func close(violation: WebSocketClose) {
    close(violation, peerHasClosed: false)
    lost(.protocolError)
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
      let timeout = isShuttingDown ? Self.lastCloseTimeout : Self.closeTimeout
      let deadline = context.eventLoop.scheduleTask(in: timeout) { bound.value.close(promise: nil) }
      context.channel.closeFuture.whenComplete { _ in deadline.cancel() }
    }
  }

  private func lost(_ reason: EngineCloseReason) {
    guard let link else { return }
    self.link = nil
    session.run { $0.lost(link, reason) }
  }
}
