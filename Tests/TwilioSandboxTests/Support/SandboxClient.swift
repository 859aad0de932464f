// A plain HTTP client for the sandbox, signed in.

import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import Testing

@testable import TwilioSandbox

extension SandboxConfiguration {
  /// Nothing waits, nothing is logged.
  static var test: SandboxConfiguration {
    var configuration = SandboxConfiguration(timings: .instant)
    configuration.logger.logLevel = .critical
    configuration.seed = 1
    return configuration
  }
}

/// Talks to a running sandbox.
struct SandboxClient: Sendable {
  enum Method: String {
    case get, post, delete
  }

  struct Answer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var bytes: ByteBuffer

    var text: String { String(buffer: bytes) }
    func header(_ name: String) -> String? { headers.first(name: name) }
    var content: [UInt8] { Array(bytes.readableBytesView) }
    var json: JSONValue { get throws { try JSONValue(parsing: bytes.readableBytesView) } }
  }

  var sandbox: Sandbox
  var user = SandboxAccount.defaultSID
  var password = SandboxAccount.defaultAuthToken

  /// The path of the account's resource, `/Messages.json` appended.
  static func path(_ rest: String) -> String { "/2010-04-01/Accounts/\(SandboxAccount.defaultSID)\(rest)" }

  func send(
    _ method: Method, _ path: String, form: FormFields? = nil, json: String? = nil, signsIn: Bool = true,
    deadline: Duration = .seconds(10)
  ) async throws -> Answer {
    let base = try await sandbox.started()
    var request = HTTPClientRequest(url: path.hasPrefix("http") ? path : base + path)
    request.method = HTTPMethod(rawValue: method.rawValue.uppercased())
    if signsIn { request.setBasicAuth(username: user, password: password) }
    if let form {
      request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
      request.body = .bytes(ByteBuffer(string: form.encoded))
    }
    if let json { request.body = .bytes(ByteBuffer(string: json)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .microseconds(deadline.microseconds))
    return Answer(
      status: Int(response.status.code), headers: response.headers,
      bytes: try await response.body.collect(upTo: 16 << 20))
  }

  /// A GET whose redirect is not followed.
  func redirect(_ path: String) async throws -> Answer {
    var configuration = HTTPClient.Configuration.singletonConfiguration
    configuration.redirectConfiguration = .disallow
    let client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    var request = HTTPClientRequest(url: try await sandbox.started() + path)
    request.setBasicAuth(username: user, password: password)
    do {
      let response = try await client.execute(request, timeout: .seconds(10))
      let bytes = try await response.body.collect(upTo: 1 << 20)
      try await client.shutdown()
      return Answer(status: Int(response.status.code), headers: response.headers, bytes: bytes)
    } catch {
      try await client.shutdown()
      throw error
    }
  }

  func create(_ pairs: KeyValuePairs<String, String>) async throws -> Answer {
    try await send(.post, Self.path("/Messages.json"), form: FormFields(pairs))
  }

  /// Creates and returns the SID.
  func sid(_ pairs: KeyValuePairs<String, String>) async throws -> String {
    let answer = try await create(pairs)
    #expect(answer.status == 201)
    return try answer.json["sid"]?.string ?? ""
  }

  /// Fetches the message until it has that status.
  func wait(_ sid: String, for status: SandboxMessage.Status) async throws {
    try await until("\(sid) is \(status)") { sandbox.read { $0.log[sid]?.status == status } }
  }
}
