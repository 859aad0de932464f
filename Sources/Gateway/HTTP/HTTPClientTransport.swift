// The way out to providers, on AsyncHTTPClient.

import AsyncHTTPClient
import ChannelProtocol
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix

/// Makes requests for adapters. Follows no redirects; an answer's body is bounded.
struct HTTPClientTransport: HTTPTransport {
  private let client: HTTPClient
  /// For answers that are read at the pace of whoever wants them: they hold no connection that a send needs.
  private let streams: HTTPClient
  private static let maximumBody = 20 << 20

  init(eventLoopGroup: any EventLoopGroup) {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow,
      timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5), read: .seconds(60)),
      connectionPool: HTTPClient.Configuration.ConnectionPool(idleTimeout: .seconds(30)))
    configuration.httpVersion = .http1Only
    client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: configuration)
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.maximumStreams
    streams = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: configuration)
  }

  /// At one host; further ones wait for the connect timeout.
  private static let maximumStreams = 64

  func close() async {
    try? await client.shutdown()
    try? await streams.shutdown()
  }

  func send(
    _ request: HTTPRequest, body: [UInt8], deadline: Duration
  ) async throws(TransportFailure) -> (response: HTTPResponse, body: [UInt8]) {
    guard let scheme = request.scheme, let authority = request.authority else {
      throw TransportFailure(mayHaveArrived: false, message: "the request names no host")
    }
    var outgoing = HTTPClientRequest(url: "\(scheme)://\(authority)\(request.path ?? "/")")
    outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
    for field in request.headerFields { outgoing.headers.add(name: field.name.rawName, value: field.value) }
    if !body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
    do {
      let (answer, bytes) = try await answer(to: outgoing, within: deadline)
      return (
        HTTPResponse(HTTPResponseHead(version: answer.version, status: answer.status, headers: answer.headers)),
        Array(bytes.readableBytesView)
      )
    } catch is NIOTooManyBytesError {
      throw TransportFailure(
        mayHaveArrived: true, message: "the answer has more than \(Self.maximumBody) bytes", isTooLarge: true)
    } catch {
      throw Self.failure(of: error)
    }
  }

  func open(
    _ request: HTTPRequest, deadlines: TransferDeadlines
  ) async throws(TransportFailure) -> OpenAnswer {
    guard let scheme = request.scheme, let authority = request.authority else {
      throw TransportFailure(mayHaveArrived: false, message: "the request names no host")
    }
    var headers = HTTPHeaders()
    for field in request.headerFields { headers.add(name: field.name.rawName, value: field.value) }
    do {
      let outgoing = try HTTPClient.Request(
        url: "\(scheme)://\(authority)\(request.path ?? "/")", method: HTTPMethod(rawValue: request.method.rawValue),
        headers: headers)
      return try await OpenExchange.begin(
        outgoing, with: streams, deadlines: deadlines, failure: { Self.failure(of: $0) })
    } catch {
      throw Self.failure(of: error)
    }
  }

  private static func failure(of error: any Error) -> TransportFailure {
    if error is AnswerOverdue || (error as? HTTPClientError) == .deadlineExceeded {
      return TransportFailure(mayHaveArrived: true, message: "the answer did not end in time")
    }
    return TransportFailure(mayHaveArrived: mayHaveArrived(error), message: words(error))
  }

  /// The client's own deadline ends with the head of the answer: one for head and body together runs beside them.
  private func answer(
    to request: HTTPClientRequest, within deadline: Duration
  ) async throws -> (HTTPClientResponse, ByteBuffer) {
    try await withThrowingTaskGroup(of: (HTTPClientResponse, ByteBuffer)?.self) { group in
      group.addTask { [client] in
        let answer = try await client.execute(request, timeout: .nanoseconds(Int64(deadline.inSeconds * 1e9)))
        return (answer, try await answer.body.collect(upTo: Self.maximumBody))
      }
      group.addTask {
        try await Task.sleep(for: deadline)
        return nil
      }
      defer { group.cancelAll() }
      guard let whole = try await group.next() ?? nil else { throw AnswerOverdue() }
      return whole
    }
  }

  /// Only what fails before a byte could have been written provably never arrived.
  private static func mayHaveArrived(_ error: any Error) -> Bool {
    if let error = error as? HTTPClientError {
      let before: [HTTPClientError] = [
        .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .emptyHost, .emptyScheme, .invalidURL,
        .alreadyShutdown,
      ]
      return !before.contains(error)
    }
    if error is NIOConnectionError { return false }
    if let error = error as? IOError { return error.errnoCode != ECONNREFUSED }
    return true
  }

  private static func words(_ error: any Error) -> String {
    switch error {
    case let error as HTTPClientError: error.shortDescription
    case is NIOConnectionError: "the connection was refused or the host is unknown"
    case is CancellationError: "cancelled"
    default: "the connection failed"
    }
  }
}
