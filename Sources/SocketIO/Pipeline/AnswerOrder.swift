// Answers keep the order of their requests: HTTP/1's rule, for a handler in front of a server that answers some of a
// connection's requests itself and lets the others through.

package import HTTPTypes
package import NIOCore
package import NIOHTTPTypes

/// Decides, for one connection, what is passed on, what is ours to answer and when, and what has to wait meanwhile.
package struct AnswerOrder {
  /// What becomes of a part of a request.
  package enum Arrival: Hashable {
    /// The server's.
    case pass
    /// Of a request of ours.
    case take
    /// It came behind a request of ours that is not answered, and is kept.
    case held
    /// Nothing is read any more.
    case drop
  }

  /// What was kept back while an answer was under way, in the order in which it is made good.
  package enum Owed {
    case readComplete
    case error(any Error)
    case inputClosed
    case quiesce
    case read
  }

  private enum State {
    /// Requests go on to the server.
    case passing
    /// A request of ours is being read.
    case reading
    /// It has been read and waits for the answers to requests before it.
    case waiting
    case answering
    /// Nothing more is read as HTTP.
    case ended
  }

  private var state = State.passing
  /// Requests that went on to the server and are not answered yet.
  private var unanswered = 0
  /// What came behind a request that is not answered; no more than a read or two, as reading stops meanwhile.
  private var held = CircularBuffer<HTTPRequestPart>()
  private var hasHeld = false
  private var isReadPending = false
  private var isGoingOn = false
  /// What must not overtake the answer under way.
  private var isQuiescing = false
  private var isInputClosed = false
  private var pendingError: (any Error)?

  package init() {}

  /// Whether a request of ours is being answered.
  package var isAnswering: Bool { state == .answering }

  // MARK: Inbound

  package mutating func arrived(_ part: HTTPRequestPart, isOurs: (HTTPRequest) -> Bool) -> Arrival {
    switch state {
    case .passing:
      guard case .head(let request) = part else { return .pass }
      if isOurs(request) {
        state = .reading
        return .take
      }
      unanswered += 1
      return .pass
    case .reading: return .take
    case .waiting, .answering:
      held.append(part)
      return .held
    case .ended: return .drop
    }
  }

  /// Our request has been read, or as much of it as is wanted.
  /// - Returns: whether it is its turn; if not, ``serverWrote(_:)`` says when.
  package mutating func finishedReading() -> Bool {
    guard state == .reading else { return false }
    state = unanswered > 0 ? .waiting : .answering
    return state == .answering
  }

  /// Whether a read goes on to the socket. One read ahead is granted: to stop at once would cost two system calls for
  /// each request, and hide from an answer that takes long that its client has gone.
  package mutating func mayRead() -> Bool {
    if isReceiving || held.isEmpty { return true }
    isReadPending = true
    return false
  }

  /// Whether the server may hear now that the client has said all it will.
  package mutating func mayCloseInput() -> Bool {
    switch state {
    case .waiting, .answering:
      isInputClosed = true
      return false
    case .passing, .reading, .ended: return true
    }
  }

  /// Whether the server may be told now to close this connection: only between two requests of ours.
  package mutating func mayQuiesce() -> Bool {
    switch state {
    case .reading, .waiting, .answering:
      isQuiescing = true
      return false
    case .passing, .ended: return true
    }
  }

  /// Whether an error may go on now: what came behind our request may be no HTTP.
  package mutating func mayThrow(_ error: any Error) -> Bool {
    switch state {
    case .waiting, .answering:
      pendingError = error
      return false
    case .passing, .reading, .ended: return true
    }
  }

  // MARK: Outbound

  /// The server has written a part of an answer.
  /// - Returns: whether it is the turn of our request now.
  package mutating func serverWrote(_ part: HTTPResponsePart) -> Bool {
    guard case .end = part else { return false }
    unanswered = max(0, unanswered - 1)
    guard unanswered == 0, state == .waiting else { return false }
    state = .answering
    return true
  }

  /// Our request has been answered.
  /// - Returns: whether to go on now: hand what ``nextHeld()`` returns to where parts arrive, then make good what
  ///   ``settle()`` says. False where a loop further up the stack does: what was held may be a thousand small requests.
  package mutating func answered() -> Bool {
    state = .passing
    guard !isGoingOn else { return false }
    isGoingOn = true
    hasHeld = !held.isEmpty
    return true
  }

  package mutating func nextHeld() -> HTTPRequestPart? { isReceiving ? held.popFirst() : nil }

  package mutating func settle() -> [Owed] {
    isGoingOn = false
    var owed: [Owed] = hasHeld ? [.readComplete] : []
    hasHeld = false
    if state == .passing {
      if let error = pendingError { owed.append(.error(error)) }
      if isInputClosed { owed.append(.inputClosed) }
      if isQuiescing { owed.append(.quiesce) }
      pendingError = nil
      isInputClosed = false
      isQuiescing = false
    }
    if isReceiving, isReadPending {
      isReadPending = false
      owed.append(.read)
    }
    return owed
  }

  /// Nothing more is read as HTTP: the connection ends, or speaks another protocol from now on.
  /// - Returns: what was kept back.
  @discardableResult
  package mutating func end() -> [Owed] {
    state = .ended
    held.removeAll()
    var owed: [Owed] = []
    if isInputClosed { owed.append(.inputClosed) }
    if isQuiescing { owed.append(.quiesce) }
    if isReadPending { owed.append(.read) }
    (isInputClosed, isQuiescing, isReadPending) = (false, false, false)
    return owed
  }

  private var isReceiving: Bool {
    switch state {
    case .passing, .reading: true
    case .waiting, .answering, .ended: false
    }
  }
}

extension ChannelHandlerContext {
  /// Makes good what was kept back.
  package func fire(_ owed: [AnswerOrder.Owed]) {
    for item in owed {
      switch item {
      case .readComplete: fireChannelReadComplete()
      case .error(let error): fireErrorCaught(error)
      case .inputClosed: fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      case .quiesce: fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
      case .read: read()
      }
    }
  }
}
