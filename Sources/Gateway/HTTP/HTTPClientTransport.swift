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
  private static let maximumBody = 20 << 20

  init(eventLoopGroup: any EventLoopGroup) {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow,
      timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5)),
      connectionPool: HTTPClient.Configuration.ConnectionPool(idleTimeout: .seconds(30)))
    configuration.httpVersion = .http1Only
    client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: configuration)
  }

  func close() async { try? await client.shutdown() }

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
      let answer = try await client.execute(outgoing, timeout: .nanoseconds(Int64(deadline.inSeconds * 1e9)))
      let bytes = try await answer.body.collect(upTo: Self.maximumBody)
      var fields = HTTPFields()
      for (name, value) in answer.headers {
        if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
      }
      return (
        HTTPResponse(status: .init(code: Int(answer.status.code)), headerFields: fields),
        Array(bytes.readableBytesView)
      )
    } catch is NIOTooManyBytesError {
      throw TransportFailure(
        mayHaveArrived: true, message: "the answer has more than \(Self.maximumBody) bytes", isTooLarge: true)
    } catch {
      throw TransportFailure(mayHaveArrived: Self.mayHaveArrived(error), message: Self.words(error))
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
