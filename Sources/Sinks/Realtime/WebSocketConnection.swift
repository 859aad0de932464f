// One WebSocket: the shell around the session and the cursor, on its event loop.

internal import ChannelProtocol
internal import NIOCore
internal import NIOWebSocket
internal import SocketIO

/// Feeds frames to the session, does what it says, and writes events for as long as the socket takes them. It holds no
/// queue of events: while the socket is full, the cursor stands still.
final class WebSocketConnection: WebSocketChannelHandler, RealtimeSubscriber, RealtimeStreamOwner {
  typealias InboundIn = WebSocketFrame
  typealias OutboundIn = Any
  typealias OutboundOut = ByteBuffer

  private enum Phase {
    case open
    /// A close frame was written; the channel is closed when the peer answers, or at the deadline.
    case closing(deadline: NIODeadline)
    case closed
  }

  /// How many events one connection may be given in a turn of its loop.
  private static let turn = 256

  let endpoint: RealtimeEndpoint
  private var limits: WebSocketLimits { endpoint.limits }
  private var phase = Phase.open
  private var isAdmitted = true
  private var context: ChannelHandlerContext?
  private var loop: RealtimeLoop?

  private var session: WebSocketSession
  private var assembler: WebSocketMessageAssembler
  private var stream: RealtimeStream
  private var sends: SendQueue?
  private var isDraining = false

  // Deadlines, looked at by `sweep`.
  private let openedAt = NIODeadline.now()
  private var pingedAt = NIODeadline.now()
  private var isAwaitingPong = false
  private var unwritableSince: NIODeadline?

  private let peer: RealtimePeer

  /// The connection must have been admitted by the hub; it counts itself out when it ends.
  init(endpoint: RealtimeEndpoint, principal: RealtimePrincipal?, peer: RealtimePeer) {
    self.endpoint = endpoint
    self.peer = peer
    session = WebSocketSession(principal: principal, maximumSends: endpoint.limits.maximumSends)
    assembler = WebSocketMessageAssembler(maximumSize: endpoint.limits.maximumMessage)
    stream = RealtimeStream(endpoint: endpoint)
  }

  /// How much of a frame may be held in memory.
  var maximumIncomplete: Int {
    session.isAuthenticated ? limits.maximumMessage : min(limits.maximumUnauthenticated, limits.maximumMessage)
  }

  func releaseAdmission() {
    guard isAdmitted else { return }
    isAdmitted = false
    endpoint.hub.release()
  }

  // MARK: Channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    let loop = endpoint.hub.loop(for: context.eventLoop)
    self.loop = loop
    stream.connect(to: self, on: context.eventLoop)
    sends = SendQueue(endpoint: endpoint, eventLoop: context.eventLoop)
    // Left alone, the kernel takes in megabytes for a reader that reads nothing, and hides that it is slow.
    try? context.channel.syncOptions?.setOption(
      .socketOption(.so_sndbuf), value: .init(min(limits.maxUnsentBytes / 4, 262_144)))
    loop.add(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    ended(.lost)
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    ended(.lost)
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    isAwaitingPong = false
    switch phase {
    case .open: handle(assembler.receive(frame))
    case .closing: if frame.opcode == .connectionClose { context.close(promise: nil) }
    case .closed: break
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      unwritableSince = nil
      // A ping may have waited with the rest.
      pingedAt = .now()
      if !isDraining { loop?.drain(self) }
    } else if unwritableSince == nil {
      unwritableSince = .now()
    }
    context.fireChannelWritabilityChanged()
  }

  // MARK: Messages

  private func handle(_ output: WebSocketMessageAssembler.Output) {
    switch output {
    case .nothing, .pong, .binary: break
    case .ping(let payload): write(.webSocketFrame(.pong, payload.readableBytesView))
    case .close(let answer): close(answer, .client, peerHasClosed: true)
    case .violation(let violation): close(violation: violation)
    case .text(let payload):
      let bytes = Array(payload.readableBytesView)
      guard String(validating: bytes, as: UTF8.self) != nil else {
        return close(violation: WebSocketClose(.invalidPayload, "the text is not UTF-8"))
      }
      do throws(ClientFrameProblem) {
        perform(session.receive(.success(try ClientFrame(bytes))))
      } catch {
        perform(session.receive(.failure(error)))
      }
    }
  }

  private func perform(_ actions: [WebSocketSession.Action]) {
    for action in actions {
      guard case .open = phase else { return }
      switch action {
      case .write(let json): write(.webSocketFrame(.text, json))
      case .subscribe(let request): stream.start(request)
      case .verify(let key): verify(key)
      case .send(let request, let principal): send(request, as: principal)
      case .close(let close): self.close(close, close.code == .forbidden ? .forbidden : .unauthorized)
      }
    }
  }

  private func verify(_ key: String) {
    guard let eventLoop = context?.eventLoop else { return }
    let (gateway, peer, bound) = (endpoint.gateway, peer, NIOLoopBound(self, eventLoop: eventLoop))
    let isSubmitted = endpoint.requests.submit {
      let verdict = await gateway.verdict(on: key, from: peer)
      eventLoop.execute {
        let connection = bound.value
        switch verdict {
        case .success(let principal): connection.perform(connection.session.verified(principal))
        case .failure(let error): connection.perform(connection.session.verificationFailed(error))
        }
      }
    }
    if !isSubmitted { perform(session.verificationFailed()) }
  }

  private func send(_ request: SendRequest, as principal: RealtimePrincipal) {
    sends?.send(request.message, idempotencyKey: request.idempotencyKey, as: principal) { [weak self] result in
      guard let self else { return }
      perform(session.sent(ref: request.ref, result))
    }
  }

  // MARK: Events

  func drain(_ reader: inout RingReader) {
    guard case .open = phase, !isDraining, let context else { return }
    isDraining = true
    defer { isDraining = false }
    var budget = Self.turn
    var sent = 0
    var isCaughtUp = false
    while budget > 0, context.channel.isWritable, case .open = phase {
      guard let events = stream.next(&reader) else {
        isCaughtUp = true
        break
      }
      for event in events {
        guard budget > 0, context.channel.isWritable else { break }
        if stream.wants(event) {
          context.write(wrapOutboundOut(event.webSocketFrame), promise: nil)
          sent += 1
        }
        stream.advance(past: event)
        budget -= 1
      }
    }
    if sent > 0 {
      context.flush()
      endpoint.metrics.sent(sent)
    }
    // The flush may have made room, and the channel said so while this was still under way.
    if !context.channel.isWritable { stream.dropPage() }
    if !isCaughtUp, context.channel.isWritable, case .open = phase { loop?.requeue(self) }
  }

  func streamBegan(at place: LogPosition) {
    write(.webSocketFrame(.text, ServerFrame.ready(place)))
    streamChanged()
  }

  func streamReset(oldest: LogPosition) { write(.webSocketFrame(.text, ServerFrame.reset(oldest: oldest))) }

  func streamChanged() {
    if case .open = phase, !isDraining { loop?.drain(self) }
  }

  func streamFailed() {
    close(WebSocketClose(.tryAgainLater, "the event log cannot be read"), .unavailable)
  }

  // MARK: Deadlines

  var keyID: Identifier? { session.principal?.keyID }

  func revoke() { close(WebSocketClose(.unauthorized, "the key is no longer good"), .unauthorized) }

  func sweep(now: NIODeadline) {
    if endpoint.hasExpired(session.principal) { return revoke() }
    switch phase {
    case .closed: break
    case .closing(let deadline): if now >= deadline { context?.close(promise: nil) }
    case .open:
      if !session.isAuthenticated, now >= openedAt + limits.authTimeout {
        return perform(session.authenticationTimedOut())
      }
      if stream.isOverdue(now) { return streamFailed() }
      if let unwritableSince {
        if now >= unwritableSince + limits.writeTimeout { closeSlowReader() }
      } else if isAwaitingPong {
        if now >= pingedAt + limits.pongTimeout { close(WebSocketClose(.goingAway, "no pong"), .noPong) }
      } else if now >= pingedAt + limits.pingInterval {
        isAwaitingPong = true
        pingedAt = now
        write(.webSocketFrame(.ping, []))
      }
    }
  }

  func shutDown() {
    // The delay spreads the clients of a restarted node over a few seconds.
    close(WebSocketClose(.serviceRestart, #"{"reconnectAfterMs":\#(Int.random(in: 0...5_000))}"#), .shutdown)
  }

  // MARK: The end

  /// A frame of ours, within what may wait for the socket.
  private func write(_ frame: ByteBuffer) {
    guard case .open = phase, let context else { return }
    if !context.channel.isWritable, unsentBytes(context) + frame.readableBytes > limits.maxUnsentBytes {
      return closeSlowReader()
    }
    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
  }

  private func unsentBytes(_ context: ChannelHandlerContext) -> Int {
    (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  /// All that was written comes before the close frame: who reads that has read everything up to this number.
  private func closeSlowReader() {
    let seq = stream.place.map { String($0.seq) } ?? "null"
    close(WebSocketClose(.slowReader, #"{"seq":\#(seq)}"#), .slowReader)
  }

  func close(violation: WebSocketClose) {
    close(violation, violation.code == .messageTooBig ? .tooBig : .protocolError)
  }

  private func close(_ close: WebSocketClose, _ reason: RealtimeMetrics.CloseReason, peerHasClosed: Bool = false) {
    guard case .open = phase, let context else { return }
    phase = .closing(deadline: .now() + limits.closeTimeout(for: reason))
    session.end()
    stream.stop()
    endpoint.metrics.closed(reason)
    let frame = wrapOutboundOut(ByteBuffer.webSocketCloseFrame(close))
    if peerHasClosed {
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.writeAndFlush(frame).whenComplete { _ in bound.value.close(promise: nil) }
    } else {
      context.writeAndFlush(frame, promise: nil)
    }
  }

  private func ended(_ reason: RealtimeMetrics.CloseReason) {
    if case .open = phase { endpoint.metrics.closed(reason) }
    guard isAdmitted else { return }
    phase = .closed
    session.end()
    stream.stop()
    loop?.remove(self)
    releaseAdmission()
  }
}
