// The conventions of the API, against a running gateway.

import AsyncHTTPClient
import ChannelProtocol
import Foundation
import Synchronization
import Testing

@testable import Gateway

@Suite("The API's conventions", .serialized)
struct ConventionTests {
  private static let message = #"{"to":"+14155550151","channel":"sms","body":"once"}"#

  @Test("a repeated Idempotency-Key gives the first answer, whatever it was")
  func idempotency() async throws {
    try await WholeGateway.run { gateway in
      func send(_ body: String, _ key: String) async throws -> WholeGateway.Answer {
        try await gateway.call("POST", "/api/messages", json: body, headers: [("Idempotency-Key", key)])
      }
      let first = try await send(Self.message, "a")
      let again = try await send(Self.message, "a")
      #expect(first.status == 202 && first.headers["idempotency-replayed"] == nil)
      #expect(again.status == 202 && again.headers["idempotency-replayed"] == "true" && again.text == first.text)
      #expect(again.headers["location"] == first.headers["location"])
      #expect(again.headers["content-type"] == "application/json")
      let other = try await send(Self.message + " ", "a")
      #expect(other.status == 422 && other.json["code"] == "idempotency_key_reused")
      let refused = try await send("{}", "b")
      let refusedAgain = try await send("{}", "b")
      #expect(refused.status == 422 && refusedAgain.headers["idempotency-replayed"] == "true")
      #expect(refusedAgain.text == refused.text)
      #expect(try await send(Self.message, "").status == 422)
      #expect(try await send(Self.message, String(repeating: "x", count: 256)).status == 422)
      #expect(try await send(Self.message, String(repeating: "x", count: 255)).status == 202)
      try await keysOfOthers(gateway)
      #expect(try await gateway.bodies(to: "+14155550151") == 3)
    }
  }

  /// A key is its owner's, and what shows a secret shows it again.
  private func keysOfOthers(_ gateway: WholeGateway) async throws {
    let wish = #"{"name":"other","scopes":["read","send"]}"#
    let made = try await gateway.call("POST", "/api/keys", json: wish, headers: [("Idempotency-Key", "k")])
    let again = try await gateway.call("POST", "/api/keys", json: wish, headers: [("Idempotency-Key", "k")])
    let key = try #require(made.json["key"]?.stringValue)
    #expect(again.json["key"]?.stringValue == key && again.json["id"] == made.json["id"])
    let others = try await gateway.call(
      "POST", "/api/messages", json: Self.message, key: key, headers: [("Idempotency-Key", "a")])
    #expect(others.status == 202 && others.headers["idempotency-replayed"] == nil)
    let forbidden = try await gateway.call(
      "POST", "/api/keys", json: wish, key: key, headers: [("Idempotency-Key", "z")])
    #expect(forbidden.status == 403)
  }

  @Test("of fifty duplicates at once on two nodes one makes a message, and all get that one or are asked to wait")
  func concurrentDuplicates() async throws {
    try await WholeGateway.runTwo { first, second in
      let answers = try await withThrowingTaskGroup(of: WholeGateway.Answer.self) { group in
        for index in 0..<50 {
          let gateway = index % 2 == 0 ? first : second
          group.addTask {
            try await gateway.call(
              "POST", "/api/messages", json: Self.message, headers: [("Idempotency-Key", "fifty")])
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.allSatisfy { $0.status == 202 || $0.status == 409 })
      #expect(Set(answers.filter { $0.status == 202 }.compactMap { $0.json["id"]?.stringValue }).count == 1)
      #expect(answers.filter { $0.status == 202 && $0.headers["idempotency-replayed"] == nil }.count == 1)
      let waiting = answers.first { $0.status == 409 }
      #expect(waiting.map { $0.json["code"] == "request_in_flight" && $0.headers["retry-after"] == "1" } ?? true)
      #expect(try await second.bodies(to: "+14155550151") == 1)
      try await revocation(first, second)
    }
  }

  /// A key that one node takes back is none on the other, at once.
  private func revocation(_ first: WholeGateway, _ second: WholeGateway) async throws {
    let made = try await first.call("POST", "/api/keys", json: #"{"name":"short","scopes":["read"]}"#)
    let key = try #require(made.json["key"]?.stringValue)
    let id = try #require(made.json["id"]?.stringValue)
    #expect(try await second.call("GET", "/api/channels", key: key).status == 200)
    #expect(try await first.call("DELETE", "/api/keys/\(id)").status == 204)
    #expect(try await second.call("GET", "/api/channels", key: key).status == 401)
    #expect(try await second.call("GET", "/api/keys/\(id)").status == 404)
  }

  @Test("after a crash between a message's commit and its answer, the repeated request finds the message")
  func crash() async throws {
    try await WholeGateway.run { gateway in
      let headers = [("Idempotency-Key", "crashed")]
      let first = try await gateway.call("POST", "/api/messages", json: Self.message, headers: headers)
      // What a crash leaves: the message, and a row that nobody has answered, its lease over.
      try await gateway.query(
        "UPDATE idempotency_keys SET status = NULL, answer = NULL, lease_until = now() WHERE key = 'crashed'")
      let again = try await gateway.call("POST", "/api/messages", json: Self.message, headers: headers)
      #expect(again.status == 202 && again.json["id"] == first.json["id"])
      #expect(again.headers["idempotency-replayed"] == nil, "nobody has given this answer before")
      let third = try await gateway.call("POST", "/api/messages", json: Self.message, headers: headers)
      #expect(third.headers["idempotency-replayed"] == "true" && third.json["id"] == first.json["id"])
      #expect(try await gateway.bodies(to: "+14155550151") == 1)
    }
  }

  @Test("after such a crash contacts, addresses, merges, files and replays are found too, and not made again")
  func crashOfOthers() async throws {
    try await WholeGateway.run { gateway in
      let contact = try await repeated(gateway, "/api/contacts", #"{"name":"Ada"}"#)
      #expect(contact.first.json["id"] == contact.second.json["id"] && contact.second.status == 201)
      #expect(try await gateway.call("GET", "/api/contacts").json["data"]?.arrayValue?.count == 1)
      let id = contact.first.json["id"]?.stringValue ?? ""
      let channel = try await repeated(
        gateway, "/api/contacts/\(id)/channels", #"{"type":"sms","address":"+14155550152"}"#)
      #expect(channel.second.status == 201 && channel.first.text == channel.second.text, "\(channel.second.text)")
      let other = try await gateway.call("POST", "/api/contacts", json: "{}").json["id"]?.stringValue ?? ""
      let merge = try await repeated(gateway, "/api/contacts/\(id)/merge", "{\"from\":\"\(other)\"}")
      #expect(merge.second.status == 200 && merge.first.text == merge.second.text, "\(merge.second.text)")
      let file = try await repeated(gateway, "/api/media", "bytes", type: "text/plain")
      #expect(file.second.status == 201 && file.first.text == file.second.text, "\(file.second.text)")
      try await gateway.textIn(["from": "+14155550153", "to": "+15005550006", "body": "to be replayed"])
      _ = try await gateway.eventually("/api/events?types=message.new") { $0["data"]?.arrayValue?.count == 1 }
      let hook = try await gateway.call(
        "POST", "/api/webhooks", json: #"{"url":"http://127.0.0.1:1/","events":["message.new"]}"#)
      let path = "/api/webhooks/\(hook.json["id"]?.stringValue ?? "")"
      let replay = try await repeated(gateway, "\(path)/replay", #"{"since":"2020-01-01T00:00:00Z"}"#)
      #expect(replay.first.json["count"]?.integerValue == 1 && replay.second.status == 202, "\(replay.second.text)")
      _ = try await gateway.eventually("\(path)/deliveries") { $0["data"]?.arrayValue?.isEmpty == false }
      #expect(try await gateway.call("GET", "\(path)/deliveries").json["data"]?.arrayValue?.count == 1)
    }
  }

  @Test("where no body is wanted, one that says nothing is as good as none, with an Idempotency-Key too")
  func emptyObject() async throws {
    try await WholeGateway.run { gateway in
      let hook = try await gateway.call("POST", "/api/webhooks", json: #"{"url":"http://127.0.0.1:1/"}"#)
      let path = "/api/webhooks/\(hook.json["id"]?.stringValue ?? "")"
      for path in ["\(path)/rotate-secret", "\(path)/test", "/api/templates/sync"] {
        for (key, body) in [(nil, "{}"), ("a", "{}"), ("b", nil)] as [(String?, String?)] {
          let answer = try await gateway.call(
            "POST", path, json: body, headers: key.map { [("Idempotency-Key", $0)] } ?? [])
          #expect(answer.status == 200, "\(path) \(key ?? "") \(body ?? "") \(answer.text)")
        }
        let wrong = try await gateway.call("POST", path, json: #"{"x":1}"#, headers: [("Idempotency-Key", "c")])
        #expect(wrong.status == 422, "\(path) \(wrong.text)")
      }
    }
  }

  /// The same request before and after a crash that took its answer.
  private func repeated(
    _ gateway: WholeGateway, _ path: String, _ body: String, type: String = "application/json"
  ) async throws -> (first: WholeGateway.Answer, second: WholeGateway.Answer) {
    let headers = [("Idempotency-Key", path), ("Content-Type", type)]
    let first = try await gateway.call("POST", path, json: body, headers: headers)
    try await gateway.query(
      "UPDATE idempotency_keys SET status = NULL, answer = NULL, lease_until = now() WHERE key = '\(path)'")
    return (first, try await gateway.call("POST", path, json: body, headers: headers))
  }

  @Test("each key has its rate; every answer says what is left of it")
  func rates() async throws {
    try await WholeGateway.run(settings: { $0.configuration.limits = .init(requestsPerSecond: 0.5, burst: 3) }) {
      gateway in
      var answers: [WholeGateway.Answer] = []
      for path in ["/api/channels", "/api/messages/nothing", "/api/channels", "/api/channels"] {
        answers.append(try await gateway.call("GET", path))
      }
      #expect(answers.map(\.status) == [200, 404, 200, 429])
      #expect(answers.map { $0.headers["ratelimit-remaining"] } == ["2", "1", "0", "0"])
      #expect(answers.allSatisfy { $0.headers["ratelimit-limit"] == "3" && $0.headers["ratelimit-reset"] != nil })
      #expect(answers[3].headers["retry-after"] == "2" && answers[3].json["code"] == "rate_limited")
      let wrong = try await gateway.call("GET", "/api/channels", key: "fk_wrong")
      #expect(wrong.status == 401 && wrong.headers["ratelimit-limit"] == nil)
    }
  }

  @Test("who tries keys is told to wait, and who has one is not")
  func guessing() async throws {
    try await WholeGateway.run { gateway in
      #expect(try await gateway.call("GET", "/api/channels").status == 200)
      var statuses: [Int] = []
      for index in 0...FailedAuthentications.burst + 5 {
        statuses.append(try await gateway.call("GET", "/api/channels", key: "fk_\(index)").status)
      }
      #expect(statuses.prefix(FailedAuthentications.burst).allSatisfy { $0 == 401 })
      #expect(statuses.contains(429))
      #expect(try await gateway.call("GET", "/api/channels").status == 200)
    }
  }

  @Test("single resources have a tag, which spares an answer and guards a change")
  func tags() async throws {
    try await WholeGateway.run { gateway in
      let made = try await gateway.call("POST", "/api/contacts", json: #"{"name":"Ada"}"#)
      let path = "/api/contacts/\(made.json["id"]?.stringValue ?? "")"
      let found = try await gateway.call("GET", path)
      let tag = try #require(found.headers["etag"])
      let known = try await gateway.call("GET", path, headers: [("If-None-Match", tag)])
      #expect(known.status == 304 && known.text.isEmpty && known.headers["etag"] == tag)
      #expect(try await gateway.call("HEAD", path).headers["etag"] == tag)
      let change = #"{"name":"Ada Lovelace"}"#
      #expect(try await gateway.call("PUT", path, json: change, headers: [("If-Match", tag)]).status == 200)
      let stale = try await gateway.call("PUT", path, json: change, headers: [("If-Match", tag)])
      #expect(stale.status == 412 && stale.json["code"] == "precondition_failed")
      #expect(try await gateway.call("DELETE", path, headers: [("If-Match", tag)]).status == 412)
      #expect(try await gateway.call("GET", path, headers: [("If-None-Match", tag)]).status == 200)
      #expect(try await gateway.call("DELETE", path, headers: [("If-Match", "*")]).status == 204)
      #expect(try await gateway.call("DELETE", path, headers: [("If-Match", "*")]).status == 404)
    }
  }

  @Test("pages of the configured origins may call from a browser, and no others")
  func crossOrigin() async throws {
    try await WholeGateway.run(settings: { $0.configuration.server.corsOrigins = ["https://app.example.com"] }) {
      gateway in
      let page = ("Origin", "https://app.example.com")
      let asked = try await WholeGateway.exchange(
        "OPTIONS", gateway.base + "/api/messages", headers: [page, ("Access-Control-Request-Method", "POST")])
      #expect(asked.status == 204 && asked.headers["access-control-allow-origin"] == "https://app.example.com")
      #expect(asked.headers["access-control-allow-methods"]?.contains("POST") == true)
      #expect(asked.headers["access-control-allow-headers"]?.contains("Idempotency-Key") == true)
      #expect(asked.headers["access-control-allow-headers"]?.contains("If-Range, Range") == true)
      let called = try await gateway.call("GET", "/api/channels", headers: [page])
      #expect(called.headers["access-control-allow-origin"] == "https://app.example.com")
      #expect(called.headers["access-control-expose-headers"]?.contains("ETag") == true)
      #expect(
        called.headers["access-control-expose-headers"]?.contains("Content-Disposition, Content-Range") == true)
      let provider = try await WholeGateway.exchange("OPTIONS", gateway.base + "/webhooks/twilio/incoming")
      #expect(provider.status == 204 && provider.headers["allow"] == "GET, OPTIONS, POST", "\(provider.text)")
      let refused = try await gateway.call("GET", "/api/channels", key: "fk_x", headers: [page])
      #expect(refused.status == 401 && refused.headers["access-control-allow-origin"] != nil, "errors are readable too")
      let other = try await gateway.call("GET", "/api/channels", headers: [("Origin", "https://evil.example")])
      #expect(other.status == 200 && other.headers["access-control-allow-origin"] == nil)
      #expect(other.headers["vary"]?.contains("Origin") == true)
    }
  }

  @Test("long answers are compressed for those who take it")
  func compression() async throws {
    try await WholeGateway.run { gateway in
      // One that leaves answers as they come.
      let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .init(decompression: .disabled))
      defer { client.shutdown { _ in } }
      func get(_ path: String, _ headers: [(String, String)] = []) async throws -> WholeGateway.FileAnswer {
        try await WholeGateway.file(gateway.base + path, headers: headers, client: client)
      }
      let plain = try await get("/openapi.json")
      let gzip = try await get("/openapi.json", [("Accept-Encoding", "gzip")])
      #expect(plain.headers["content-encoding"] == nil && plain.headers["vary"] == "Accept-Encoding")
      #expect(gzip.headers["content-encoding"] == "gzip" && gzip.bytes.count < plain.bytes.count / 4)
      #expect(gzip.bytes.prefix(2) == [0x1F, 0x8B])
      let tag = try #require(gzip.headers["etag"])
      #expect(tag != plain.headers["etag"])
      #expect(try await get("/openapi.json", [("Accept-Encoding", "gzip"), ("If-None-Match", tag)]).status == 304)
      let short = try await get("/health", [("Accept-Encoding", "gzip")])
      #expect(short.headers["content-encoding"] == nil)
    }
  }

  @Test("JSON must be what it says, and nothing that two readers could read in two ways")
  func bodies() async throws {
    try await WholeGateway.run { gateway in
      func post(_ json: String, _ type: String = "application/json") async throws -> WholeGateway.Answer {
        try await gateway.call("POST", "/api/contacts", json: json, headers: [("Content-Type", type)])
      }
      for type in ["application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"] {
        #expect(try await post("{}", type).status == 201, "\(type)")
      }
      for type in ["text/plain", "application/json; charset=utf-16", "application/x-www-form-urlencoded"] {
        #expect(try await post("{}", type).status == 415, "\(type)")
      }
      let compressed = try await gateway.call(
        "POST", "/api/contacts", json: "{}", headers: [("Content-Encoding", "gzip")])
      #expect(compressed.status == 415)
      #expect(try await post("[]").status == 422)
      #expect(try await post(#"{"name":"#).status == 400)
      let twice = try await post(#"{"name":"a","name":"b"}"#)
      #expect(twice.status == 422 && twice.json["errors"]?.arrayValue?.first?["field"] == "name")
      let large = try await post(#"{"attributes":{"a":1e999}}"#)
      #expect(large.status == 422 && large.json["errors"]?.arrayValue?.first?["field"] == "attributes.a")
      let deep = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
      #expect(try await post("{\"attributes\":{\"a\":\(deep)}}").status == 400)
      #expect(try await post(#"{"nickname":"a"}"#).status == 422)
    }
  }
}
