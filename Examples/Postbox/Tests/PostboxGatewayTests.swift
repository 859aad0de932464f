// The channel in a whole gateway, with a Postbox that runs in the test: nothing of the engine knows it by name.

import AsyncHTTPClient
import ChannelPostbox
import ChannelProtocol
import Crypto
import Foundation
import Gateway
import GatewayTesting
import Logging
import NIOCore
import NIOHTTP1
import Sinks
import Testing

@Suite("A gateway with Postbox", .serialized)
struct PostboxGatewayTests {
  private static let channels = ChannelRegistry(PostboxChannel.self)
  private static let sinks = SinkRegistry(LogSink.self, WebSocketSink.self)

  private static func configuration(
    _ yaml: String, _ environment: [String: String] = [:]
  ) throws -> GatewayConfiguration {
    try .parse(
      yaml, file: "channels.yaml", environment: environment, schema: .init(channels: channels, sinks: sinks))
  }

  @Test("the example's file is right, and a misspelt option of the channel has its place and the nearest word")
  func file() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../channels.yaml")
    let text = try String(contentsOf: path, encoding: .utf8)
    let configuration = try Self.configuration(text, ["POSTBOX_TOKEN": "token"])
    #expect(configuration.channels.map(\.type) == ["postbox"])
    let error = #expect(throws: ConfigurationError.self) {
      try Self.configuration(text.replacing("from: [fractal]", with: "form: [fractal]"), ["POSTBOX_TOKEN": "token"])
    }
    #expect(error?.lines.contains { $0.hasSuffix("unknown key `form`; did you mean `from`?") } == true)
  }

  @Test("a letter comes in, is answered, and its report finds the answer")
  func lettersBothWays() async throws {
    let postbox = FakePostbox()
    try await postbox.run { address in
      try await Self.runGateway(postbox: address) { gateway in
        let letter = #"{"account":"account-1","id":"L0","box":"fractal","person":"alice","text":"Hello"}"#
        #expect(try await gateway.report(letter, to: "letters") == 200)
        let inbound = try await gateway.messages("direction=inbound")
        #expect(inbound.first?["body"] == "Hello" && inbound.first?["from"] == "alice")
        #expect(inbound.first?["channel"] == "letters" && inbound.first?["channelType"] == "postbox")

        try await gateway.send(#"{"to":"postbox:alice","body":"Hi Alice"}"#)
        #expect(await eventually { postbox.letters.count == 1 })
        let sent = try #require(postbox.letters.first)
        #expect(sent["text"] == "Hi Alice" && sent["person"] == "alice" && sent["box"] == "fractal")

        let reference = try #require(sent["reference"]?.stringValue)
        let report = """
          {"account":"account-1","id":"L1","box":"fractal","person":"alice","status":"opened","reference":"\(reference)"}
          """
        #expect(try await gateway.report(report, to: "reports") == 200)
        #expect(
          try await eventually { try await gateway.messages("direction=outbound").first?["status"] == "read" })
        #expect(try await gateway.report(report, to: "reports", token: "another") == 403)
      }
    }
  }

  /// A gateway in a directory of its own, until `body` returns.
  private static func runGateway(
    postbox: String, _ body: @escaping @Sendable (Client) async throws -> Void
  ) async throws {
    // Short, and open to the user that PostgreSQL runs as.
    let directory = "/tmp/fractal-postbox-\(UInt32.random(in: .min ... .max))"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let configuration = try configuration(
      """
      server: { host: 127.0.0.1, port: 0 }
      accounts:
        - { id: post, provider: postbox, accountSID: account-1, authTokens: [token], baseURL: "\(postbox)" }
      channels:
        - { id: letters, type: postbox, account: post, from: [fractal] }
      """)
    let application = GatewayApplication(
      GatewaySettings(
        configuration: configuration, channels: channels, sinks: sinks, directory: directory + "/.fractal",
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    let (started, continuation) = AsyncStream.makeStream(of: RunningGateway.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { continuation.finish() }
        try await application.run { continuation.yield($0) }
      }
      group.addTask {
        guard let running = await started.first(where: { _ in true }) else { return }
        try await body(try Client(running))
      }
      // Either the body has ended, or the gateway before it.
      try await group.next()
      group.cancelAll()
      try await group.waitForAll()
    }
  }
}

/// Talks to the gateway as its users do, and as Postbox does.
private struct Client: Sendable {
  let base: String
  let key: String

  init(_ running: RunningGateway) throws {
    base = "http://127.0.0.1:\(running.port)"
    key = try String(contentsOfFile: running.firstKeyFile ?? "", encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Posts what Postbox would, signed; the answer's status.
  func report(_ json: String, to path: String, token: String = "token") async throws -> UInt {
    let code = HMAC<SHA256>.authenticationCode(
      for: Data(json.utf8), using: SymmetricKey(data: Array(token.utf8)))
    return try await post("/webhooks/postbox/\(path)", json, ["Postbox-Signature": Data(code).base64EncodedString()])
  }

  func send(_ json: String) async throws {
    let status = try await post(
      "/api/messages", json, ["Authorization": "Bearer \(key)", "Content-Type": "application/json"])
    #expect(status == 202)
  }

  func messages(_ query: String) async throws -> [JSONValue] {
    var request = HTTPClientRequest(url: "\(base)/api/messages?\(query)")
    request.headers.add(name: "Authorization", value: "Bearer \(key)")
    let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
    let body = try await answer.body.collect(upTo: 1 << 20)
    let list = try JSONDecoder().decode(JSONValue.self, from: Data(body.readableBytesView))
    return list["data"]?.arrayValue ?? []
  }

  private func post(_ path: String, _ json: String, _ headers: [String: String]) async throws -> UInt {
    var request = HTTPClientRequest(url: base + path)
    request.method = .POST
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    request.body = .bytes(ByteBuffer(string: json))
    return UInt(try await HTTPClient.shared.execute(request, timeout: .seconds(20)).status.code)
  }
}
