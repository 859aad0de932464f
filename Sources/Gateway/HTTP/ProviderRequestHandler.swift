// Providers' requests, taken out of the HTTP pipeline: no router, no middleware, no task on the way to the store.

import ChannelProtocol
import HTTPTypes
import Logging
import NIOCore
import NIOHTTPTypes
import SocketIO

/// What the handlers of all connections share.
final class ProviderEndpoint: Sendable {
  let webhooks: ProviderWebhooks
  /// The paths that providers call.
  let paths: [String]
  let clock: any WallClock
  let durations: RequestDurations
  let logger: Logger

  init(
    webhooks: ProviderWebhooks, paths: Set<String>, clock: any WallClock, durations: RequestDurations, logger: Logger
  ) {
    self.webhooks = webhooks
    self.paths = paths.sorted()
    self.clock = clock
    self.durations = durations
    self.logger = logger
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
final class ProviderRequestHandler: AnsweringHandler {
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

  /// The largest body a provider may send.
  static let maximumBody = 64 << 10

  private let endpoint: ProviderEndpoint
  var order = AnswerOrder()
  private var incoming: Incoming?
  private var requestID = ""

  init(endpoint: ProviderEndpoint) { self.endpoint = endpoint }

  // MARK: Inbound

  func takes(_ request: HTTPRequest) -> Bool { endpoint.takes(request) }

  func take(_ part: HTTPRequestPart, context: ChannelHandlerContext) {
    switch part {
    case .head(let head): incoming = Incoming(head: head)
    case .body(let bytes): take(bytes, context: context)
    case .end: finishReading(context: context)
    }
  }

  private func take(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
    guard let length = incoming?.body.readableBytes else { return }
    if length + bytes.readableBytes > Self.maximumBody {
      incoming?.isTooLarge = true
      // A body could have no end: it is not waited for.
      finishReading(context: context)
    } else if length == 0 {
      incoming?.body = bytes
    } else {
      incoming?.body.writeImmutableBuffer(bytes)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    order.end()
    incoming = nil
    context.fireChannelInactive()
  }

  // MARK: Our own requests

  /// It is our request's turn.
  func decide(context: ChannelHandlerContext) {
    guard let incoming else { return }
    let head = incoming.head
    let requestID = RequestID.given(head.headerFields) ?? endpoint.clock.makeIdentifier().description
    self.requestID = requestID
    let start = ContinuousClock.now
    guard head.method != .options else {
      return answer(.methods, since: start, closing: false, context: context)
    }
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
    guard order.isAnswering, let request = incoming?.head else { return }
    incoming = nil
    var head: HTTPResponse
    let body: ByteBuffer
    switch answer {
    case .taken:
      head = HTTPResponse(status: .ok, headerFields: Self.takenFields)
      body = Self.emptyInstructions
    case .methods:
      head = HTTPResponse(status: .noContent, headerFields: [.allow: "GET, OPTIONS, POST"])
      body = ByteBuffer()
    case .refused(let problem):
      head = HTTPResponse(status: problem.status, headerFields: problem.headers)
      head.headerFields[.contentType] = "application/problem+json"
      body = ByteBuffer(bytes: problem.json)
      head.headerFields[.contentLength] = String(body.readableBytes)
    }
    head.headerFields[.requestID] = requestID
    let closes = closing || request.headerFields[.connection]?.lowercased() == "close"
    if closes { head.headerFields[.connection] = "close" }
    let duration = ContinuousClock.now - start
    endpoint.durations.record(.webhook, status: head.status.code, duration)
    // There are thousands of them a second: counted above, and told to those who ask for it.
    endpoint.logger.debug(
      "request",
      metadata: [
        "method": "\(request.method)", "route": "provider", "status": .stringConvertible(head.status.code),
        "ms": .stringConvertible(RequestLog.milliseconds(duration)), "request": "\(requestID)",
      ])
    self.answer(head, body: request.method == .head ? nil : body, closing: closes, context: context)
  }

  private static let emptyInstructions = ByteBuffer(
    string: #"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#)
  private static let takenFields: HTTPFields = [
    .contentType: "text/xml", .contentLength: String(emptyInstructions.readableBytes),
  ]

  private static let wrongMethod = Problem(
    .methodNotAllowed, "method_not_allowed", "Providers call this path with POST or GET.",
    headers: [.allow: "GET, OPTIONS, POST"])
  private static let tooLarge = Problem(
    .contentTooLarge, "too_large", "A provider's request may have \(maximumBody) bytes at most.")
}
