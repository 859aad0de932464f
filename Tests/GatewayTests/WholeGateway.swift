// A whole gateway in the test's process: the real wiring, a private PostgreSQL, the sandbox.

import AsyncHTTPClient
import ChannelProtocol
import ChannelSMS
import ChannelWhatsApp
import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import Sinks
import Storage
import Testing

@testable import Gateway

/// A gateway that serves, and ways to talk to it.
struct WholeGateway: Sendable {
  let base: String
  let sandbox: String
  var key: String
  let directory: String
  let store: any MessageStore
  let routes: [APIRoute]

  static let configuration = """
    server: { host: 127.0.0.1, port: 0 }
    accounts:
      - { id: main, accountSID: sandbox }
    channels:
      - { id: sms, type: sms, account: main, from: ["+15005550006"], mps: 50 }
      - { id: mms, type: mms, account: main, from: ["+15005550006"], mps: 50 }
      - { id: whatsapp, type: whatsapp, account: main, from: ["+14155238886"] }
    sinks:
      - { type: websocket }
      - { type: webhook, allow: [loopback] }
    """

  /// Starts a gateway, runs `body` with it, and stops it, whatever happens.
  /// - Parameter kept: a directory that an earlier run has left, or a later one finds; nil: one of its own.
  static func run(
    in kept: String? = nil, configuration text: String = Self.configuration,
    settings change: @Sendable (inout GatewaySettings) -> Void = { _ in },
    _ body: @escaping @Sendable (WholeGateway) async throws -> Void
  ) async throws {
    // Short, and open to the user that PostgreSQL runs as.
    let directory = kept ?? temporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    defer { if kept == nil { try? FileManager.default.removeItem(atPath: directory) } }
    let parts = ProgramParts(
      channels: .init(SMSChannel.self, MMSChannel.self, WhatsAppChannel.self),
      sinks: .init(LogSink.self, WebSocketSink.self, WebhookSink.self))
    var settings = GatewaySettings(
      configuration: try .parse(text, file: "channels.yaml", environment: [:], schema: parts.schema),
      channels: parts.channels, sinks: parts.sinks, directory: directory + "/.fractal",
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    change(&settings)
    let application = GatewayApplication(settings)
    let (started, continuation) = AsyncStream.makeStream(of: RunningGateway.self)
    let serving = Task { try await application.run { continuation.yield($0) } }
    let ended = Task {
      defer { continuation.finish() }
      return try await serving.value
    }
    do {
      guard let running = await started.first(where: { _ in true }) else {
        try await ended.value
        throw Problem(.internalServerError, "ended", "the gateway ended before it served")
      }
      // A node on another's database has no key of its own.
      let key = try running.firstKeyFile.map { try String(contentsOfFile: $0, encoding: .utf8) } ?? ""
      try await body(
        WholeGateway(
          base: "http://127.0.0.1:\(running.port)", sandbox: running.sandboxURL ?? "",
          key: key.trimmingCharacters(in: .whitespacesAndNewlines), directory: directory + "/.fractal",
          store: running.store, routes: running.routes))
    } catch {
      serving.cancel()
      _ = await ended.result
      throw error
    }
    serving.cancel()
    _ = await ended.result
  }

  static func temporaryDirectory() -> String { "/tmp/fractal-whole-\(UInt32.random(in: .min ... .max))" }

  /// Runs several gateways one after the other with the same data.
  static func withKeptDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
  }

  // MARK: Talking to it

  struct Answer: Sendable {
    var status: Int
    var headers: [String: String]
    var json: JSONValue
    var text: String
  }

  func call(
    _ method: String, _ path: String, json: String? = nil, key: String? = nil, headers: [(String, String)] = []
  ) async throws -> Answer {
    let answer = try await Self.exchange(
      method, path.hasPrefix("http") ? path : base + path, body: json,
      headers: [("Authorization", "Bearer \(key ?? self.key)")]
        + (json == nil ? [] : [("Content-Type", "application/json")]) + headers)
    if !path.hasPrefix("http") {
      let wrong = DescribedAnswers.problems(method, path, answer)
      #expect(wrong.isEmpty, "\(method) \(path) is not as it is described: \(wrong)")
    }
    return answer
  }

  static func exchange(
    _ method: String, _ url: String, body: String? = nil, headers: [(String, String)] = []
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: url)
    request.method = .init(rawValue: method)
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    if let body { request.body = .bytes(ByteBuffer(string: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
    let bytes = try await response.body.collect(upTo: 8 << 20)
    let text = String(buffer: bytes)
    return Answer(
      status: Int(response.status.code),
      headers: Dictionary(
        response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first }),
      json: (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .null, text: text)
  }

  /// A sandbox phone texts in.
  @discardableResult
  func textIn(_ fields: [String: JSONValue]) async throws -> Answer {
    try await Self.exchange(
      "POST", sandbox + "/sandbox/inbound", body: StoredText.json(.object(fields)),
      headers: [("Content-Type", "application/json")])
  }

  /// Asks again and again until the answer is what it should be.
  func eventually(
    within limit: Duration = .seconds(20), _ path: String, _ isGood: (JSONValue) -> Bool
  ) async throws -> JSONValue {
    let deadline = ContinuousClock.now + limit
    // Whoever asks without a pause takes half the processors from what is waited for.
    var pause = Duration.milliseconds(2)
    while true {
      let answer = try await call("GET", path)
      if isGood(answer.json) { return answer.json }
      guard ContinuousClock.now < deadline else {
        Issue.record("\(path) did not become what it should: \(answer.text.prefix(2_000))")
        return answer.json
      }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .milliseconds(50))
    }
  }
}

enum StoredText {
  static func json(_ value: JSONValue) -> String {
    var writer = JSONWriter()
    writer.value(value)
    return writer.string
  }
}
