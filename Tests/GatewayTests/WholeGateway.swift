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
  let key: String
  let directory: String
  let store: any MessageStore

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
  static func run(
    settings change: @Sendable (inout GatewaySettings) -> Void = { _ in },
    _ body: @escaping @Sendable (WholeGateway) async throws -> Void
  ) async throws {
    // Short, and open to the user that PostgreSQL runs as.
    let directory = "/tmp/fractal-whole-\(UInt32.random(in: .min ... .max))"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let parts = ProgramParts(
      channels: .init(SMSChannel.self, MMSChannel.self, WhatsAppChannel.self),
      sinks: .init(LogSink.self, WebSocketSink.self, WebhookSink.self))
    var settings = GatewaySettings(
      configuration: try .parse(Self.configuration, file: "channels.yaml", environment: [:], schema: parts.schema),
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
      let key = try String(contentsOfFile: running.firstKeyFile ?? "", encoding: .utf8)
      try await body(
        WholeGateway(
          base: "http://127.0.0.1:\(running.port)", sandbox: running.sandboxURL ?? "",
          key: key.trimmingCharacters(in: .whitespacesAndNewlines), directory: directory + "/.fractal",
          store: running.store))
    } catch {
      serving.cancel()
      _ = await ended.result
      throw error
    }
    serving.cancel()
    _ = await ended.result
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
    try await Self.exchange(
      method, path.hasPrefix("http") ? path : base + path, body: json,
      headers: [("Authorization", "Bearer \(key ?? self.key)")]
        + (json == nil ? [] : [("Content-Type", "application/json")]) + headers)
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
    while true {
      let answer = try await call("GET", path)
      if isGood(answer.json) { return answer.json }
      guard ContinuousClock.now < deadline else {
        Issue.record("\(path) did not become what it should: \(answer.text.prefix(2_000))")
        return answer.json
      }
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
