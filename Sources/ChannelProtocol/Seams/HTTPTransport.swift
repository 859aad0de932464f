// The one way out to a provider; tests put a scripted one in its place.

public import HTTPTypes

/// Makes HTTP requests. Follows no redirects, sends nothing of its own but what HTTP needs.
public protocol HTTPTransport: Sendable {
  /// - Parameter deadline: how long the whole exchange may take.
  func send(_ request: HTTPRequest, body: [UInt8], deadline: Duration) async throws(TransportFailure)
    -> (response: HTTPResponse, body: [UInt8])
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
