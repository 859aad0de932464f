// Providers' requests, taken out of the HTTP pipeline: no router, no middleware, no task on the way to the store.

import ChannelProtocol
import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// What the handlers of all connections share.
final class ProviderEndpoint: Sendable {
  let webhooks: ProviderWebhooks
  /// The paths that providers call.
  let paths: [String]
  let clock: any WallClock
  let durations: RequestDurations

  init(webhooks: ProviderWebhooks, paths: Set<String>, clock: any WallClock, durations: RequestDurations) {
    self.webhooks = webhooks
    self.paths = paths.sorted()
    self.clock = clock
    self.durations = durations
  }

  func takes(_ request: HTTPRequest) -> Bool {
    guard let target = request.path?.utf8 else { return false }
    return paths.contains { path in
      target.starts(with: path.utf8)
        && (target.count == path.utf8.count || target.dropFirst(path.utf8.count).first == UInt8(ascii: "?"))
    }
  }
}

/// Answers the requests of providers on one connection and passes every other one on. What comes behind such a request
/// waits for its answer: answers keep the order of requests.
final class ProviderRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// A request of ours, as far as it has come.
  private struct Incoming {
    var head: HTTPRequest
    var body = ByteBuffer()
    /// The rest is thrown away: it is refused, and the connection closed behind the answer.
    var isTooLarge = false
  }

  private enum State {
    /// Requests go on to the server.
    case passing
    case reading(Incoming)
    /// Read, and waiting for the answers to requests before it.
    case waiting(Incoming)
    case answering(HTTPRequest, requestID: String)
    /// Nothing more is read.
    case ended
  }

  /// The largest body a provider may send.
  static let maximumBody = 64 << 10

  private let endpoint: ProviderEndpoint
  private var state = State.passing
  /// Requests that went on to the server and are not answered yet.
  private var unanswered = 0
  /// What came behind a request that is not answered; no more than a read or two, as reading stops meanwhile.
  private var held = CircularBuffer<HTTPRequestPart>()
  private var isReadPending = false
  private var isGoingOn = false
  /// The server is going down: it is told to close this connection only between two of our requests.
  private var isQuiescing = false
  /// What must not overtake the answer under way: the client has said all it will, or what came behind is no HTTP.
  private var isInputClosed = false
  private var pendingError: (any Error)?

  init(endpoint: ProviderEndpoint) { self.endpoint = endpoint }

  // MARK: Inbound

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { receive(unwrapInboundIn(data), context: context) }

  private func receive(_ part: HTTPRequestPart, context: ChannelHandlerContext) {
    switch (state, part) {
    case (.passing, .head(let head)) where endpoint.takes(head):
      state = .reading(Incoming(head: head))
    case (.passing, _):
      if case .head = part { unanswered += 1 }
      context.fireChannelRead(wrapInboundOut(part))
    case (.reading(var incoming), .body(var bytes)):
      // Taken out while it grows, so that it is not copied.
      state = .ended
      if incoming.body.readableBytes + bytes.readableBytes > Self.maximumBody {
        incoming.isTooLarge = true
      } else if incoming.body.readableBytes == 0 {
        incoming.body = bytes
      } else {
        incoming.body.writeBuffer(&bytes)
      }
      state = .reading(incoming)
      // A body could have no end: it is not waited for.
      if incoming.isTooLarge { finishReading(incoming, context: context) }
    case (.reading(let incoming), .end):
      finishReading(incoming, context: context)
    case (.reading, .head): break
    case (.waiting, _), (.answering, _): held.append(part)
    case (.ended, _): break
    }
  }

  private func finishReading(_ incoming: Incoming, context: ChannelHandlerContext) {
    if unanswered > 0 {
      state = .waiting(incoming)
    } else {
      take(incoming, context: context)
    }
  }

  func read(context: ChannelHandlerContext) {
    // One read ahead: to stop at once would cost two system calls for each request.
    if isReceiving || held.isEmpty { context.read() } else { isReadPending = true }
  }

  func channelInactive(context: ChannelHandlerContext) {
    state = .ended
    held.removeAll()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent {
      switch state {
      case .reading, .waiting, .answering:
        isQuiescing = true
        return
      case .passing, .ended: break
      }
    }
    if case .some(.inputClosed) = event as? ChannelEvent {
      switch state {
      case .waiting, .answering:
        isInputClosed = true
        return
      case .passing, .reading, .ended: break
      }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch state {
    case .waiting, .answering: pendingError = error
    case .passing, .reading, .ended: context.fireErrorCaught(error)
    }
  }

  // MARK: Outbound

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let part = unwrapOutboundIn(data)
    context.write(wrapOutboundOut(part), promise: promise)
    guard case .end = part else { return }
    unanswered = max(0, unanswered - 1)
    if unanswered == 0, case .waiting(let incoming) = state {
      context.flush()
      take(incoming, context: context)
    }
  }

  // MARK: Our own requests

  private func take(_ incoming: Incoming, context: ChannelHandlerContext) {
    let head = incoming.head
    let requestID = RequestID.given(head.headerFields) ?? endpoint.clock.makeIdentifier().description
    state = .answering(head, requestID: requestID)
    let start = ContinuousClock.now
    guard head.method == .post || head.method == .get else {
      return answer(.refused(Self.wrongMethod), since: start, closing: false, context: context)
    }
    guard !incoming.isTooLarge else {
      endpoint.webhooks.refuseTooLarge(requestID: requestID)
      return answer(.refused(Self.tooLarge), since: start, closing: true, context: context)
    }
    let loop = context.eventLoop
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: loop)
    endpoint.webhooks.take(
      method: head.method, target: head.path ?? "/", headers: head.headerFields,
      body: Array(incoming.body.readableBytesView), requestID: requestID
    ) { result in
      if loop.inEventLoop {
        bound.value.handler.answer(result, since: start, closing: false, context: bound.value.context)
      } else {
        loop.execute {
          bound.value.handler.answer(result, since: start, closing: false, context: bound.value.context)
        }
      }
    }
  }

  private func answer(
    _ answer: WebhookAnswer, since start: ContinuousClock.Instant, closing: Bool, context: ChannelHandlerContext
  ) {
    guard case .answering(let request, let requestID) = state else { return }
    var head: HTTPResponse
    let body: ByteBuffer
    switch answer {
    case .taken:
      head = HTTPResponse(status: .ok, headerFields: Self.takenFields)
      body = Self.emptyInstructions
    case .refused(let problem):
      head = HTTPResponse(status: problem.status, headerFields: problem.headers)
      head.headerFields[.contentType] = "application/problem+json"
      body = ByteBuffer(bytes: problem.json)
      head.headerFields[.contentLength] = String(body.readableBytes)
    }
    head.headerFields[.requestID] = requestID
    let closes = closing || request.headerFields[.connection]?.lowercased() == "close"
    if closes { head.headerFields[.connection] = "close" }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request.method != .head { context.write(wrapOutboundOut(.body(body)), promise: nil) }
    endpoint.durations.record(.webhook, status: head.status.code, .now - start)
    if closes {
      state = .ended
      held.removeAll()
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
    } else {
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      goOn(context: context)
    }
  }

  private static let emptyInstructions = ByteBuffer(
    string: #"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#)
  private static let takenFields: HTTPFields = [
    .contentType: "text/xml", .contentLength: String(emptyInstructions.readableBytes),
  ]

  private static let wrongMethod = Problem(
    .methodNotAllowed, "method_not_allowed", "Providers call this path with POST or GET.",
    headers: [.allow: "GET, POST"])
  private static let tooLarge = Problem(
    .contentTooLarge, "too_large", "A provider's request may have \(maximumBody) bytes at most.")

  /// Back to passing: what was held comes first. A loop, and not a recursion: what was held may be many requests.
  private func goOn(context: ChannelHandlerContext) {
    state = .passing
    guard !isGoingOn else { return }
    isGoingOn = true
    let hasHeld = !held.isEmpty
    while isReceiving, let part = held.popFirst() { receive(part, context: context) }
    isGoingOn = false
    if hasHeld { context.fireChannelReadComplete() }
    guard isReceiving else { return }
    if let error = pendingError, case .passing = state {
      pendingError = nil
      context.fireErrorCaught(error)
    }
    if isInputClosed, case .passing = state {
      isInputClosed = false
      context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }
    if isQuiescing, case .passing = state {
      isQuiescing = false
      context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
    if isReadPending {
      isReadPending = false
      context.read()
    }
  }

  private var isReceiving: Bool {
    switch state {
    case .passing, .reading: true
    case .waiting, .answering, .ended: false
    }
  }
}
