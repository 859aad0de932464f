// The handler in the HTTP pipeline that recognises the sink's requests. NIO's own upgrade handler looks at the first
// request of a connection only; a browser or proxy may well send the upgrade on a connection that was used before.

internal import ChannelProtocol
internal import HTTPTypes
internal import Logging
internal import NIOCore
internal import NIOHTTPTypes
internal import SocketIO

/// Passes every request on but those for the sink's path: these it answers itself, or makes a WebSocket of the
/// connection. What comes behind such a request waits until it is decided.
final class WebSocketUpgradeHandler: AnsweringHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let endpoint: RealtimeEndpoint
  var order = AnswerOrder()
  private var request: HTTPRequest?
  /// While a key is being looked up: what comes of it, and until when.
  private var verifying: (accept: String, deadline: Scheduled<Void>)?

  init(endpoint: RealtimeEndpoint) {
    self.endpoint = endpoint
  }

  func handlerAdded(context: ChannelHandlerContext) {
    guard !context.channel.isActive else { return }
    do {
      try context.pipeline.syncOperations.keepBytesBehindUpgrade()
    } catch {
      // Without HTTP/1's decoder in this pipeline there is nothing to upgrade.
      endpoint.logger.error("no HTTP/1 decoder found: WebSocket upgrades may lose a client's first bytes")
    }
  }

  // MARK: Inbound

  func takes(_ request: HTTPRequest) -> Bool { request.pathOnly.utf8.elementsEqual(endpoint.path.utf8) }

  func take(_ part: HTTPRequestPart, context: ChannelHandlerContext) {
    switch part {
    case .head(let head):
      request = head
      // A body could have no end: it is not waited for.
      if head.announcesBody { finishReading(context: context) }
    case .body: break
    case .end: finishReading(context: context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    verifying?.deadline.cancel()
    verifying = nil
    order.end()
    context.fireChannelInactive()
  }

  // MARK: Decision

  /// It is our request's turn.
  func decide(context: ChannelHandlerContext) {
    guard let request else { return }
    guard endpoint.origins.permits(request) else { return refuse(.foreignOrigin, request, context: context) }
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
    let (gateway, loop, peer) = (endpoint.gateway, context.eventLoop, peer(of: request, context))
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: loop)
    let isSubmitted = endpoint.requests.submit {
      let verdict = await gateway.verdict(on: key, from: peer)
      loop.execute { bound.value.handler.verified(verdict, context: bound.value.context) }
    }
    guard isSubmitted else {
      return refuse(.unavailable("Too many connections are being opened."), request, context: context)
    }
    let deadline = loop.scheduleTask(in: endpoint.limits.authTimeout * 2) {
      bound.value.handler.verified(.failure(ChannelError.connectTimeout(.zero)), context: bound.value.context)
    }
    verifying = (accept, deadline)
  }

  private func verified(_ verdict: Result<RealtimePrincipal?, any Error>, context: ChannelHandlerContext) {
    guard let request, let (accept, deadline) = verifying else { return }
    deadline.cancel()
    verifying = nil
    switch verdict {
    case .success(let principal?) where principal.canRead:
      upgrade(request, accept: accept, principal: principal, context: context)
    case .success(.some): refuse(.forbidden, request, context: context)
    case .success(nil): refuse(.unauthorized, request, context: context)
    case .failure(let throttled as RealtimeThrottled): refuse(.tooManyKeys(throttled), request, context: context)
    case .failure: refuse(.unavailable("The key could not be checked."), request, context: context)
    }
  }

  private func peer(of request: HTTPRequest, _ context: ChannelHandlerContext) -> RealtimePeer {
    RealtimePeer(address: context.channel.remoteAddress?.ipAddress, fields: request.headerFields)
  }

  private func upgrade(
    _ request: HTTPRequest, accept: String, principal: RealtimePrincipal?, context: ChannelHandlerContext
  ) {
    guard endpoint.hub.admit() else {
      return refuse(.unavailable("This node takes no further connections."), request, context: context)
    }
    self.request = nil
    // From here on it counts itself out.
    let connection = WebSocketConnection(
      endpoint: endpoint, principal: principal, peer: peer(of: request, context))
    do {
      try becomeWebSocket(
        connection, accept: accept, fields: [.requestID: requestID(of: request)],
        maximumFrame: endpoint.limits.maximumMessage, context: context)
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
    self.request = nil
    // The parser has stopped behind a request that asks for another protocol; and a body was not read.
    let closes =
      request.asksForUpgrade || request.announcesBody
      || request.headerFields.tokens(of: .connection).contains("close")
    var fields = fields
    fields[.requestID] = requestID(of: request)
    fields[.cacheControl] = "no-store"
    if status != .noContent { fields[.contentLength] = String(body.count) }
    if closes { fields[.connection] = fields[.connection].map { $0 + ", close" } ?? "close" }
    answer(
      HTTPResponse(status: status, headerFields: fields),
      body: request.method == .head ? nil : ByteBuffer(bytes: body), closing: closes, context: context)
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
