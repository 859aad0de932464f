// Requests in the log, and their ids in answers.

import ChannelProtocol
import Foundation
import Logging
import Testing

@testable import Gateway

@Suite("Requests in the log", .serialized)
struct RequestLogTests {
  @Test("each request of the API is one line: the route, what came of it, and nothing of what it said")
  func lines() async throws {
    let log = CollectedLog()
    try await WholeGateway.run(settings: { $0.logger = log.logger() }) { gateway in
      let to = "+14155550166"
      let sent = try await gateway.call(
        "POST", "/api/messages", json: "{\"to\":\"\(to)\",\"channel\":\"sms\",\"body\":\"secret words\"}",
        headers: [("X-Request-Id", "sent-1")])
      let id = try #require(sent.json["id"]?.stringValue)
      _ = try await gateway.call("GET", "/api/messages/\(id)?include=raw", headers: [("X-Request-Id", "read-1")])
      _ = try await gateway.call("GET", "/api/contacts?search=%2B14155550166", headers: [("X-Request-Id", "search-1")])
      _ = try await gateway.call("GET", "/nowhere/\(id)", headers: [("X-Request-Id", "lost-1")])
      for (request, method, route, status) in [
        ("sent-1", "POST", "/api/messages", "202"), ("read-1", "GET", "/api/messages/{id}", "200"),
        ("search-1", "GET", "/api/contacts", "200"), ("lost-1", "GET", "none", "404"),
      ] {
        let lines = log.lines(of: request)
        #expect(lines.count == 1, "\(request): \(lines)")
        let line = try #require(lines.first)
        #expect(line.message == "request" && line.level == .info)
        #expect(line.metadata["method"] == method && line.metadata["status"] == status, "\(line)")
        #expect(line.metadata["route"] == route, "\(line)")
        #expect(line.metadata["client"] == "127.0.0.1")
        #expect(line.metadata["ms"].flatMap { Double($0) } ?? -1 >= 0)
        #expect(line.metadata["bytes"].flatMap { Int($0) } ?? 0 > 0)
      }
      let all = log.lines.map { "\($0)" }.joined()
      for secret in [gateway.key, "secret words", "4155550166", id] {
        #expect(!all.contains(secret), "\(secret) stands in the log")
      }
      _ = try await gateway.call("GET", "/health", headers: [("X-Request-Id", "health-1")])
      #expect(log.lines(of: "health-1").isEmpty, "those who watch us would fill the log")
    }
  }

  @Test("whatever is logged while a request is answered has its id, and what went wrong says nothing to the client")
  func failures() async throws {
    let log = CollectedLog()
    try await WholeGateway.run(settings: { $0.logger = log.logger(.debug) }) { gateway in
      try await gateway.query("ALTER TABLE templates RENAME TO hidden_templates")
      let broken = try await gateway.call("GET", "/api/templates", headers: [("X-Request-Id", "broken-1")])
      #expect(broken.status == 500 && broken.json["code"] == "internal_error", "\(broken.text)")
      #expect(!broken.text.contains("templates"))
      #expect(log.lines(of: "broken-1").map(\.level) == [.error, .info], "\(log.lines(of: "broken-1"))")
      // A line of a part that knows nothing of requests: the use of a key cannot be noted.
      try await gateway.query("ALTER TABLE api_keys ADD CONSTRAINT never_used CHECK (last_used_at < 'epoch') NOT VALID")
      try await gateway.query("UPDATE api_keys SET last_used_at = NULL")
      let unnoted = try await gateway.call("GET", "/api/channels", headers: [("X-Request-Id", "unnoted-1")])
      #expect(unnoted.status == 200)
      #expect(log.lines(of: "unnoted-1").contains { $0.message == "a key's use was not noted" }, "\(log.lines)")
    }
  }

  @Test("requests of providers are told to those who want to hear of each, and not to others")
  func providers() async throws {
    for level in [Logger.Level.info, .debug] {
      let log = CollectedLog()
      try await WholeGateway.run(settings: { $0.logger = log.logger(level) }) { gateway in
        try await gateway.textIn(["from": "+14155550190", "to": "+15005550006", "body": "secret words"])
        _ = try await gateway.eventually("/api/messages?limit=1") { !($0["data"]?.arrayValue ?? []).isEmpty }
        let lines = log.lines.filter { $0.metadata["route"] == "provider" }
        #expect(level == .info ? lines.isEmpty : lines.contains { $0.metadata["status"] == "200" }, "\(lines)")
        #expect(lines.allSatisfy { $0.metadata["request"]?.count == 36 })
        #expect(!"\(log.lines)".contains("4155550190") && !"\(log.lines)".contains("secret words"))
      }
    }
  }

  @Test("the log's provider gives the id of the request that is being answered, and nothing beside one")
  func provider() async {
    #expect(RequestID.logged.get().isEmpty)
    await RequestID.$current.withValue("r-1") {
      await Task { #expect(RequestID.logged.get()["request"] == "r-1") }.value
    }
  }

  @Test("every answer has an id: the client's where it is sane, ours where it is not")
  func ids() async throws {
    try await WholeGateway.run { gateway in
      for path in [
        "/api/channels", "/nowhere", "/health", "/metrics", "/docs", "/ws", "/socket.io/?EIO=4&transport=polling",
        "/socket.io/?EIO=3&transport=polling", "/webhooks/twilio/incoming", "/media/x/y",
      ] {
        for (given, isTaken) in [("mine-1", true), ("with spaces", false), (String(repeating: "x", count: 129), false)]
        {
          let answer = try await WholeGateway.exchange(
            "GET", gateway.base + path, headers: [("X-Request-Id", given)])
          let id = answer.headers["x-request-id"] ?? ""
          #expect(isTaken ? id == given : id != given && !id.isEmpty, "\(path): \(id)")
        }
        let answer = try await WholeGateway.exchange("GET", gateway.base + path)
        #expect(answer.headers["x-request-id"]?.isEmpty == false, "\(path)")
      }
    }
  }
}
