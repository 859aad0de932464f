// Attempts against real sockets: answers of every kind, and none.

import ChannelProtocol
import Foundation
import Hummingbird
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Sinks

@Suite("webhook attempts")
struct WebhookClientTests {
  @Test("a receiver gets the event, signed, with the endpoint's own headers beside ours")
  func received() async throws {
    let server = try await WebhookScriptedServer { _, _ in .status(200, body: "thanks") }
    defer { server.close() }
    try await WebhookFixtures.withSender { sender in
      let event = WebhookFixtures.event(3, conversation: 1)
      let endpoint = WebhookFixtures.endpoint(
        "http://127.0.0.1:\(server.port)/hook?a=b", headers: ["X-Token": "t", "webhook-id": "mine", "Host": "evil"])
      let attempt = await sender.attempt(endpoint, event: event)
      #expect(attempt.status == 200)
      #expect(attempt.error == nil)
      #expect(attempt.response == "thanks")
      let seen = try #require(server.requests.first)
      let headers = seen.head.headers
      #expect(seen.head.method == .POST)
      #expect(seen.head.uri == "/hook?a=b")
      #expect(seen.body == String(decoding: WebhookBody.encode(event), as: UTF8.self))
      #expect(headers["host"] == ["127.0.0.1:\(server.port)"])
      #expect(headers["content-type"] == ["application/json"])
      #expect(headers["user-agent"] == ["Fractal/0.1"])
      #expect(headers["x-token"] == ["t"])
      #expect(headers["webhook-id"] == [event.id.description])
      let timestamp = try #require(headers.first(name: "webhook-timestamp").flatMap { Int64($0) })
      #expect(abs(timestamp - attempt.at.microseconds / 1_000_000) <= 1)
      let expected = WebhookSignature.header(
        id: event.id.description, timestamp: timestamp, body: Array(seen.body.utf8), secrets: [WebhookFixtures.secret])
      #expect(headers["webhook-signature"] == [expected])
    }
  }

  @Test("a Hummingbird receiver is answered for over one connection")
  func hummingbird() async throws {
    let bodies = Mutex<[String]>([])
    let ready = AsyncStream.makeStream(of: Int.self)
    let router = Router()
    router.post("hook") { request, _ in
      let buffer = try await request.body.collect(upTo: 65_536)
      bodies.withLock { $0.append(String(buffer: buffer)) }
      return HTTPResponse.Status.noContent
    }
    let application = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { ready.continuation.yield($0.localAddress?.port ?? 0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await application.run() }
      var ports = ready.stream.makeAsyncIterator()
      let port = try #require(await ports.next())
      try await WebhookFixtures.withSender { sender in
        let endpoint = WebhookFixtures.endpoint("http://127.0.0.1:\(port)/hook")
        for seq in Int64(1)...20 {
          let attempt = await sender.attempt(endpoint, event: WebhookFixtures.event(seq))
          #expect(attempt.status == 204)
        }
      }
      group.cancelAll()
    }
    #expect(bodies.withLock(\.count) == 20)
  }

  @Test("a redirect is an answer, not an invitation")
  func redirect() async throws {
    let target = try await WebhookScriptedServer { _, _ in .status(200) }
    let server = try await WebhookScriptedServer { [port = target.port] _, _ in
      .status(307, "location: http://127.0.0.1:\(port)/\r\n")
    }
    defer {
      server.close()
      target.close()
    }
    try await WebhookFixtures.withSender { sender in
      let attempt = await sender.attempt(
        WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/"), event: WebhookFixtures.event(1))
      #expect(attempt.status == 307)
      #expect(target.connections == 0)
    }
  }

  @Test("an endpoint that says nothing costs the deadline and no more")
  func timeout() async throws {
    let server = try await WebhookScriptedServer { _, _ in .hang }
    defer { server.close() }
    try await WebhookFixtures.withSender(WebhookFixtures.configuration(timeout: 0.5)) { sender in
      let attempt = await sender.attempt(
        WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/"), event: WebhookFixtures.event(1))
      #expect(attempt.error == "timeout")
      #expect(attempt.status == nil)
      #expect(attempt.latency >= .milliseconds(490))
      #expect(attempt.latency < .seconds(10))
      #expect(server.requests.count <= 1)
    }
  }

  @Test("a port where nobody listens is a failed connection")
  func refused() async throws {
    let server = try await WebhookScriptedServer { _, _ in .hang }
    let port = server.port
    server.close()
    try await WebhookFixtures.withSender { sender in
      try await WebhookFixtures.eventually("the port is free") {
        await sender.attempt(WebhookFixtures.endpoint("http://127.0.0.1:\(port)/"), event: WebhookFixtures.event(1))
          .error == "connection_failed"
      }
      let last = await sender.send(WebhookFixtures.event(1), to: WebhookFixtures.endpoint("http://127.0.0.1:\(port)/"))
      #expect(last.failure == .connectionFailed)
    }
  }

  @Test("a connection closed before any byte of an answer is tried once more, at once")
  func instantRetry() async throws {
    let server = try await WebhookScriptedServer { number, _ in number == 0 ? .close : .status(200) }
    defer { server.close() }
    try await WebhookFixtures.withSender { sender in
      let endpoint = WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/")
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(1)).status == 200)
      #expect(server.connections == 2)
    }
  }

  @Test("an endpoint that always closes is asked twice and no more")
  func closing() async throws {
    let server = try await WebhookScriptedServer { _, _ in .close }
    defer { server.close() }
    try await WebhookFixtures.withSender { sender in
      let endpoint = WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/")
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(1)).error == "connection_failed")
      #expect(server.requests.count == 2)
    }
  }

  @Test(
    "answers that are none are failures and not repeated at once",
    arguments: [
      ("SSH-2.0-OpenSSH\r\n", "bad_response"), ("HTTP/1.1 200 OK\r\ncontent-le", "bad_response"),
      ("HTTP/1.1 2", "bad_response"),
      ("HTTP/1.1 200 OK\r\nx: " + String(repeating: "y", count: 100_000) + "\r\n\r\n", "too_large"),
    ])
  func malformed(answer: String, error: String) async throws {
    let server = try await WebhookScriptedServer { _, _ in .bytesThenClose(answer) }
    defer { server.close() }
    try await WebhookFixtures.withSender { sender in
      let endpoint = WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/")
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(1)).error == error)
      #expect(server.requests.count == 1)
    }
  }

  @Test("a huge body is cut and its connection given up; the status counts")
  func hugeBody() async throws {
    let body = String(repeating: "z", count: 1_000_000)
    let server = try await WebhookScriptedServer { _, _ in .status(200, body: body) }
    defer { server.close() }
    try await WebhookFixtures.withSender { sender in
      let endpoint = WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/")
      for seq in Int64(1)...2 {
        let attempt = await sender.attempt(endpoint, event: WebhookFixtures.event(seq))
        #expect(attempt.status == 200)
        #expect(attempt.response == String(repeating: "z", count: 1_024))
      }
      #expect(server.connections == 2)
    }
  }

  @Test("a body that never ends does not outlive the deadline; the status counts")
  func slowBody() async throws {
    let server = try await WebhookScriptedServer { _, _ in .bytes("HTTP/1.1 202 X\r\ncontent-length: 10\r\n\r\nabc") }
    defer { server.close() }
    try await WebhookFixtures.withSender(WebhookFixtures.configuration(timeout: 4)) { sender in
      let attempt = await sender.attempt(
        WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/"), event: WebhookFixtures.event(1))
      #expect(attempt.status == 202)
      #expect(attempt.response == "abc")
      #expect(attempt.latency < .seconds(15))
    }
  }

  @Test("interim answers are passed over", arguments: ["HTTP/1.1 100 C\r\n\r\n", "HTTP/1.1 103 E\r\nlink: x\r\n\r\n"])
  func interim(first: String) async throws {
    let server = try await WebhookScriptedServer { _, _ in
      .bytes(first + "HTTP/1.1 201 X\r\ncontent-length: 0\r\n\r\n")
    }
    defer { server.close() }
    try await WebhookFixtures.withSender { sender in
      let endpoint = WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/")
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(1)).status == 201)
    }
  }

  @Test(
    "a connection is used again where the endpoint leaves it open, and only there",
    arguments: [
      (WebhookScriptedServer.Reply.status(200), 1), (.status(200, "connection: close\r\n"), 3),
      (.bytesThenClose("HTTP/1.1 200 X\r\n\r\nto the end"), 3),
      (.bytes("HTTP/1.0 200 X\r\ncontent-length: 0\r\n\r\n"), 3),
    ])
  func reuse(reply: WebhookScriptedServer.Reply, connections: Int) async throws {
    let server = try await WebhookScriptedServer { _, _ in reply }
    defer { server.close() }
    try await WebhookFixtures.withSender { sender in
      let endpoint = WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/")
      for seq in Int64(1)...3 {
        #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(seq)).status == 200)
      }
      #expect(server.connections == connections)
    }
  }

  @Test("a pooled connection that died is replaced within the attempt")
  func stale() async throws {
    let server = try await WebhookScriptedServer { number, _ in number == 1 ? .close : .status(200) }
    defer { server.close() }
    try await WebhookFixtures.withSender { sender in
      let endpoint = WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/")
      for seq in Int64(1)...2 {
        #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(seq)).status == 200)
      }
      #expect(server.requests.map(\.connection) == [1, 1, 2])
    }
  }

  @Test("an endpoint whose URL is none fails in words", arguments: ["", "ftp://example.com/", "http://a b/"])
  func invalid(url: String) async throws {
    try await WebhookFixtures.withSender { sender in
      #expect(
        await sender.attempt(WebhookFixtures.endpoint(url), event: WebhookFixtures.event(1)).error == "invalid_url")
    }
  }

  @Test("a closed sender interrupts what is under way and refuses what comes")
  func close() async throws {
    let server = try await WebhookScriptedServer { _, _ in .hang }
    defer { server.close() }
    try await WebhookFixtures.withSender { sender in
      let endpoint = WebhookFixtures.endpoint("http://127.0.0.1:\(server.port)/")
      async let underWay = sender.attempt(endpoint, event: WebhookFixtures.event(1))
      try await WebhookFixtures.eventually("the request is there") { server.requests.count == 1 }
      sender.close()
      #expect(await underWay.error == "interrupted")
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(2)).error == "interrupted")
    }
  }
}
