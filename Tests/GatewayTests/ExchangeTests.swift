// What goes beside the resources: unwanted bodies, files as they are, keys that end while a request waits.

import AsyncHTTPClient
import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("Bodies, files and waiting requests", .serialized)
struct ExchangeTests {
  @Test("a body where none is wanted is refused, unless it says nothing")
  func unwantedBodies() async throws {
    try await WholeGateway.run { gateway in
      let paths = [
        ("POST", "/api/templates/sync"), ("PATCH", "/api/conversations/x/read"), ("POST", "/api/webhooks/x/test"),
        ("POST", "/api/webhooks/x/rotate-secret"), ("POST", "/api/deliveries/x/retry"), ("DELETE", "/api/contacts/x"),
        ("DELETE", "/api/messages/x"), ("DELETE", "/api/keys/x"), ("DELETE", "/api/webhooks/x"),
      ]
      for (method, path) in paths {
        let refused = try await gateway.call(method, path, json: #"{"x":1}"#)
        #expect(refused.status == 422 && refused.json["errors"]?.arrayValue?.first?["field"] == "x", "\(path)")
        #expect(try await gateway.call(method, path, json: "{").status == 400, "\(path)")
        let type = try await gateway.call(method, path, json: "x", headers: [("Content-Type", "text/plain")])
        #expect(type.status == 415, "\(path)")
        guard path.contains("/x") else { continue }
        #expect(try await gateway.call(method, path, json: "{}").status == 404, "\(path)")
      }
      let packed = try await gateway.call(
        "POST", "/api/media", json: "x", headers: [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")])
      #expect(packed.status == 415)
    }
  }

  @Test("files are given as they are: their own tag, their length, and never compressed")
  func files() async throws {
    try await WholeGateway.run { gateway in
      let text = "[\(String(repeating: "1,", count: 2_000))1]"
      for type in ["application/json", "text/plain"] {
        let made = try await gateway.call("POST", "/api/media", json: text, headers: [("Content-Type", type)])
        let path = "/api/media/\(made.json["id"]?.stringValue ?? "")"
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .init(decompression: .disabled))
        defer { client.shutdown { _ in } }
        func get(_ method: String, _ headers: [(String, String)] = []) async throws -> WholeGateway.FileAnswer {
          try await WholeGateway.file(
            gateway.base + path, method: method,
            headers: [("Authorization", "Bearer \(gateway.key)"), ("Accept-Encoding", "gzip")] + headers,
            client: client)
        }
        let whole = try await get("GET")
        let head = try await get("HEAD")
        let part = try await get("GET", [("Range", "bytes=0-1999")])
        #expect(whole.headers["content-encoding"] == nil && whole.bytes == Array(text.utf8))
        #expect(head.headers["content-length"] == "\(text.utf8.count)" && head.headers["etag"] == whole.headers["etag"])
        #expect(part.status == 206 && part.bytes == Array(text.utf8.prefix(2_000)))
        #expect(part.headers["content-encoding"] == nil)
        #expect(try await get("GET", [("If-None-Match", whole.headers["etag"] ?? "")]).status == 304)
      }
    }
  }

  @Test("a key that is taken back while its request waits gets nothing any more")
  func revokedWhileWaiting() async throws {
    try await WholeGateway.run { gateway in
      let made = try await gateway.call("POST", "/api/keys", json: #"{"name":"short","scopes":["read"]}"#)
      let key = try #require(made.json["key"]?.stringValue)
      let last = try await gateway.call("GET", "/api/events", key: key).json["last"]?.integerValue ?? 0
      async let waiting = gateway.call("GET", "/api/events?after=\(last)&wait=30", key: key)
      let id = made.json["id"]?.stringValue ?? ""
      // It has been let in once its use is noted.
      _ = try await gateway.eventually("/api/keys/\(id)") { $0["lastUsedAt"] != JSONValue.null }
      #expect(try await gateway.call("DELETE", "/api/keys/\(id)").status == 204)
      try await gateway.textIn(["from": "+14155550173", "to": "+15005550006", "body": "not for them"])
      let answer = try await waiting
      #expect(answer.status == 401 && !answer.text.contains("not for them"))
    }
  }
}
