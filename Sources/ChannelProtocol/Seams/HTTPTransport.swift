// The one way out to a provider; tests put a scripted one in its place.

public import HTTPTypes

/// Makes HTTP requests. Follows no redirects, sends nothing of its own but what HTTP needs.
public protocol HTTPTransport: Sendable {
  /// - Parameter deadline: how long the whole exchange may take.
  func send(_ request: HTTPRequest, body: [UInt8], deadline: Duration) async throws(TransportFailure)
    -> (response: HTTPResponse, body: [UInt8])

  /// Makes a request without a body, and gives the head of its answer as soon as that is there. The answer's body comes
  /// at the pace of whoever reads it; letting go of it unread, or before its end, ends the transfer.
  ///
  /// A transport that does not implement it gives the whole answer of ``send(_:body:deadline:)`` in one piece.
  func open(_ request: HTTPRequest, deadlines: TransferDeadlines) async throws(TransportFailure) -> OpenAnswer
}

/// How long an answer that is read as it comes may take.
public struct TransferDeadlines: Sendable, Hashable {
  /// Until its head is there.
  public var head: Duration
  /// Between two pieces, as long as the reader waits for one.
  public var pause: Duration
  /// From the request to the end of the body.
  public var whole: Duration

  public init(head: Duration, pause: Duration, whole: Duration) {
    self.head = head
    self.pause = pause
    self.whole = whole
  }
}

/// An answer whose body is still to come.
public struct OpenAnswer: Sendable {
  public var response: HTTPResponse
  /// Is read once.
  public var body: any BodyPieces
  /// Ends the transfer, whoever waits for a piece of it.
  public var cancel: @Sendable () -> Void

  public init(response: HTTPResponse, body: any BodyPieces, cancel: @escaping @Sendable () -> Void = {}) {
    self.response = response
    self.body = body
    self.cancel = cancel
  }
}

extension HTTPTransport {
  public func open(
    _ request: HTTPRequest, deadlines: TransferDeadlines
  ) async throws(TransportFailure) -> OpenAnswer {
    let (response, body) = try await send(request, body: [], deadline: deadlines.whole)
    return OpenAnswer(response: response, body: GivenPieces(body.isEmpty ? [] : [body]))
  }
}

/// An exchange that did not end in an answer.
public struct TransportFailure: Error, Sendable, Hashable {
  /// False: the request provably never left (refused, no such host, TLS failed); it may be repeated.
  public var mayHaveArrived: Bool
  /// Words for the log; never the request's contents.
  public var message: String
  /// There was an answer, larger than any is taken: asking again would bring the same.
  public var isTooLarge: Bool

  public init(mayHaveArrived: Bool, message: String, isTooLarge: Bool = false) {
    self.mayHaveArrived = mayHaveArrived
    self.message = message
    self.isTooLarge = isTooLarge
  }
}
