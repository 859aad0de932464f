// `GET /api/events`, `GET /api/channels` and `/api/keys`, against a running gateway.

import ChannelProtocol
import Foundation
import HTTPTypes
import Storage
import Testing

@testable import Gateway

@Suite("Events, channels and keys", .serialized)
struct EventTests {
  @Test("the log is read from a number on, by types, and page by page; what is not kept is gone")
  func reading() async throws {
    try await WholeGateway.run { gateway in
      for text in ["one", "two", "three"] {
        try await gateway.textIn(["from": "+14155550161", "to": "+15005550006", "body": .string(text)])
      }
      let all = try await gateway.call("GET", "/api/events")
      let seqs = all.json["data"]?.arrayValue?.compactMap { $0["seq"]?.integerValue } ?? []
      #expect(seqs.count >= 6 && seqs == seqs.sorted() && all.json["last"]?.integerValue == seqs.last)
      let new = try await gateway.call("GET", "/api/events?types=message.new&limit=2")
      let bodies = new.json["data"]?.arrayValue?.compactMap { $0["data"]?["body"]?.stringValue }
      #expect(bodies == ["one", "two"])
      let last = try #require(new.json["last"]?.integerValue)
      let epoch = try #require(all.json["epoch"]?.stringValue)
      let rest = try await gateway.call("GET", "/api/events?types=message.new&after=\(last)&epoch=\(epoch)")
      #expect(rest.json["data"]?.arrayValue?.compactMap { $0["data"]?["body"]?.stringValue } == ["three"])
      for path in ["after=999999999", "after=0&epoch=01900000-0000-7000-8000-000000000000"] {
        let gone = try await gateway.call("GET", "/api/events?\(path)")
        #expect(gone.status == 410 && gone.json["oldest"]?.integerValue == 0 && gone.json["code"] == "events_gone")
      }
      for path in ["types=message.lost", "after=-1", "after=x", "wait=61", "limit=0", "epoch=x", "x=1"] {
        #expect(try await gateway.call("GET", "/api/events?\(path)").status == 422, "\(path)")
      }
    }
  }

  @Test("a request that waits is answered by the commit it waits for, and when its time is over")
  func waiting() async throws {
    try await WholeGateway.run { gateway in
      let last = try await gateway.call("GET", "/api/events").json["last"]?.integerValue ?? 0
      async let waiting = gateway.call("GET", "/api/events?after=\(last)&types=message.new&wait=30")
      async let empty = gateway.call("GET", "/api/events?after=\(last)&types=webhook.disabled&wait=1")
      try await gateway.textIn(["from": "+14155550162", "to": "+15005550006", "body": "awaited"])
      let found = try await waiting
      #expect(found.json["data"]?.arrayValue?.first?["data"]?["body"] == "awaited")
      let nothing = try await empty
      #expect(nothing.status == 200 && nothing.json["data"] == .array([]))
      #expect(
        (nothing.json["last"]?.integerValue ?? 0) > last, "what it looked through need not be looked through again")
    }
  }

  @Test("a channel's health is what the provider said to the last calls")
  func health() async throws {
    try await WholeGateway.run { gateway in
      let channels = try await gateway.call("GET", "/api/channels")
      #expect(channels.json["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["sms", "mms", "whatsapp"])
      #expect(try await gateway.call("GET", "/api/channels/sms").json["health"]?["status"] == "ok")
      #expect(try await gateway.call("GET", "/api/channels/pigeon").status == 404)
      try await gateway.chaos(#"{"failSends":{"count":1,"status":401,"code":20003}}"#)
      _ = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550163","channel":"sms","body":"x"}"#)
      let sick = try await gateway.eventually("/api/channels/sms") { $0["health"]?["status"] != "ok" }
      #expect(sick["health"]?["detail"]?.stringValue?.isEmpty == false)
      #expect(try await gateway.call("GET", "/api/channels/whatsapp").json["health"]?["status"] == "ok")
    }
  }

  @Test("a key is shown once, grants no more than its maker has, and is noted when it is used")
  func keys() async throws {
    try await WholeGateway.run { gateway in
      func make(_ json: String, key: String? = nil) async throws -> WholeGateway.Answer {
        try await gateway.call("POST", "/api/keys", json: json, key: key)
      }
      let made = try await make(#"{"name":"manager","scopes":["manage","read"]}"#)
      let key = try #require(made.json["key"]?.stringValue)
      let id = try #require(made.json["id"]?.stringValue)
      #expect(made.status == 201 && made.headers["location"] == "/api/keys/\(id)")
      #expect(made.headers["cache-control"] == "no-store")
      let shown = try await gateway.call("GET", "/api/keys/\(id)")
      #expect(shown.json["key"] == nil && shown.json["lastUsedAt"]?.isNull == true && !shown.text.contains(key))
      let more = try await make(#"{"name":"x","scopes":["send"]}"#, key: key)
      #expect(more.status == 403 && more.json["code"] == "missing_scope")
      #expect(try await make(#"{"name":"x","scopes":["read"]}"#, key: key).status == 201)
      let used = try await gateway.call("GET", "/api/keys/\(id)")
      #expect(used.json["lastUsedAt"]?.stringValue != nil)
      let soon = try await make(#"{"name":"late","scopes":["read"],"expiresAt":"2020-01-01T00:00:00Z"}"#)
      #expect(soon.status == 422)
      for body in [
        "{}", #"{"name":"","scopes":["read"]}"#, #"{"name":"x","scopes":[]}"#, #"{"name":"x","scopes":["root"]}"#,
      ] {
        #expect(try await make(body).status == 422, "\(body)")
      }
      #expect(try await gateway.call("DELETE", "/api/keys/\(id)").status == 204)
      #expect(try await gateway.call("GET", "/api/keys", key: key).status == 401)
      #expect(try await gateway.call("DELETE", "/api/keys/\(id)").status == 404)
    }
  }

  @Test("every route refuses who has no key, and who lacks its scope")
  func scopes() async throws {
    try await WholeGateway.run { gateway in
      var keys: [String: String] = [:]
      for scope in ["read", "send", "manage"] {
        keys[scope] = try await gateway.call(
          "POST", "/api/keys", json: "{\"name\":\"\(scope)\",\"scopes\":[\"\(scope)\"]}"
        ).json["key"]?.stringValue
      }
      try #require(keys.count == 3)
      var visited = 0
      for route in gateway.routes {
        guard let scope = route.scope?.rawValue else { continue }
        visited += 1
        let path = route.path.split(separator: "/").map {
          $0.first == ":" ? "01900000-0000-7000-8000-000000000000" : $0
        }
        .map(String.init).joined(separator: "/")
        let method = route.method.rawValue
        let none = try await WholeGateway.exchange(method, "\(gateway.base)/\(path)")
        #expect(none.status == 401 && none.headers["www-authenticate"] != nil, "\(method) \(path)")
        for (other, key) in keys where other != scope {
          let answer = try await gateway.call(method, "/\(path)", key: key)
          #expect(answer.status == 403 && answer.json["code"] == "missing_scope", "\(method) \(path) with \(other)")
        }
        guard route.path.contains("/:"), route.path.contains("/:id") || route.path.contains("/:sid") else { continue }
        let unknown = try await gateway.call(method, "/\(path)", json: method == "GET" ? nil : "{}", key: keys[scope])
        #expect([404, 422].contains(unknown.status), "\(method) \(path) is \(unknown.status)")
      }
      #expect(visited >= 40)
    }
  }
}
