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
    /// Copied at once: a slice would keep the socket's buffer from being used for the next read.
    var body: [UInt8] = []
    /// The rest is thrown away: it is refused, and the connection closed behind the answer.
    var isTooLarge = false
  }

  /// The largest body a provider may send.
  static let maximumBody = 64 << 10

  private let endpoint: ProviderEndpoint
  /// Of this connection.
  private let connection: ConnectionGuard
  var order = AnswerOrder()
  private var incoming: Incoming?
  private var requestID = ""
  /// The last short answer: its memory is used again.
  private var shortAnswer = ByteBuffer()

  init(endpoint: ProviderEndpoint, connection: ConnectionGuard) {
    self.endpoint = endpoint
    self.connection = connection
  }

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
    guard let length = incoming?.body.count else { return }
    if length + bytes.readableBytes > Self.maximumBody {
      incoming?.isTooLarge = true
      // A body could have no end: it is not waited for.
      finishReading(context: context)
    } else {
      incoming?.body.append(contentsOf: bytes.readableBytesView)
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
    let requestID = connection.givenID ?? endpoint.clock.makeIdentifier().description
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
      body: incoming.body, requestID: requestID
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
    let closes = closing || request.headerFields[.connection]?.lowercased() == "close"
    if case .taken = answer, !closes {
      note(request, status: .ok, since: start)
      writeTaken()
      return goOn(context: context)
    }
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
    if closes { head.headerFields[.connection] = "close" }
    note(request, status: head.status, since: start)
    self.answer(head, body: request.method == .head ? nil : body, closing: closes, context: context)
  }

  private func note(_ request: HTTPRequest, status: HTTPResponse.Status, since start: ContinuousClock.Instant) {
    let duration = ContinuousClock.now - start
    endpoint.durations.record(.webhook, status: status.code, duration)
    // There are thousands of them a second: counted above, and told to those who ask for it.
    endpoint.logger.debug(
      "request",
      metadata: [
        "method": "\(request.method)", "route": "provider", "status": .stringConvertible(status.code),
        "ms": .stringConvertible(RequestLog.milliseconds(duration)), "request": "\(requestID)",
      ])
  }

  /// What nearly every request is answered.
  private func writeTaken() {
    shortAnswer.clear()
    shortAnswer.writeImmutableBuffer(Self.takenHead)
    shortAnswer.writeString(requestID)
    shortAnswer.writeImmutableBuffer(Self.takenBody)
    connection.write(whole: shortAnswer)
  }

  private static let emptyInstructions = ByteBuffer(
    string: #"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#)
  private static let takenFields: HTTPFields = [
    .contentType: "text/xml", .contentLength: String(emptyInstructions.readableBytes),
  ]
  /// The same as bytes, up to the value of the request's id.
  private static let takenHead = ByteBuffer(
    string: "HTTP/1.1 200 OK\r\n" + takenFields.map { "\($0.name.rawName): \($0.value)\r\n" }.joined()
      + "\(HTTPField.Name.requestID.rawName): ")
  private static let takenBody = ByteBuffer(string: "\r\n\r\n" + String(buffer: emptyInstructions))

  private static let wrongMethod = Problem(
    .methodNotAllowed, "method_not_allowed", "Providers call this path with POST or GET.",
    headers: [.allow: "GET, OPTIONS, POST"])
  private static let tooLarge = Problem(
    .contentTooLarge, "too_large", "A provider's request may have \(maximumBody) bytes at most.")
}
