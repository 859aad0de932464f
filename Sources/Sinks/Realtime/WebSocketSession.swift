// The conversation on one WebSocket as a value: what a client said goes in, what to do comes out.

internal import ChannelProtocol
internal import SocketIO

/// Authentication, permissions and requests under way of one connection. Knows no socket and no clock.
struct WebSocketSession {
  enum Action: Hashable, Sendable {
    /// Ask whose key this is, then call ``verified(_:)``.
    case verify(key: String)
    /// Begin a stream, in place of the one before.
    case subscribe(SubscribeRequest)
    /// Send the message, then call ``sent(ref:_:)``.
    case send(SendRequest, RealtimePrincipal)
    /// A text frame.
    case write([UInt8])
    case close(WebSocketClose)
  }

  private enum Phase {
    /// Connected without a key: the first frame must bring one.
    case awaitingKey
    /// The key is being looked up; what the client says meanwhile waits.
    case verifying([Result<ClientFrame, ClientFrameProblem>])
    case open(RealtimePrincipal)
    case ended
  }

  /// How many frames may wait for the key to be looked up.
  static let maximumWaiting = 32

  private var phase: Phase
  private var sends = 0
  private let maximumSends: Int

  /// - Parameters:
  ///   - principal: whose key came with the upgrade; nil: none did.
  ///   - maximumSends: how many messages may be on their way at once.
  init(principal: RealtimePrincipal?, maximumSends: Int) {
    phase = principal.map(Phase.open) ?? .awaitingKey
    self.maximumSends = maximumSends
  }

  /// Whose key the client has shown.
  var principal: RealtimePrincipal? { if case .open(let principal) = phase { principal } else { nil } }
  /// Whether the client has shown a good key.
  var isAuthenticated: Bool { principal != nil }

  mutating func receive(_ frame: Result<ClientFrame, ClientFrameProblem>) -> [Action] {
    switch phase {
    case .awaitingKey:
      guard case .success(.authenticate(let key)) = frame else {
        return end(WebSocketClose(.unauthorized, "the first frame must be auth"))
      }
      phase = .verifying([])
      return [.verify(key: key)]
    case .verifying(var waiting):
      guard waiting.count < Self.maximumWaiting else {
        return end(WebSocketClose(.unauthorized, "too many frames before the key was checked"))
      }
      waiting.append(frame)
      phase = .verifying(waiting)
      return []
    case .open(let principal):
      return handle(frame, as: principal)
    case .ended:
      return []
    }
  }

  /// The key has been looked up; nil: nobody's.
  mutating func verified(_ principal: RealtimePrincipal?) -> [Action] {
    guard case .verifying(let waiting) = phase else { return [] }
    guard let principal else { return end(WebSocketClose(.unauthorized, "unknown key")) }
    guard principal.canRead else { return end(WebSocketClose(.forbidden, "the key lacks the scope read")) }
    phase = .open(principal)
    return waiting.flatMap { receive($0) }
  }

  /// The key was not looked up: for a reason of ours, or because too many that are none have come from there.
  mutating func verificationFailed(_ error: (any Error)? = nil) -> [Action] {
    guard case .verifying = phase else { return [] }
    if error is RealtimeThrottled { return end(WebSocketClose(.tooManyKeys, "too many keys that are none")) }
    return end(WebSocketClose(.tryAgainLater, "the key could not be checked"))
  }

  /// The time for showing a key is over.
  mutating func authenticationTimedOut() -> [Action] {
    switch phase {
    case .awaitingKey: end(WebSocketClose(.unauthorized, "no key in time"))
    case .verifying: end(WebSocketClose(.tryAgainLater, "the key could not be checked in time"))
    case .open, .ended: []
    }
  }

  /// A message was sent, or refused.
  mutating func sent(ref: String?, _ result: Result<[UInt8], RealtimeProblem>) -> [Action] {
    sends = max(0, sends - 1)
    guard isAuthenticated else { return [] }
    switch result {
    case .success(let message): return [.write(ServerFrame.acknowledgement(ref: ref, message: message))]
    case .failure(let problem): return [.write(ServerFrame.error(ref: ref, problem: problem.json))]
    }
  }

  /// The connection is ending: nothing more is to be done for it.
  mutating func end() { phase = .ended }

  private mutating func handle(
    _ frame: Result<ClientFrame, ClientFrameProblem>, as principal: RealtimePrincipal
  ) -> [Action] {
    switch frame {
    case .failure(let failure): return [refusal(failure.ref, failure.problem)]
    case .success(.ping): return [.write(ServerFrame.pong)]
    case .success(.authenticate):
      return [refusal(nil, .conflict("already_authenticated", "This connection has a key already."))]
    case .success(.subscribe(let request)):
      guard principal.canRead else { return end(WebSocketClose(.forbidden, "the key lacks the scope read")) }
      return [.subscribe(request)]
    case .success(.send(let request)):
      guard principal.canSend else { return [refusal(request.ref, .forbidden(scope: "send"))] }
      guard sends < maximumSends else { return [refusal(request.ref, .tooManySends)] }
      sends += 1
      return [.send(request, principal)]
    }
  }

  private func refusal(_ ref: String?, _ problem: ProblemDocument) -> Action {
    .write(ServerFrame.error(ref: ref, problem: problem.json))
  }

  private mutating func end(_ close: WebSocketClose) -> [Action] {
    phase = .ended
    return [.close(close)]
  }
}
