// The messages of one connection, sent one after another: in the order in which the client said them.

internal import ChannelProtocol
internal import DequeModule
internal import NIOCore

/// Lives on the connection's event loop. Who uses it bounds how many wait.
final class SendQueue {
  typealias Result = Swift.Result<[UInt8], RealtimeProblem>

  private struct Waiting {
    var message: [UInt8]
    var idempotencyKey: String?
    var principal: RealtimePrincipal
    var answer: (Result) -> Void
  }

  private let endpoint: RealtimeEndpoint
  private let eventLoop: any EventLoop
  private var waiting: Deque<Waiting> = []
  private var isSending = false

  init(endpoint: RealtimeEndpoint, eventLoop: any EventLoop) {
    self.endpoint = endpoint
    self.eventLoop = eventLoop
  }

  /// - Parameter answer: called once, on the event loop.
  func send(
    _ message: [UInt8], idempotencyKey: String?, as principal: RealtimePrincipal, _ answer: @escaping (Result) -> Void
  ) {
    waiting.append(
      Waiting(message: message, idempotencyKey: idempotencyKey, principal: principal, answer: answer))
    sendNext()
  }

  private func sendNext() {
    guard !isSending, let next = waiting.first else { return }
    isSending = true
    let (gateway, bound) = (endpoint.gateway, NIOLoopBound(self, eventLoop: eventLoop))
    let (message, key, principal) = (next.message, next.idempotencyKey, next.principal)
    let loop = eventLoop
    let isSubmitted = endpoint.requests.submit {
      let result = await gateway.send(message, idempotencyKey: key, as: principal)
      loop.execute { bound.value.sent(result) }
    }
    guard !isSubmitted else { return }
    let problem = ProblemDocument.unavailable("Too many messages are waiting.")
    loop.execute { bound.value.sent(.failure(RealtimeProblem(json: problem.json))) }
  }

  private func sent(_ result: Result) {
    isSending = false
    let answered = waiting.popFirst()
    sendNext()
    answered?.answer(result)
  }
}
