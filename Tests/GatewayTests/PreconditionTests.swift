// `If-Match` between changes that come at once.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("Changes with If-Match", .serialized)
struct PreconditionTests {
  @Test("of twenty changes at once on two nodes with the same tag one is made, and nineteen are told so")
  func race() async throws {
    try await WholeGateway.runTwo { first, second in
      let contact = try await id(of: first.call("POST", "/api/contacts", json: #"{"name":"Ada"}"#))
      let contacts = try await changes("PUT", "/api/contacts/\(contact)", first, second) { "{\"name\":\"n\($0)\"}" }
      let name = try await first.call("GET", "/api/contacts/\(contact)").json["name"]?.stringValue
      #expect(contacts.first { $0.status == 200 }?.json["name"]?.stringValue == name, "what was answered stands")

      let hook = #"{"url":"http://127.0.0.1:1/"}"#
      let webhook = try await id(of: first.call("POST", "/api/webhooks", json: hook))
      _ = try await changes("PATCH", "/api/webhooks/\(webhook)", first, second) { "{\"description\":\"n\($0)\"}" }

      let day = (SystemClock().now() + .seconds(86_400)).description
      let later = #"{"to":"+14155550173","channel":"sms","body":"x","scheduledAt":"\#(day)"}"#
      let message = try await id(of: first.call("POST", "/api/messages", json: later))
      let canceled = try await changes("DELETE", "/api/messages/\(message)", first, second) { _ in "{}" }
      #expect(canceled.first { $0.status == 200 }?.json["status"] == "canceled")

      let opened = try await id(
        of: first.call("POST", "/api/conversations", json: #"{"channel":"sms","to":"+14155550171"}"#))
      let path = "/api/conversations/\(opened)"
      _ = try await changes("PATCH", "\(path)/archive", at: path, first, second) { _ in "{}" }
    }
  }

  @Test("of changes and removals at once with the same tag one is made")
  func removals() async throws {
    try await WholeGateway.run { gateway in
      let key = #"{"name":"k","scopes":["read"]}"#
      for (collection, json) in [
        ("contacts", "{}"), ("webhooks", #"{"url":"http://127.0.0.1:1/"}"#), ("keys", key),
      ] {
        let path = "/api/\(collection)/\(try await id(of: gateway.call("POST", "/api/\(collection)", json: json)))"
        let tag = try #require(try await gateway.call("GET", path).headers["etag"])
        let change = collection == "contacts" ? "PUT" : "PATCH"
        let field = collection == "contacts" ? "name" : "description"
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
          for index in 0..<10 {
            group.addTask {
              index % 2 == 0 || collection == "keys"
                ? try await gateway.call("DELETE", path, headers: [("If-Match", tag)]).status
                : try await gateway.call(
                  change, path, json: "{\"\(field)\":\"\(index)\"}", headers: [("If-Match", tag)]
                ).status
            }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.count { $0 < 300 } == 1, "\(collection): \(statuses)")
        #expect(statuses.allSatisfy { [200, 204, 404, 412].contains($0) }, "\(statuses)")
      }
    }
  }

  @Test("reading a conversation with the tag of before is refused, and with the one of now is not")
  func reading() async throws {
    try await WholeGateway.run { gateway in
      try await gateway.textIn(["from": "+14155550172", "to": "+15005550006", "body": "one"])
      let list = try await gateway.eventually("/api/conversations") { $0["data"]?.arrayValue?.count == 1 }
      let path = "/api/conversations/\(list["data"]?.arrayValue?.first?["id"]?.stringValue ?? "")"
      let tag = try #require(try await gateway.call("GET", path).headers["etag"])
      try await gateway.textIn(["from": "+14155550172", "to": "+15005550006", "body": "two"])
      _ = try await gateway.eventually(path) { $0["unreadCount"] == 2 }
      #expect(try await gateway.call("PATCH", "\(path)/read", headers: [("If-Match", tag)]).status == 412)
      #expect(try await gateway.call("GET", path).json["unreadCount"] == 2)
      let now = try #require(try await gateway.call("GET", path).headers["etag"])
      let read = try await gateway.call("PATCH", "\(path)/read", headers: [("If-Match", now)])
      #expect(read.status == 200 && read.json["unreadCount"] == 0)
    }
  }

  @Test(
    "a key and a message that have changed since are neither taken back nor canceled, and with the tag of now they are")
  func changed() async throws {
    try await WholeGateway.run { gateway in
      let made = try await gateway.call("POST", "/api/keys", json: #"{"name":"k","scopes":["read"]}"#)
      let keyPath = "/api/keys/\(try id(of: made))"
      let unused = try #require(try await gateway.call("GET", keyPath).headers["etag"])
      // Its use is noted.
      _ = try await gateway.call("GET", "/api/channels", key: made.json["key"]?.stringValue)
      #expect(try await gateway.call("DELETE", keyPath, headers: [("If-Match", unused)]).status == 412)
      let used = try #require(try await gateway.call("GET", keyPath).headers["etag"])
      #expect(try await gateway.call("DELETE", keyPath, headers: [("If-Match", used)]).status == 204)

      let sent = #"{"to":"+14155550175","channel":"sms","body":"x"}"#
      let path = "/api/messages/\(try await id(of: gateway.call("POST", "/api/messages", json: sent)))"
      let queued = try #require(try await gateway.call("GET", path).headers["etag"])
      _ = try await gateway.eventually(path) { $0["status"] == "delivered" }
      #expect(try await gateway.call("DELETE", path, headers: [("If-Match", queued)]).status == 412)
      let now = try #require(try await gateway.call("GET", path).headers["etag"])
      #expect(try await gateway.call("DELETE", path, headers: [("If-Match", now)]).status == 409)
    }
  }

  private func id(of answer: WholeGateway.Answer) throws -> String {
    try #require(answer.json["id"]?.stringValue, "\(answer.text)")
  }

  /// Twenty at once, with the tag that the resource has before.
  private func changes(
    _ method: String, _ path: String, at resource: String? = nil, _ first: WholeGateway, _ second: WholeGateway,
    _ json: @escaping @Sendable (Int) -> String
  ) async throws -> [WholeGateway.Answer] {
    let tag = try #require(try await first.call("GET", resource ?? path).headers["etag"])
    let answers = try await withThrowingTaskGroup(of: WholeGateway.Answer.self) { group in
      for index in 0..<20 {
        group.addTask {
          try await (index % 2 == 0 ? first : second).call(
            method, path, json: json(index), headers: [("If-Match", tag)])
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(answers.count { $0.status == 200 } == 1, "\(path): \(answers.map(\.status))")
    #expect(answers.count { $0.status == 412 && $0.json["code"] == "precondition_failed" } == 19, "\(path)")
    return answers
  }
}
