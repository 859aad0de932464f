// Connections end with the key they live on, and pages of foreign origins are not let in.

import ChannelProtocol
import NIOCore
import Synchronization
import Testing

@testable import Sinks

@Suite struct RealtimeKeyTests {
  @Test("a key that is taken back ends the connections that live on it, and no others")
  func revoked() async throws {
    try await RealtimeTestServer.run { server in
      let reader = try await RealtimeTestClient.open(server.port, key: "reader")
      let sender = try await RealtimeTestClient.open(server.port, key: "sender")
      let socketIO = try await MessagingTestClient.open(server.port)
      for client in [reader, sender] {
        try await client.send(#"{"type":"ping"}"#)
        _ = try await client.text()
      }
      server.revocations.publish(.key(RealtimeTestGateway.sender))
      #expect(try await sender.frame().closeCode == 4401)
      #expect(try await socketIO.connection.frame().closeCode == 4401)
      try await reader.send(#"{"type":"ping"}"#)
      #expect(try await reader.text() == #"{"type":"pong"}"#)
    }
  }

  @Test("where revocations may have gone unheard, every key is looked at again")
  func unheard() async throws {
    try await RealtimeTestServer.run { server in
      let reader = try await RealtimeTestClient.open(server.port, key: "reader")
      let sender = try await RealtimeTestClient.open(server.port, key: "sender")
      for client in [reader, sender] {
        try await client.send(#"{"type":"ping"}"#)
        _ = try await client.text()
      }
      server.gateway.revoked.withLock { _ = $0.insert(RealtimeTestGateway.reader) }
      server.revocations.publish(.unknown)
      #expect(try await reader.frame().closeCode == 4401)
      try await sender.send(#"{"type":"ping"}"#)
      #expect(try await sender.text() == #"{"type":"pong"}"#)
    }
  }

  @Test("a connection ends when its key's time is over, without a word from anybody")
  func expired() async throws {
    var limits = RealtimeTestServer.patientLimits
    limits.sweepInterval = .milliseconds(20)
    try await RealtimeTestServer.run(limits: limits) { server in
      let client = try await RealtimeTestClient.open(server.port, key: "brief")
      let (socketIO, _) = try await MessagingTestClient.connect(server.port, auth: #"{"token":"brief"}"#)
      #expect(try await client.frame().closeCode == 4401)
      var frame = try await socketIO.connection.frame()
      while frame.closeCode == nil { frame = try await socketIO.connection.frame() }
      #expect(frame.closeCode == 4401)
    }
  }

  @Test("pages of the origins in the configuration are let in, others are 403; who has no origin is no page")
  func origins() async throws {
    var configuration = WebSocketConfiguration()
    configuration.origins = ["https://app.example.com"]
    try await RealtimeTestServer.run(configuration: configuration) { server in
      for (fields, status) in [
        (["Origin: https://app.example.com"], 101), (["Origin: HTTPS://App.Example.com"], 101), ([], 101),
        (["Origin: https://evil.example.com"], 403), (["Origin: null"], 403),
      ] {
        for path in ["/ws", "/socket.io/?EIO=4&transport=websocket"] {
          let client = try await RealtimeTestClient.connect(server.port)
          try await client.write(
            RealtimeTestClient.upgrade(path, fields: fields + ["Authorization: Bearer sender"]))
          #expect(try await client.response(hasBody: false).status == status, "\(path) \(fields)")
        }
      }
    }
  }

  @Test("polling from a page is answered so that the page may read it")
  func crossOrigin() async throws {
    try await RealtimeTestServer.run { server in
      let client = try await RealtimeTestClient.connect(server.port)
      let path = "/socket.io/?EIO=4&transport=polling"
      try await client.write(RealtimeTestClient.request(path, fields: ["Origin: https://a.example"]))
      #expect(try await client.response().field("access-control-allow-origin") == "*")
      try await client.write(RealtimeTestClient.request(path, method: "OPTIONS", fields: ["Origin: https://a.example"]))
      let preflight = try await client.response()
      #expect(preflight.status == 204)
      #expect(preflight.field("access-control-allow-methods") == "GET, POST, OPTIONS")
    }
  }
}
