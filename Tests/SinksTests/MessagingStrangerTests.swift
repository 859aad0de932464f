// Socket.IO clients that show no good key: how long they stay, and how much room they take.

import GatewayTesting
import NIOCore
import Testing

@testable import Sinks

@Suite struct MessagingStrangerTests {
  static let polling = "/socket.io/?EIO=4&transport=polling"

  /// A connection that is in no namespace.
  static func stranger(_ port: Int) async throws -> RealtimeTestClient {
    let client = try await RealtimeTestClient.connect(port)
    try await client.write(RealtimeTestClient.upgrade("/socket.io/?EIO=4&transport=websocket"))
    try #require(try await client.response(hasBody: false).status == 101)
    _ = try await client.frame()
    return client
  }

  static func closeCode(_ client: RealtimeTestClient) async throws -> Int {
    while true { if let code = try await client.frame().closeCode { return code } }
  }

  @Test(
    "who shows no good key is closed when the time is over, also while one is being looked up",
    arguments: [true, false])
  func timeout(isTrying: Bool) async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.authTimeout = .milliseconds(200)
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await Self.stranger(server.port)
      if isTrying { try await client.send(#"40/messaging,{"token":"stuck"}"#) }
      #expect(try await Self.closeCode(client) == 1000)
    }
  }

  @Test("who leaves its namespace is closed as well when the time is over")
  func left() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.authTimeout = .milliseconds(200)
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await MessagingTestClient.open(server.port)
      try await client.connection.send("41/messaging,")
      #expect(try await Self.closeCode(client.connection) == 1000)
    }
  }

  @Test("the third bad key ends the connection")
  func guesses() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await Self.stranger(server.port)
      for _ in 0..<3 {
        try await client.send(#"40/messaging,{"token":"nobody"}"#)
        #expect(try await client.text().hasPrefix("44/messaging,"))
      }
      #expect(try await Self.closeCode(client) == 1008)
    }
  }

  @Test("sessions that nobody was let in by have room of their own: others keep theirs, and it is free again at once")
  func room() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.maxConnections = 100
    limits.authTimeout = .milliseconds(500)
    try await RealtimeTestServer.run(limits: limits) { server in
      var clients: [MessagingTestClient] = []
      // More than there is room for strangers: who is let in takes none of it.
      for _ in 0..<20 { clients.append(try await MessagingTestClient.open(server.port)) }
      let flood = try await RealtimeTestClient.connect(server.port)
      var statuses: [Int] = []
      for _ in 0..<20 {
        try await flood.write(RealtimeTestClient.request(Self.polling))
        statuses.append(try await flood.response().status)
      }
      #expect(statuses.count { $0 == 200 } <= 5 + 1)
      #expect(statuses.last == 503)
      // With the time for a key the sessions end, and nothing of them is kept for closing words.
      let isFree = try await eventually(within: .seconds(3)) {
        try await flood.write(RealtimeTestClient.request(Self.polling))
        return try await flood.response().status == 200
      }
      #expect(isFree)
      server.publish(1...1)
      for client in clients { #expect(try await client.event() == 1) }
    }
  }

  @Test("a page of another origin may bring headers of its own")
  func preflight() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.connect(server.port)
      try await client.write(
        RealtimeTestClient.request(
          Self.polling, method: "OPTIONS",
          fields: ["Origin: https://app.example.com", "Access-Control-Request-Headers: x-tenant, content-type"]))
      let response = try await client.response(hasBody: false)
      #expect(response.status == 204)
      #expect(response.field("access-control-allow-headers") == "x-tenant, content-type")
      #expect(response.field("access-control-allow-origin") == "*")
    }
  }
}
