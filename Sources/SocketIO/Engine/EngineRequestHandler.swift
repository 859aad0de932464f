// The handler in the HTTP pipeline that answers the requests of Engine.IO clients, and makes WebSockets of connections.

internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

final class EngineRequestHandler: AnsweringHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// A request of ours.
  private struct Incoming {
    var head: HTTPRequest
    var route: EngineRoute
    var ticket: EngineTicket
    var session: LoopReference<EngineSocket>?
    var body = ByteBuffer()
    /// The rest of the body is not waited for: it is refused, and the connection closed behind the answer.
    var isTooLarge = false
    /// An answer that came before its turn.
    var early: EngineAnswer?
  }

  private let server: EngineServer
  var order = AnswerOrder()
  private var incoming: Incoming?

  init(server: EngineServer) { self.server = server }

  func handlerAdded(context: ChannelHandlerContext) {
    guard !context.channel.isActive else { return }
    // Without HTTP/1's decoder in this pipeline there is nothing to upgrade, and nothing to keep.
    try? context.pipeline.syncOperations.keepBytesBehindUpgrade()
  }

  // MARK: Inbound

  func takes(_ request: HTTPRequest) -> Bool {
    request.pathOnly.utf8.elementsEqual(server.configuration.path.utf8)
  }

  func take(_ part: HTTPRequestPart, context: ChannelHandlerContext) {
    switch part {
    case .head(let head): begin(head, context: context)
    case .body(let bytes): take(bytes, context: context)
    case .end: finishReading(context: context)
    }
  }

  private func begin(_ head: HTTPRequest, context: ChannelHandlerContext) {
    var request = Incoming(
      head: head, route: EngineRoute(head, server.configuration), ticket: server.nextTicket())
    switch request.route {
    case .poll(let id), .post(let id), .upgrade(let id, _):
      request.session = server.session(id)
      if request.session == nil { request.route = .refuse(.unknownSession) }
    default: break
    }
    let length = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
    request.isTooLarge = length > server.configuration.maximumPayload
    incoming = request
    if request.isTooLarge { return finishReading(context: context) }
    // The session hears of a POST when it begins: a second one beside it breaks a rule.
    if case .post = request.route {
      let (ticket, respond) = (request.ticket, responder(request.ticket, context: context))
      request.session?.run { $0.postBegan(ticket, respond) }
    }
  }

  private func take(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
    guard let length = incoming?.body.readableBytes else { return }
    guard length + bytes.readableBytes <= server.configuration.maximumPayload else {
      incoming?.isTooLarge = true
      return finishReading(context: context)
    }
    incoming?.body.writeImmutableBuffer(bytes)
  }

  func channelInactive(context: ChannelHandlerContext) {
    order.end()
    loseRequest()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event, order.isAnswering, case .poll = incoming?.route {
      // The client has given the request up.
      order.end()
      loseRequest()
      context.fireUserInboundEventTriggered(event)
      context.close(promise: nil)
    } else if passes(event) {
      context.fireUserInboundEventTriggered(event)
    } else if event is ChannelShouldQuiesceEvent, case .poll = incoming?.route {
      // A GET may wait for long: its session ends, and the answer lets the connection end.
      incoming?.session?.run { $0.close(WebSocketClose(.serviceRestart)) }
    }
  }

  private func loseRequest() {
    guard let request = incoming else { return }
    incoming = nil
    request.session?.run { $0.requestLost(request.ticket) }
  }

  // MARK: Decision

  /// It is our request's turn.
  func decide(context: ChannelHandlerContext) {
    guard let request = incoming else { return }
    let ticket = request.ticket
    if request.isTooLarge {
      request.session?.run { $0.postRefused(ticket) }
      return answer(.refused(.tooLarge), context: context)
    }
    if let early = request.early { return answer(early, context: context) }
    switch request.route {
    case .refuse(let refusal): answer(.refused(refusal), context: context)
    case .preflight: respond(.noContent, preflightFields(request.head), ByteBuffer(), context: context)
    case .open: open(request, context: context)
    case .openWebSocket(let accept): openWebSocket(request, accept: accept, context: context)
    case .upgrade(_, let accept):
      guard let session = request.session, let webSocket = switchProtocols(accept, session, context: context) else {
        return
      }
      let link = EngineWebSocketLink(webSocket, on: context.eventLoop)
      session.run { $0.probeConnected(link) }
    case .poll:
      let respond = responder(ticket, context: context)
      request.session?.run { $0.poll(ticket, respond) }
    case .post:
      let body = request.body
      let isBinary = request.head.headerFields[.contentType]?.lowercased().hasPrefix("application/octet-stream")
      request.session?.run { isBinary == true ? $0.postMalformed(ticket) : $0.post(ticket, body) }
    }
  }

  private func responder(
    _ ticket: EngineTicket, context: ChannelHandlerContext
  ) -> @Sendable (EngineAnswer) -> Void {
    let reference = LoopReference((handler: self, context: context), on: context.eventLoop)
    return { answer in reference.run { $0.handler.answered(ticket, answer, context: $0.context) } }
  }

  private func answered(_ ticket: EngineTicket, _ answer: EngineAnswer, context: ChannelHandlerContext) {
    guard incoming?.ticket == ticket else { return }
    if order.isAnswering { self.answer(answer, context: context) } else { incoming?.early = answer }
  }

  private func open(_ request: Incoming, context: ChannelHandlerContext) {
    guard let socket = server.open(request.head, isWebSocket: false, on: context.channel) else {
      return answer(.refused(.full), context: context)
    }
    answer(.packets([socket.handshake(isWebSocket: false)]), context: context)
    server.begin(socket)
  }

  private func openWebSocket(_ request: Incoming, accept: String, context: ChannelHandlerContext) {
    guard let socket = server.open(request.head, isWebSocket: true, on: context.channel) else {
      return answer(.refused(.full), context: context)
    }
    let session = LoopReference(socket, on: context.eventLoop)
    guard let webSocket = switchProtocols(accept, session, context: context) else {
      return server.forget(socket.id)
    }
    socket.connect(EngineWebSocketLink(webSocket, on: context.eventLoop))
    webSocket.write([socket.handshake(isWebSocket: true)])
    server.begin(socket)
  }

  private func switchProtocols(
    _ accept: String, _ session: LoopReference<EngineSocket>, context: ChannelHandlerContext
  ) -> EngineWebSocket? {
    incoming = nil
    let maximum = server.configuration.maximumPayload
    let webSocket = EngineWebSocket(session: session, maximumMessage: maximum)
    do {
      try becomeWebSocket(webSocket, accept: accept, maximumFrame: maximum, context: context)
      return webSocket
    } catch {
      context.close(promise: nil)
      return nil
    }
  }

  // MARK: Answers

  private func answer(_ answer: EngineAnswer, context: ChannelHandlerContext) {
    switch answer {
    case .packets(let frames):
      respond(.ok, [.contentType: "text/plain; charset=UTF-8"], PollingPayload.encode(frames), context: context)
    case .taken: respond(.ok, [.contentType: "text/html"], ByteBuffer(string: "ok"), context: context)
    case .refused(let refusal):
      respond(
        refusal.status, [.contentType: "application/json"], ByteBuffer(string: refusal.json), context: context)
    }
  }

  private func respond(
    _ status: HTTPResponse.Status, _ fields: HTTPFields, _ body: ByteBuffer, context: ChannelHandlerContext
  ) {
    guard let request = incoming else { return }
    incoming = nil
    // The parser has stopped behind a request that asks for another protocol; and of a body that is too large a part
    // was not read.
    let closes =
      request.head.asksForUpgrade || request.isTooLarge
      || request.head.headerFields.tokens(of: .connection).contains("close")
    var fields = fields
    fields[.cacheControl] = "no-store"
    allowOrigin(of: request.head, &fields)
    if status != .noContent { fields[.contentLength] = String(body.readableBytes) }
    if closes { fields[.connection] = "close" }
    answer(
      HTTPResponse(status: status, headerFields: fields), body: request.head.method == .head ? nil : body,
      closing: closes, context: context)
  }

  // MARK: Other origins

  /// A page may read the answer only if it says so (Fetch standard, "CORS protocol").
  private func allowOrigin(of request: HTTPRequest, _ fields: inout HTTPFields) {
    guard let origin = request.headerFields[.origin], server.configuration.origins.permits(request) else { return }
    switch server.configuration.origins {
    case .any: fields[.accessControlAllowOrigin] = "*"
    case .only:
      fields[.accessControlAllowOrigin] = origin
      fields[.accessControlAllowCredentials] = "true"
      fields[.vary] = fields[.vary].map { $0 + ", Origin" } ?? "Origin"
    }
  }

  /// A client may bring headers of its own, so those that are asked for are allowed.
  private func preflightFields(_ request: HTTPRequest) -> HTTPFields {
    [
      .accessControlAllowMethods: "GET, POST, OPTIONS",
      .accessControlAllowHeaders: request.headerFields[.accessControlRequestHeaders] ?? "Content-Type, Authorization",
      .accessControlMaxAge: "600", .vary: "Access-Control-Request-Headers",
    ]
  }
}
