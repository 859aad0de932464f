// One request and its answer on a connection, as a value: events in, what to do out. No I/O.

/// The state of a client connection that carries one request at a time.
struct HTTPExchange: Sendable {
  /// How much of a body is kept.
  static let excerptLimit = 1_024
  /// How much of a body is read; what is longer is cut and costs the connection.
  static let bodyLimit = 65_536

  enum Action: Sendable, Hashable {
    case none
    /// The exchange is over; `reusable`: the connection may carry another, else close it.
    case finish(Result<HTTPAnswer, WebhookFailure>, reusable: Bool)
    /// Nothing was asked: close.
    case close
  }

  private enum Phase: Sendable {
    case idle
    case awaitingHead
    case readingBody(HTTPAnswer, received: Int, persistent: Bool)
    case closed
  }

  private var phase = Phase.idle

  /// - Returns: false where the connection can carry no request now.
  mutating func begin() -> Bool {
    guard case .idle = phase else { return false }
    phase = .awaitingHead
    return true
  }

  /// - Parameter persistent: whether the answer's version and fields leave the connection open.
  mutating func received(head: HTTPAnswer, persistent: Bool) -> Action {
    guard case .awaitingHead = phase else { return end(.close) }
    // 101: the connection speaks another protocol from here on.
    if head.status == 101 { return end(.finish(.success(head), reusable: false)) }
    phase = .readingBody(head, received: 0, persistent: persistent)
    return .none
  }

  mutating func received(body bytes: some Collection<UInt8>) -> Action {
    guard case .readingBody(var answer, var received, let persistent) = phase else { return end(.close) }
    received += bytes.count
    answer.excerpt += bytes.prefix(Self.excerptLimit - answer.excerpt.count)
    if received > Self.bodyLimit { return end(.finish(.success(answer), reusable: false)) }
    phase = .readingBody(answer, received: received, persistent: persistent)
    return .none
  }

  mutating func receivedEnd() -> Action {
    guard case .readingBody(let answer, _, let persistent) = phase else { return end(.close) }
    phase = persistent ? .idle : .closed
    return .finish(.success(answer), reusable: persistent)
  }

  /// The connection failed, was closed (`connectionFailed`), or ran out of time. An answer whose head is here stands:
  /// the endpoint has said what it had to say.
  mutating func failed(_ failure: WebhookFailure) -> Action {
    switch phase {
    case .idle: end(.close)
    case .awaitingHead: end(.finish(.failure(failure), reusable: false))
    case .readingBody(let answer, _, _): end(.finish(.success(answer), reusable: false))
    case .closed: .none
    }
  }

  private mutating func end(_ action: Action) -> Action {
    if case .closed = phase { return .none }
    phase = .closed
    return action
  }
}
