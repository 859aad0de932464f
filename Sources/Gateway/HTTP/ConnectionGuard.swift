// Cuts off clients that are slow on purpose, tells those who ask to go on, sees to it that every answer has an id, and
// answers what is no HTTP with a problem document.

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// One to a connection, among the handlers behind the decoder. It sees requests in parts there; that bytes came, it
/// hears from a second handler, which it puts in front of the decoder.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let limits: ConnectionDeadlines.Limits
  private let makeRequestID: @Sendable () -> String
  private var deadlines: ConnectionDeadlines?
  private var timer: Scheduled<Void>?
  private var timerDeadline: NIODeadline?
  /// What came was no HTTP; the server says so when it is its turn.
  private var parserError: HTTPParserError?
  private var context: ChannelHandlerContext?
  /// The ids that came with the requests which are not answered yet, in their order; nil: none, or no sane one.
  private var givenIDs: [String?] = []
  /// At the socket's side of the encoders.
  private var front: SocketSide?

  init(limits: ConnectionDeadlines.Limits = .init(), makeRequestID: @escaping @Sendable () -> String) {
    self.limits = limits
    self.makeRequestID = makeRequestID
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    let listener = SocketSide(
      cameIn: { [weak self] in self?.change { $0.bytesCame(at: $1) } },
      wentOut: { [weak self] in self?.change { $0.pieceWent(at: $1) } })
    front = listener
    // The front of the pipeline can always take one more.
    try? context.pipeline.syncOperations.addHandler(listener, position: .first)
    if context.channel.isActive { start() }
  }

  func handlerRemoved(context: ChannelHandlerContext) { stop() }

  func channelActive(context: ChannelHandlerContext) {
    start()
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    stop()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      givenIDs.append(RequestID.given(head.headerFields))
      if head.headerFields[.expect]?.lowercased() == "100-continue", deadlines?.isAnswering == false {
        // RFC 9110, section 10.1.1. Behind an answer that is not over, the client goes on by itself after a while.
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
      }
      change { $0.headCame(at: $1) }
    case .body(let bytes): change { deadlines, _ in deadlines.bodyCame(bytes.readableBytes) }
    case .end: change { $0.requestEnded(at: $1) }
    }
    context.fireChannelRead(data)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    let isWritable = context.channel.isWritable
    change { $0.roomChanged(isThere: isWritable, at: $1) }
    context.fireChannelWritabilityChanged()
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(var head):
      if head.status == .switchingProtocols { change { deadlines, _ in deadlines.upgraded() } }
      if let parserError, head.status == .badRequest, head.headerFields[.contentLength] == "0" {
        self.parserError = nil
        return refuse(parserError, context: context, promise: promise)
      }
      guard head.headerFields[.requestID] == nil else { break }
      head.headerFields[.requestID] = (givenIDs.first ?? nil) ?? makeRequestID()
      return context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body: break
    case .end:
      if !givenIDs.isEmpty { givenIDs.removeFirst() }
      change { $0.answerEnded(at: $1) }
    }
    context.write(data, promise: promise)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    parserError = error as? HTTPParserError ?? parserError
    context.fireErrorCaught(error)
  }

  /// In the place of the server's bare 400, which comes in its turn, behind the answers to what came before.
  private func refuse(_ error: HTTPParserError, context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
    let problem =
      switch error {
      case .headerOverflow:
        Problem(
          HTTPResponse.Status(code: 431, reasonPhrase: "Request Header Fields Too Large"), "headers_too_large",
          "The request's headers are too large.")
      default: Problem(.badRequest, "malformed_request", "This is no HTTP request that we can read.")
      }
    let body = ByteBuffer(bytes: problem.json)
    let head = HTTPResponse(
      status: problem.status,
      headerFields: [
        .contentType: "application/problem+json", .contentLength: String(body.readableBytes), .connection: "close",
        .requestID: makeRequestID(),
      ])
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(body)), promise: promise)
  }

  // MARK: Answers that are bytes already

  /// The id that came with the request whose answer is next; nil: none, or no sane one.
  var givenID: String? { givenIDs.first ?? nil }

  /// Writes and flushes a whole answer past the encoders, which would make the same of it at ten times the cost.
  /// Whoever writes has seen to it that it is the answer's turn.
  func write(whole answer: ByteBuffer) {
    if !givenIDs.isEmpty { givenIDs.removeFirst() }
    change { $0.answerEnded(at: $1) }
    front?.send(answer)
  }

  // MARK: Time

  private func start() {
    guard deadlines == nil, let context else { return }
    deadlines = ConnectionDeadlines(limits: limits, at: context.eventLoop.now)
    schedule()
  }

  private func stop() {
    timer?.cancel()
    timer = nil
    context = nil
    front = nil
    deadlines = nil
  }

  private func change(_ body: (inout ConnectionDeadlines, NIODeadline) -> Void) {
    guard var deadlines, let context else { return }
    body(&deadlines, context.eventLoop.now)
    self.deadlines = deadlines
    schedule()
  }

  /// One timer at a time, which is only ever moved forward when it fires: requests do not cost one each.
  private func schedule() {
    guard let context, let deadline = deadlines?.deadline else { return }
    if timer != nil, let timerDeadline, timerDeadline <= deadline { return }
    timer?.cancel()
    timerDeadline = deadline
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(deadline: deadline) { bound.value.fired() }
  }

  private func fired() {
    timer = nil
    guard let context, let deadline = deadlines?.deadline else { return }
    guard deadline <= context.eventLoop.now else { return schedule() }
    context.close(promise: nil)
  }
}

/// Between the socket and everybody else: says that bytes have come, before anybody reads them, and that pieces of long
/// answers have gone.
private final class SocketSide: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = IOData
  typealias OutboundOut = IOData

  /// A slow client takes this much before it is cut off.
  private static let piece = 64 << 10

  private let cameIn: () -> Void
  private let wentOut: () -> Void
  private var context: ChannelHandlerContext?

  init(cameIn: @escaping () -> Void, wentOut: @escaping () -> Void) {
    self.cameIn = cameIn
    self.wentOut = wentOut
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  /// Of less than ``piece``.
  func send(_ bytes: ByteBuffer) { context?.writeAndFlush(wrapOutboundOut(.byteBuffer(bytes)), promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    cameIn()
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard case .byteBuffer(var bytes) = unwrapOutboundIn(data), bytes.readableBytes > Self.piece else {
      return context.write(data, promise: promise)
    }
    while bytes.readableBytes > Self.piece, let piece = bytes.readSlice(length: Self.piece) {
      let gone = context.eventLoop.makePromise(of: Void.self)
      gone.futureResult.assumeIsolated().whenSuccess { self.wentOut() }
      context.write(wrapOutboundOut(.byteBuffer(piece)), promise: gone)
    }
    context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: promise)
  }
}
