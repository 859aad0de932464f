// Bad bodies and wrong methods at what is there: no unknown id comes first.

import ChannelProtocol
import Foundation
import HTTPTypes
import Testing

@testable import Gateway

@Suite("Endpoints of what exists", .serialized)
struct ExistingEndpointTests {
  /// Something of each kind, by the path that leads to it.
  private func made(_ gateway: WholeGateway) async throws -> [String: String] {
    func id(_ path: String, _ json: String) async throws -> String {
      let answer = try await gateway.call("POST", path, json: json)
      return try #require(answer.json["id"]?.stringValue, "\(path): \(answer.text)")
    }
    let day = (SystemClock().now() + .seconds(86_400)).description
    var ids = [
      "/api/contacts/:id": try await id("/api/contacts", #"{"name":"Ada"}"#),
      "/api/conversations/:id": try await id("/api/conversations", #"{"channel":"sms","to":"+14155550186"}"#),
      "/api/messages/:id": try await id(
        "/api/messages", "{\"to\":\"+14155550187\",\"channel\":\"sms\",\"body\":\"x\",\"scheduledAt\":\"\(day)\"}"),
      "/api/messages/bulk/:id": try await id(
        "/api/messages/bulk", #"{"channel":"sms","body":"x","recipients":[{"to":"+14155550188"}]}"#),
      "/api/keys/:id": try await id("/api/keys", #"{"name":"k","scopes":["read"]}"#),
      "/api/webhooks/:id": try await id("/api/webhooks", #"{"url":"http://127.0.0.1:1/"}"#),
    ]
    let deliveries = "/api/webhooks/\(ids["/api/webhooks/:id"] ?? "")/deliveries"
    try await gateway.textIn(["from": "+14155550189", "to": "+15005550006", "body": "x"])
    let list = try await gateway.eventually(deliveries) { !($0["data"]?.arrayValue ?? []).isEmpty }
    ids["/api/deliveries/:id"] = list["data"]?.arrayValue?.first?["id"]?.stringValue
    return ids
  }

  @Test("every endpoint that writes refuses a bad body at what exists, by name, and changes nothing")
  func badBodies() async throws {
    try await WholeGateway.run(settings: WalkedList.withoutRates) { gateway in
      let ids = try await made(gateway)
      let writing = EndpointRulesTests.endpoints.filter { $0.method != "GET" && $0.path != "/api/media" }
      #expect(writing.count >= 30)
      for endpoint in writing {
        // The longest path that leads to it.
        let owner = ids.keys.filter { endpoint.path == $0 || endpoint.path.hasPrefix($0 + "/") }.max {
          $0.count < $1.count
        }
        #expect(owner != nil || !endpoint.path.contains(":id"), "\(endpoint) is of nothing that is made here")
        let path = owner.map { endpoint.path.replacing(":id", with: ids[$0] ?? "") } ?? endpoint.path
        let bodies = endpoint.bad.map { ($0.body, $0.field) } + [(#"{"colour":1}"#, "colour")]
        for (body, field) in bodies {
          let answer = try await gateway.call(endpoint.method, path, json: body)
          let names = answer.json["errors"]?.arrayValue?.contains { $0["field"]?.stringValue == field } == true
          #expect(answer.status == 422 && names, "\(endpoint) \(body): \(answer.text)")
        }
        let broken = try await gateway.call(endpoint.method, path, json: "{\"a\":")
        #expect(broken.status == 400 && broken.json["code"] == "malformed_json", "\(endpoint): \(broken.text)")
        let list = try await gateway.call(endpoint.method, path, json: "[]")
        #expect(list.status == 422, "\(endpoint): \(list.text)")
        let form = try await gateway.call(
          endpoint.method, path, json: "a=b", headers: [("Content-Type", "application/x-www-form-urlencoded")])
        #expect(form.status == 415, "\(endpoint): \(form.text)")
        let large = "{\"a\":\"\(String(repeating: "x", count: 2 << 20))\"}"
        let tooLarge = try await gateway.call(endpoint.method, path, json: large)
        #expect(tooLarge.status == (endpoint.path == "/api/messages/bulk" ? 422 : 413), "\(endpoint): \(tooLarge.text)")
      }
      for (path, id) in ids where path != "/api/deliveries/:id" {
        let still = try await gateway.call("GET", path.replacing(":id", with: id))
        #expect(still.status == 200 && still.json["id"]?.stringValue == id, "\(path): \(still.text)")
      }
      #expect(
        try await gateway.call("GET", "/api/messages/\(ids["/api/messages/:id"] ?? "")").json["status"] == "scheduled")
    }
  }

  @Test("a method that a path does not have is a 405 that names those it has, with a key or without")
  func methods() async throws {
    try await WholeGateway.run(settings: WalkedList.withoutRates) { gateway in
      var allowed: [String: Set<String>] = [:]
      for route in gateway.routes {
        allowed[route.path, default: ["OPTIONS"]].formUnion(
          route.method == .get ? ["GET", "HEAD"] : [route.method.rawValue])
      }
      #expect(allowed.count > 35)
      for (path, methods) in allowed {
        let url = path.split(separator: "/").map { $0.first == ":" ? EndpointRulesTests.nobody : String($0) }
          .reduce("") { "\($0)/\($1)" }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] where !methods.contains(method) {
          let answer = try await WholeGateway.exchange(method, gateway.base + url)
          // A word in the place of an id is a path of its own.
          #expect(
            answer.status == 405 && answer.json["code"] == "method_not_allowed", "\(method) \(url): \(answer.text)")
          let named = Set(
            (answer.headers["allow"] ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
          #expect(named == methods, "\(method) \(url): \(named)")
        }
        let options = try await WholeGateway.exchange("OPTIONS", gateway.base + url)
        #expect(options.status == 204 && options.headers["allow"] != nil, "\(url)")
      }
    }
  }
}
