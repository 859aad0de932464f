// Every endpoint: no key, a key without the scope, an unknown id, a bad
// body, an unknown parameter.

import ChannelProtocol
import Foundation
import HTTPTypes
import Storage
import Testing

@testable import Gateway

@Suite("Rules that every endpoint keeps", .serialized)
struct EndpointRulesTests {
  struct Endpoint: Sendable, CustomStringConvertible {
    var method: String
    var path: String
    var scope: APIKey.Scope
    /// Bodies that are refused, and the field that is named.
    var bad: [(body: String, field: String)] = []
    /// A body is needed.
    var needsBody = false

    var description: String { "\(method) \(path)" }
    var url: String { path.replacing(":id", with: EndpointRulesTests.nobody) }
  }

  static let nobody = "01900000-0000-7000-8000-000000000000"

  static let endpoints: [Endpoint] =
    [
      .init(method: "GET", path: "/api/contacts", scope: .read),
      .init(method: "GET", path: "/api/contacts/:id", scope: .read),
      .init(
        method: "POST", path: "/api/contacts", scope: .manage,
        bad: [
          (#"{"nam":"x"}"#, "nam"), (#"{"name":1}"#, "name"), (#"{"name":" "}"#, "name"),
          ("{\"name\":\"\(String(repeating: "x", count: 201))\"}", "name"), (#"{"labels":"x"}"#, "labels"),
          (#"{"labels":[""]}"#, "labels[0]"), (#"{"attributes":[]}"#, "attributes"), (#"{"channels":{}}"#, "channels"),
          (#"{"attributes":{"a":"\#("\\")u0000"}}"#, "attributes"), (#"{"channels":[1]}"#, "channels[0]"),
          (#"{"channels":[{"type":"sms"}]}"#, "channels[0].address"),
          (#"{"channels":[{"type":"sms","address":"555"}]}"#, "channels[0].address"),
          (#"{"channels":[{"type":"sms","address":"whatsapp:+14155550100"}]}"#, "channels[0].address"),
          (#"{"channels":[{"type":"pigeon","address":"+14155550100"}]}"#, "channels[0].type"),
          (#"{"channels":[{"address":"+14155550100"}]}"#, "channels[0].type"),
          (#"{"channels":[{"type":"sms","address":"+14155550100","x":1}]}"#, "channels[0].x"),
          (
            #"{"channels":[{"type":"sms","address":"+14155550100"},{"address":"mms:+14155550100"}]}"#,
            "channels[1].address"
          ),
        ], needsBody: true),
      .init(
        method: "PUT", path: "/api/contacts/:id", scope: .manage, bad: [(#"{"channels":[]}"#, "channels")],
        needsBody: true),
      .init(method: "DELETE", path: "/api/contacts/:id", scope: .manage),
      .init(
        method: "POST", path: "/api/contacts/:id/channels", scope: .manage,
        bad: [(#"{"type":"sms"}"#, "address"), (#"{"type":"sms","address":"1"}"#, "address")], needsBody: true),
      .init(method: "DELETE", path: "/api/contacts/:id/channels/\(nobody)", scope: .manage),
      .init(
        method: "POST", path: "/api/contacts/:id/merge", scope: .manage,
        bad: [("{}", "from"), (#"{"from":"x"}"#, "from"), ("{\"from\":\"\(nobody)\"}", "from")], needsBody: true),
      .init(method: "GET", path: "/api/conversations", scope: .read),
      .init(method: "GET", path: "/api/conversations/:id", scope: .read),
      .init(
        method: "POST", path: "/api/conversations", scope: .send,
        bad: [
          ("{}", "channel"), (#"{"channel":"sms"}"#, "contactId"), (#"{"channel":"sms","to":"12"}"#, "to"),
          (#"{"channel":"pigeon","to":"+14155550100"}"#, "channel"),
          (#"{"channel":"sms","to":"+15005550006"}"#, "to"),
          ("{\"channel\":\"sms\",\"contactId\":\"\(nobody)\"}", "contactId"),
          (#"{"channel":"sms","to":"whatsapp:+14155550100"}"#, "to"),
          ("{\"channel\":\"sms\",\"to\":\"+14155550100\",\"contactId\":\"\(nobody)\"}", "to"),
        ], needsBody: true),
      .init(
        method: "PATCH", path: "/api/conversations/:id/archive", scope: .send,
        bad: [(#"{"archived":1}"#, "archived"), (#"{"x":1}"#, "x")]),
      .init(method: "PATCH", path: "/api/conversations/:id/read", scope: .send),
      .init(method: "GET", path: "/api/messages", scope: .read),
      .init(method: "GET", path: "/api/messages/:id", scope: .read),
      .init(
        method: "POST", path: "/api/messages", scope: .send, bad: [(#"{"body":"x"}"#, "to")], needsBody: true),
      .init(method: "DELETE", path: "/api/messages/:id", scope: .send),
      .init(method: "POST", path: "/api/messages/:id/resend", scope: .send, bad: [(#"{"x":1}"#, "x")]),
      .init(
        method: "POST", path: "/api/messages/preview", scope: .send, bad: [(#"{"to":"+14155550100","x":1}"#, "x")],
        needsBody: true),
      .init(
        method: "POST", path: "/api/messages/bulk", scope: .send,
        bad: [
          ("{}", "channel"), (#"{"channel":"sms","recipients":[{"to":"+14155550100"}]}"#, "body"),
          (#"{"channel":"sms","body":"x","recipients":[]}"#, "recipients"),
          (#"{"channel":"sms","body":"x"}"#, "recipients"),
          (#"{"channel":"sms","body":"x","recipients":{}}"#, "recipients"),
          (#"{"channel":"sms","body":"x","templateSid":"HX1","recipients":[{"to":"+14155550100"}]}"#, "body"),
          (#"{"channel":"pigeon","body":"x","recipients":[{"to":"+14155550100"}]}"#, "channel"),
        ], needsBody: true),
      .init(method: "GET", path: "/api/messages/bulk/:id", scope: .read),
      .init(method: "POST", path: "/api/messages/bulk/:id/pause", scope: .send, bad: [(#"{"x":1}"#, "x")]),
      .init(method: "POST", path: "/api/messages/bulk/:id/resume", scope: .send),
      .init(method: "POST", path: "/api/messages/bulk/:id/cancel", scope: .send),
      .init(method: "POST", path: "/api/messages/bulk/:id/retry-failed", scope: .send),
    ] + furtherEndpoints

  @Test(
    "no key, a key without the scope, an unknown id, a bad body and an unknown parameter are told by every endpoint")
  func rules() async throws {
    try await WholeGateway.run { gateway in
      var keys: [APIKey.Scope: String] = [:]
      for scope in APIKey.Scope.allCases { keys[scope] = try await key(gateway, allBut: scope) }
      let known = Set(Self.endpoints.map { "\($0.method) \($0.path.replacing(Self.nobody, with: ":channelId"))" })
      let served = gateway.routes.filter { $0.scope != nil }.map { route in
        "\(route.method.rawValue) \(route.path.replacing("/:sid", with: "/:id"))"
      }
      #expect(Set(served).subtracting(known).sorted() == [], "not in the table")
      for endpoint in Self.endpoints {
        let json: String? = endpoint.needsBody ? "{}" : nil
        let headers = json == nil ? [] : [("Content-Type", "application/json")]
        let none = try await WholeGateway.exchange(
          endpoint.method, gateway.base + endpoint.url, body: json, headers: headers)
        #expect(none.status == 401, "\(endpoint)")
        let lacking = try await gateway.call(endpoint.method, endpoint.url, json: json, key: keys[endpoint.scope])
        #expect(lacking.status == 403 && lacking.json["code"] == "missing_scope", "\(endpoint): \(lacking.text)")
        let parameter = try await gateway.call(endpoint.method, endpoint.url + "?colour=red", json: json)
        #expect(
          parameter.status == 422 && parameter.json["errors"]?.arrayValue?.contains { $0["field"] == "colour" } == true,
          "\(endpoint): \(parameter.text)")
        try await unknown(endpoint, gateway)
        for (body, field) in endpoint.bad {
          let answer = try await gateway.call(endpoint.method, endpoint.url, json: body)
          let isUnknown = endpoint.path.contains(":id") && answer.status == 404
          let names = answer.json["errors"]?.arrayValue?.contains { $0["field"]?.stringValue == field } == true
          #expect((answer.status == 422 && names) || isUnknown, "\(endpoint) \(body): \(answer.text)")
        }
        guard endpoint.needsBody else { continue }
        #expect(try await gateway.call(endpoint.method, endpoint.url, json: "{").status == 400, "\(endpoint)")
        let type = try await gateway.call(
          endpoint.method, endpoint.url, json: "{}", headers: [("Content-Type", "text/plain")])
        #expect(type.status == 415, "\(endpoint)")
      }
    }
  }

  @Test("what is there is not changed by what is wrong: a webhook's nulls, an answer to no message")
  func existing() async throws {
    try await WholeGateway.run { gateway in
      let made = try await gateway.call("POST", "/api/webhooks", json: #"{"url":"http://127.0.0.1:1/"}"#)
      let path = "/api/webhooks/\(made.json["id"]?.stringValue ?? "")"
      for field in ["url", "events", "channels", "headers", "active"] {
        let answer = try await gateway.call("PATCH", path, json: "{\"\(field)\":null}")
        #expect(answer.status == 422 && answer.json["errors"]?.arrayValue?.first?["field"]?.stringValue == field)
      }
      #expect(try await gateway.call("PATCH", path, json: #"{"description":null,"timeout":null}"#).status == 200)
      let reply = #"{"to":"+14155550100","channel":"sms","body":"x","replyTo":"\#(Self.nobody)"}"#
      let refused = try await gateway.call("POST", "/api/messages", json: reply)
      #expect(refused.status == 422 && refused.json["errors"]?.arrayValue?.first?["field"] == "replyTo")
      let preview = try await gateway.call("POST", "/api/messages/preview", json: reply)
      #expect(preview.json["valid"] == false && preview.json["problems"]?.arrayValue?.first?["field"] == "replyTo")
    }
  }

  private func unknown(_ endpoint: Endpoint, _ gateway: WholeGateway) async throws {
    guard endpoint.path.contains(":id") else { return }
    let bodies = [
      "/api/contacts/:id": "{}", "/api/contacts/:id/channels": #"{"type":"sms","address":"+14155550100"}"#,
      "/api/contacts/:id/merge": #"{"from":"01900000-0000-7000-8000-000000000001"}"#,
      "/api/webhooks/:id": "{}", "/api/webhooks/:id/replay": #"{"since":"2020-01-01T00:00:00Z"}"#,
    ]
    let body = endpoint.needsBody ? bodies[endpoint.path] : nil
    for id in [Self.nobody, "nothing"] {
      let answer = try await gateway.call(endpoint.method, endpoint.path.replacing(":id", with: id), json: body)
      #expect(answer.status == 404 && answer.json["code"] == "not_found", "\(endpoint) \(id): \(answer.text)")
    }
  }

  /// A key with every scope but one.
  private func key(_ gateway: WholeGateway, allBut scope: APIKey.Scope) async throws -> String {
    let scopes = APIKey.Scope.allCases.filter { $0 != scope }.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
    let made = try await gateway.call("POST", "/api/keys", json: "{\"name\":\"k\",\"scopes\":[\(scopes)]}")
    return try #require(made.json["key"]?.stringValue, "\(made.text)")
  }
}
