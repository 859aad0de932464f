// The decision on a request, and the upgrade on a real server.

import ChannelProtocol
import HTTPTypes
import NIOCore
import SocketIO
import Testing

@testable import Sinks

@Suite struct RealtimeHandshakeTests {
  @Test("the answer to RFC 6455's own nonce is RFC 6455's own")
  func vector() {
    #expect(WebSocketOpening.proof(for: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  static let fields: HTTPFields = [
    .upgrade: "foo, WebSocket", .connection: "keep-alive, UPGRADE", .secWebSocketVersion: "13",
    .secWebSocketKey: "dGhlIHNhbXBsZSBub25jZQ==",
  ]

  static func key(_ path: String, _ more: [(String, String)]) -> WebSocketHandshake.Decision {
    var fields = fields
    for (name, value) in more {
      if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
    }
    return WebSocketHandshake.decide(
      HTTPRequest(method: .get, scheme: "http", authority: "a", path: path, headerFields: fields))
  }

  @Test(
    "the key is taken from the first place that has one",
    arguments: [
      ("/ws", [], nil), ("/ws?x=token=1", [], nil), ("/ws?token=a%2Bb+c", [], "a+b+c"),
      ("/ws?a=1&token=k&token=j", [], "k"), ("/ws?token=q", [("X-API-Key", " k ")], "k"),
      ("/ws?token=q", [("X-API-Key", "k"), ("Authorization", "bearer  b")], "b"),
      // A proxy's own.
      ("/ws", [("X-API-Key", "k"), ("Authorization", "Basic eA==")], "k"),
      ("/ws?token=q", [("Authorization", "Basic eA==")], "q"),
    ] as [(String, [(String, String)], String?)])
  func credentials(path: String, fields: [(String, String)], key: String?) {
    #expect(Self.key(path, fields) == .proceed(accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", key: key))
  }

  @Test(
    "what is offered as a key and is none is refused",
    arguments: [
      ("/ws?token=", []), ("/ws?token", []), ("/ws?token=%FF", []),
      ("/ws?token=good", [("Authorization", "Bearer")]), ("/ws", [("Authorization", "Basic eA==")]),
      ("/ws", [("Authorization", "Bearer ")]), ("/ws", [("X-API-Key", "")]),
    ] as [(String, [(String, String)])])
  func unusable(path: String, fields: [(String, String)]) {
    #expect(Self.key(path, fields) == .refuse(.unauthorized))
  }

  // MARK: On a server

  @Test("an upgrade is answered with 101 and the proof of the nonce")
  func upgrade() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.connect(server.port)
      try await client.write(RealtimeTestClient.upgrade("/ws?token=reader", fields: ["X-Request-Id: my-id"]))
      let response = try await client.response(hasBody: false)
      #expect(response.status == 101)
      #expect(response.field("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
      #expect(response.field("upgrade") == "websocket")
      #expect(response.field("x-request-id") == "my-id")
      #expect(response.field("transfer-encoding") == nil)
      try await client.send(#"{"type":"ping"}"#)
      #expect(try await client.text() == #"{"type":"pong"}"#)
    }
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var request: String
    var status: Int
    var field: String
    var value: String
    var code: String
    init(_ request: String, _ status: Int, _ field: String, _ value: String, _ code: String) {
      self.request = request
      self.status = status
      self.field = field
      self.value = value
      self.code = code
    }
    var testDescription: String { "\(code) \(status)" }
  }

  static func upgrade(version: String, nonce: String?) -> String {
    RealtimeTestClient.request(
      fields: ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: \(version)"]
        + (nonce.map { ["Sec-WebSocket-Key: \($0)"] } ?? []))
  }

  static let challenge = #"Bearer realm="fractal""#

  static let refusals: [Refusal] = [
    Refusal(RealtimeTestClient.request(), 426, "sec-websocket-version", "13", "upgrade_required"),
    Refusal(upgrade(version: "8", nonce: "x"), 426, "sec-websocket-version", "13", "upgrade_required"),
    Refusal(upgrade(version: "13", nonce: nil), 400, "sec-websocket-version", "13", "bad_request"),
    Refusal(upgrade(version: "13", nonce: "c2hvcnQ="), 400, "sec-websocket-version", "13", "bad_request"),
    Refusal(RealtimeTestClient.upgrade("/ws?token=no"), 401, "www-authenticate", challenge, "unauthorized"),
    Refusal(
      RealtimeTestClient.upgrade(fields: ["Authorization: Basic eDp5"]), 401, "www-authenticate", challenge,
      "unauthorized"),
    Refusal(RealtimeTestClient.upgrade(fields: ["X-API-Key: manager"]), 403, "connection", "close", "missing_scope"),
    Refusal(RealtimeTestClient.upgrade("/ws?token=broken"), 503, "retry-after", "5", "unavailable"),
    Refusal(RealtimeTestClient.upgrade("/ws?token=guessed"), 429, "retry-after", "7", "rate_limited"),
    Refusal(RealtimeTestClient.upgrade("/ws?token=stuck"), 503, "retry-after", "5", "unavailable"),
    Refusal(
      RealtimeTestClient.request(method: "POST", fields: ["Content-Length: 3"]) + "abc", 405, "allow",
      "GET, HEAD, OPTIONS", "method_not_allowed"),
  ]

  @Test("a refusal is plain HTTP with a problem document", arguments: refusals)
  func refused(_ expected: Refusal) async throws {
    var limits = RealtimeTestServer.patientLimits
    if expected.request.contains("stuck") { limits.authTimeout = .milliseconds(100) }
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await RealtimeTestClient.connect(server.port)
      try await client.write(expected.request)
      let response = try await client.response()
      #expect(response.status == expected.status)
      #expect(response.field(expected.field) == expected.value)
      #expect(response.field("content-type") == "application/problem+json")
      #expect(response.field("x-request-id")?.count == 36)
      #expect(response.body.contains(#""code":"\#(expected.code)""#))
      #expect(response.body.contains(#""status":\#(expected.status)"#))
    }
  }

  @Test("beyond the limit of connections the answer is 503; a place that becomes free is given again")
  func full() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.maxConnections = 1
    try await RealtimeTestServer.run(limits: limits) { server in
      let first = try await RealtimeTestClient.open(server.port)
      let second = try await RealtimeTestClient.connect(server.port)
      try await second.write(RealtimeTestClient.upgrade("/ws?token=reader"))
      #expect(try await second.response().status == 503)
      try await first.write(RealtimeTestClient.frame([0x03, 0xE8], opcode: 8))
      #expect(try await first.frame().closeCode == 1000)
      #expect(await first.isAtEnd())
      let third = try await RealtimeTestClient.open(server.port)
      try await third.send(#"{"type":"ping"}"#)
      #expect(try await third.text() == #"{"type":"pong"}"#)
    }
  }

  @Test("HEAD has the fields and no body, and the connection goes on")
  func head() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.connect(server.port)
      try await client.write(RealtimeTestClient.request(method: "HEAD"))
      let response = try await client.response(hasBody: false)
      #expect(response.status == 426)
      #expect(response.field("sec-websocket-version") == "13")
      try await client.write(RealtimeTestClient.request(method: "OPTIONS"))
      let options = try await client.response()
      #expect(options.status == 204)
      #expect(options.field("allow") == "GET, HEAD, OPTIONS")
      try await client.write(RealtimeTestClient.request("/hello"))
      #expect(try await client.response().body == "hello")
    }
  }

  @Test("other requests pass untouched, before and after a refusal on the same connection")
  func passThrough() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.connect(server.port)
      let echo = RealtimeTestClient.request("/echo", method: "POST", fields: ["Content-Length: 4"]) + "echo"
      for _ in 0..<3 {
        try await client.write(echo)
        #expect(try await client.response().body == "echo")
        try await client.write(RealtimeTestClient.request("/wsx"))
        #expect(try await client.response().status == 404)
        try await client.write(RealtimeTestClient.request("/ws?token=reader"))
        #expect(try await client.response().status == 426)
      }
    }
  }

  @Test("pipelined requests are answered in their order, ours among them")
  func pipelined() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.connect(server.port)
      let hello = RealtimeTestClient.request("/hello")
      let echo = RealtimeTestClient.request("/echo", method: "POST", fields: ["Content-Length: 4"]) + "echo"
      let ours = RealtimeTestClient.request()
      try await client.write(hello + ours + ours + echo + ours + hello)
      var answers: [String] = []
      for _ in 0..<6 {
        let response = try await client.response()
        answers.append(response.status == 200 ? response.body : String(response.status))
      }
      #expect(answers == ["hello", "426", "426", "echo", "426", "hello"])
    }
  }

  @Test("many pipelined requests of ours do not pile up")
  func pipelinedMany() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.connect(server.port)
      let count = 2_000
      try await client.write(
        RealtimeTestClient.request("/hello") + String(repeating: RealtimeTestClient.request(), count: count))
      #expect(try await client.response().body == "hello")
      var refused = 0
      for _ in 0..<count { if try await client.response().status == 426 { refused += 1 } }
      #expect(refused == count)
    }
  }

  @Test("the upgrade works on the second request of a connection, also pipelined behind the first")
  func secondRequest() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.connect(server.port)
      try await client.write(RealtimeTestClient.request("/hello"))
      #expect(try await client.response().body == "hello")
      try await client.write(
        RealtimeTestClient.request("/hello") + RealtimeTestClient.upgrade("/ws?token=reader"))
      #expect(try await client.response().body == "hello")
      #expect(try await client.response(hasBody: false).status == 101)
      try await client.send(#"{"type":"ping"}"#)
      #expect(try await client.text() == #"{"type":"pong"}"#)
    }
  }

  @Test("frames that came along with the request are not lost, however the bytes are cut")
  func earlyFrames() async throws {
    try await RealtimeTestServer.run { server in
      let bytes =
        Array(RealtimeTestClient.upgrade("/ws?token=reader").utf8)
        + RealtimeTestClient.frame(#"{"type":"subscribe"}"#) + RealtimeTestClient.frame(#"{"type":"ping"}"#)
      for cut in [bytes.count, 1, bytes.count - 60, bytes.count - 3, bytes.count - 20] {
        let client = try await RealtimeTestClient.connect(server.port)
        try await client.write(Array(bytes[..<cut]))
        if cut < bytes.count { try await client.write(Array(bytes[cut...])) }
        #expect(try await client.response(hasBody: false).status == 101)
        #expect(try await client.text().hasPrefix(#"{"type":"ready""#))
        #expect(try await client.text() == #"{"type":"pong"}"#)
      }
    }
  }

  @Test("a request behind the upgrade reaches no server")
  func behindUpgrade() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.connect(server.port)
      try await client.write(
        RealtimeTestClient.upgrade("/ws?token=reader")
          + RealtimeTestClient.request("/hello", fields: ["X-Padding: \(String(repeating: "x", count: 100))"]))
      #expect(try await client.response(hasBody: false).status == 101)
      // "GE" begins a frame of 69 bytes without a mask and with a reserved bit.
      #expect(try await client.frame().closeCode == 1002)
    }
  }

  @Test("a client that goes away while its key is looked up leaves nothing behind")
  func goesAway() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.maxConnections = 1
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await RealtimeTestClient.connect(server.port)
      try await client.write(RealtimeTestClient.upgrade("/ws?token=stuck"))
      try await RealtimeTestServer.eventually { server.gateway.heldCount == 1 }
      try await client.channel.close()
      server.gateway.release()
      // The only place there is becomes free as soon as the server has noticed.
      let deadline = ContinuousClock.now + .seconds(20)
      var other: RealtimeTestClient
      var status: Int
      repeat {
        other = try await RealtimeTestClient.connect(server.port)
        try await other.write(RealtimeTestClient.upgrade("/ws?token=reader"))
        status = try await other.response(hasBody: false).status
        if status == 503 { try await Task.sleep(for: .milliseconds(20)) }
      } while status == 503 && ContinuousClock.now < deadline
      try #require(status == 101)
      try await other.send(#"{"type":"ping"}"#)
      #expect(try await other.text() == #"{"type":"pong"}"#)
    }
  }
}
