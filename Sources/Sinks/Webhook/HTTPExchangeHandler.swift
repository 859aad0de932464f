// The shell around `HTTPExchange`: runs on the connection's event loop, owns its timers and the waiting promise.

import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// The last handler of an outbound connection. A request comes as an outbound user event.
final class HTTPExchangeHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = Never
  typealias OutboundOut = HTTPClientRequestPart

  /// A request, and where its answer goes.
  struct Request: Sendable {
    var head: HTTPRequestHead
    var body: ByteBuffer
    var deadline: NIODeadline
    /// The answer, and whether the connection may be used again.
    var promise: EventLoopPromise<Exchanged>
  }

  struct Exchanged: Sendable {
    var answer: HTTPAnswer
    var reusable: Bool
  }

  private var exchange = HTTPExchange()
  private var promise: EventLoopPromise<Exchanged>?
  /// The deadline of the exchange, or the end of an idle connection.
  private var timer: Scheduled<Void>?
  private let idleLimit: TimeAmount
  private let earlyFailure: EarlyFailure

  init(idleLimit: TimeAmount, earlyFailure: EarlyFailure) {
    self.idleLimit = idleLimit
    self.earlyFailure = earlyFailure
  }

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    guard let request = event as? Request else {
      return context.triggerUserOutboundEvent(event, promise: promise)
    }
    promise?.succeed()
    guard context.channel.isActive, exchange.begin() else {
      return request.promise.fail(WebhookFailure.connectionFailed)
    }
    self.promise = request.promise
    setTimer(at: request.deadline, context: context)
    context.write(Self.wrapOutboundOut(.head(request.head)), promise: nil)
    context.write(Self.wrapOutboundOut(.body(.byteBuffer(request.body))), promise: nil)
    context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch Self.unwrapInboundIn(data) {
    case .head(let head):
      let answer = HTTPAnswer(status: Int(head.status.code), retryAfter: head.headers.first(name: "retry-after"))
      let tokens = head.headers[canonicalForm: "connection"].map { $0.lowercased() }
      let persistent = head.version == .http1_1 && !tokens.contains("close")
      perform(exchange.received(head: answer, persistent: persistent), context)
    case .body(let buffer): perform(exchange.received(body: buffer.readableBytesView), context)
    case .end: perform(exchange.receivedEnd(), context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    perform(exchange.failed(.connectionFailed), context)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let failure = Self.classify(error)
    earlyFailure.record(failure)
    perform(exchange.failed(failure), context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    perform(exchange.failed(.connectionFailed), context)
    timer?.cancel()
    timer = nil
  }

  private func perform(_ action: HTTPExchange.Action, _ context: ChannelHandlerContext) {
    switch action {
    case .none: break
    case .close: context.close(promise: nil)
    case .finish(let result, let reusable):
      let waiting = promise
      promise = nil
      if reusable {
        setTimer(at: .now() + idleLimit, context: context)
      } else {
        timer?.cancel()
        timer = nil
        context.close(promise: nil)
      }
      switch result {
      case .success(let answer): waiting?.succeed(Exchanged(answer: answer, reusable: reusable))
      case .failure(let failure): waiting?.fail(failure)
      }
    }
  }

  private func setTimer(at deadline: NIODeadline, context: ChannelHandlerContext) {
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
      self.perform(self.exchange.failed(.timeout), context)
    }
  }

  private static func classify(_ error: any Error) -> WebhookFailure {
    switch error {
    case let failure as WebhookFailure: failure
    case HTTPParserError.headerOverflow: .tooLarge
    case is HTTPParserError: .badResponse
    // The peer closed without saying so in TLS: a close like any other.
    case NIOSSLError.uncleanShutdown: .connectionFailed
    case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: .tlsFailed
    default: .connectionFailed
    }
  }
}

/// Why a connection failed before its first request came: a TLS handshake begins on connecting and may be over, with
/// the channel gone, by the time the request is handed over.
final class EarlyFailure: Sendable {
  private let first = Mutex<WebhookFailure?>(nil)

  func record(_ failure: WebhookFailure) { first.withLock { $0 = $0 ?? failure } }

  var failure: WebhookFailure? { first.withLock { $0 } }
}
