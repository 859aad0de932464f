// The handler in the HTTP pipeline that recognises the sink's requests. NIO's own upgrade handler looks at the first
// request of a connection only; a browser or proxy may well send the upgrade on a connection that was used before.

internal import ChannelProtocol
internal import HTTPTypes
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes

/// Passes every request on but those for the sink's path: these it answers itself, or makes a WebSocket of the
/// connection. What comes behind such a request waits until it is decided.
final class WebSocketUpgradeHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private enum State {
    /// Requests go on to the server.
    case passing
    /// A request of ours is being read; a body is thrown away.
    case reading(HTTPRequest)
    /// It waits for the answers to requests before it: answers keep the order of their requests.
    case waiting(HTTPRequest)
    /// Its key is being looked up.
    case verifying(HTTPRequest, accept: String, deadline: Scheduled<Void>)
    /// Nothing more is read as HTTP.
    case ended
  }

  private let endpoint: WebSocketEndpoint
  private var state = State.passing
  /// Requests that went on to the server and are not answered yet.
  private var unanswered = 0
  /// What came behind a request that is not decided; no more than one read's worth, as reading stops meanwhile.
  private var held = CircularBuffer<HTTPRequestPart>()
  private var isReadPending = false
  private var isGoingOn = false

  init(endpoint: WebSocketEndpoint) {
    self.endpoint = endpoint
  }

  func handlerAdded(context: ChannelHandlerContext) {
    guard !context.channel.isActive else { return }
    do {
      // Hummingbird's defaults.
      var limits = NIOHTTPDecoderLimitConfiguration()
      limits.maxHeaderFieldSize = 80 * 1024
      limits.maxHeaderListSize = 80 * 1024
      limits.maxHeaderFieldCount = 1000
      try context.pipeline.syncOperations.keepBytesBehindUpgrade(limits: limits)
    } catch {
      // Without HTTP/1's decoder in this pipeline there is nothing to upgrade.
      endpoint.logger.error("no HTTP/1 decoder found: WebSocket upgrades may lose a client's first bytes")
    }
  }

  // MARK: Inbound

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    receive(unwrapInboundIn(data), context: context)
  }

  private func receive(_ part: HTTPRequestPart, context: ChannelHandlerContext) {
    switch state {
    case .passing:
      if case .head(let request) = part {
        guard !request.pathOnly.utf8.elementsEqual(endpoint.path.utf8) else {
          state = .reading(request)
          // A body could have no end: it is not waited for.
          if request.announcesBody { finishReading(request, context: context) }
          return
        }
        unanswered += 1
      }
      context.fireChannelRead(wrapInboundOut(part))
    case .reading(let request):
      if case .end = part { finishReading(request, context: context) }
    case .waiting, .verifying:
      held.append(part)
    case .ended:
      break
    }
  }

  private func finishReading(_ request: HTTPRequest, context: ChannelHandlerContext) {
    if unanswered > 0 {
      state = .waiting(request)
    } else {
      decide(request, context: context)
    }
  }

  func read(context: ChannelHandlerContext) {
    switch state {
    case .waiting, .verifying: isReadPending = true
    case .passing, .reading, .ended: context.read()
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if case .verifying(_, _, let deadline) = state { deadline.cancel() }
    state = .ended
    context.fireChannelInactive()
  }

  // MARK: Outbound

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let part = unwrapOutboundIn(data)
    context.write(wrapOutboundOut(part), promise: promise)
    guard case .end = part else { return }
    unanswered = max(0, unanswered - 1)
    if unanswered == 0, case .waiting(let request) = state {
      context.flush()
      decide(request, context: context)
    }
  }

  // MARK: Decision

  private func decide(_ request: HTTPRequest, context: ChannelHandlerContext) {
    switch WebSocketHandshake.decide(request) {
    case .describe:
      respond(.noContent, fields: [.allow: WebSocketHandshake.allowedMethods], to: request, context: context)
    case .refuse(let refusal):
      refuse(refusal, request, context: context)
    case .proceed(let accept, nil):
      upgrade(request, accept: accept, principal: nil, context: context)
    case .proceed(let accept, let key?):
      verify(key, request, accept: accept, context: context)
    }
  }

  private func verify(_ key: String, _ request: HTTPRequest, accept: String, context: ChannelHandlerContext) {
    let (gateway, loop) = (endpoint.gateway, context.eventLoop)
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: loop)
    let isSubmitted = endpoint.requests.submit {
      let verdict: Result<RealtimePrincipal?, any Error>
      do { verdict = .success(try await gateway.authenticate(key: key)) } catch { verdict = .failure(error) }
      loop.execute { bound.value.handler.verified(verdict, context: bound.value.context) }
    }
    guard isSubmitted else {
      return refuse(.unavailable("Too many connections are being opened."), request, context: context)
    }
    let deadline = loop.scheduleTask(in: endpoint.limits.authTimeout * 2) {
      bound.value.handler.verified(.failure(ChannelError.connectTimeout(.zero)), context: bound.value.context)
    }
    state = .verifying(request, accept: accept, deadline: deadline)
  }

  private func verified(_ verdict: Result<RealtimePrincipal?, any Error>, context: ChannelHandlerContext) {
    guard case .verifying(let request, let accept, let deadline) = state else { return }
    deadline.cancel()
    switch verdict {
    case .success(let principal?) where principal.canRead:
      upgrade(request, accept: accept, principal: principal, context: context)
    case .success(.some): refuse(.forbidden, request, context: context)
    case .success(nil): refuse(.unauthorized, request, context: context)
    case .failure: refuse(.unavailable("The key could not be checked."), request, context: context)
    }
  }

  private func upgrade(
    _ request: HTTPRequest, accept: String, principal: RealtimePrincipal?, context: ChannelHandlerContext
  ) {
    guard endpoint.hub.admit() else {
      return refuse(.unavailable("This node takes no further connections."), request, context: context)
    }
    state = .ended
    held.removeAll()
    let fields: HTTPFields = [
      .upgrade: "websocket", .connection: "Upgrade", .secWebSocketAccept: accept, .requestID: requestID(of: request),
    ]
    context.write(wrapOutboundOut(.head(HTTPResponse(status: .switchingProtocols, headerFields: fields))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    // From here on it counts itself out.
    let connection = WebSocketConnection(endpoint: endpoint, principal: principal)
    do {
      let pipeline = context.pipeline.syncOperations
      try pipeline.switchToWebSocket(connection, maximumFrame: endpoint.limits.maximumMessage)
      if isReadPending { context.read() }
      pipeline.removeHandler(self, promise: nil)
    } catch {
      endpoint.logger.error("the pipeline cannot become a WebSocket's", metadata: ["error": "\(error)"])
      connection.releaseAdmission()
      context.close(promise: nil)
    }
  }

  // MARK: Answers in HTTP

  private func refuse(_ refusal: WebSocketHandshake.Refusal, _ request: HTTPRequest, context: ChannelHandlerContext) {
    var fields = refusal.fields
    fields[.contentType] = "application/problem+json"
    respond(
      HTTPResponse.Status(code: refusal.problem.status, reasonPhrase: refusal.problem.title), fields: fields,
      body: refusal.problem.json, to: request, context: context)
  }

  private func respond(
    _ status: HTTPResponse.Status, fields: HTTPFields, body: [UInt8] = [], to request: HTTPRequest,
    context: ChannelHandlerContext
  ) {
    // The parser has stopped behind a request that asks for another protocol; and a body was not read.
    let closes =
      request.asksForUpgrade || request.announcesBody
      || request.headerFields.tokens(of: .connection).contains("close")
    var fields = fields
    fields[.requestID] = requestID(of: request)
    fields[.cacheControl] = "no-store"
    if status != .noContent { fields[.contentLength] = String(body.count) }
    if closes { fields[.connection] = fields[.connection].map { $0 + ", close" } ?? "close" }
    context.write(wrapOutboundOut(.head(HTTPResponse(status: status, headerFields: fields))), promise: nil)
    if !body.isEmpty, request.method != .head {
      context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
    }
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

  /// Back to passing: what was held comes first. A loop, and not a recursion through `decide`: what was held may be a
  /// thousand small requests of ours.
  private func goOn(context: ChannelHandlerContext) {
    state = .passing
    guard !isGoingOn, !held.isEmpty || isReadPending else { return }
    isGoingOn = true
    while isReceiving, let part = held.popFirst() { receive(part, context: context) }
    isGoingOn = false
    context.fireChannelReadComplete()
    if isReadPending, isReceiving {
      isReadPending = false
      context.read()
    }
  }

  private var isReceiving: Bool {
    switch state {
    case .passing, .reading: true
    case .waiting, .verifying, .ended: false
    }
  }

  /// The caller's, where it is sane; else a new one.
  private func requestID(of request: HTTPRequest) -> String {
    if let given = request.headerFields[.requestID], (1...128).contains(given.utf8.count),
      given.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    {
      return given
    }
    return endpoint.clock.makeIdentifier().description
  }
}
