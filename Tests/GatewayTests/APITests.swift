// The API's rules, against a running gateway.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("The API's rules", .serialized)
struct APITests {
  @Test("errors are problem documents with a stable code; a request id is in every answer")
  func rules() async throws {
    try await WholeGateway.run { gateway in
      try await keys(gateway)
      try await unknown(gateway)
      try await wrong(gateway)
      try await webhooks(gateway)
      try await operations(gateway)
    }
  }

  private func keys(_ gateway: WholeGateway) async throws {
    let none = try await WholeGateway.exchange("GET", gateway.base + "/api/messages")
    #expect(none.status == 401 && none.headers["www-authenticate"]?.hasPrefix("Bearer") ?? false)
    #expect(none.headers["content-type"] == "application/problem+json" && none.json["code"] == "unauthorized")
    #expect(try await gateway.call("GET", "/api/messages", key: "fk_wrong").status == 401)
    let other = try await WholeGateway.exchange(
      "GET", gateway.base + "/api/messages", headers: [("X-API-Key", gateway.key)])
    #expect(other.status == 200)
    // The other is a proxy's.
    for (scheme, status) in [("Basic eDp5", 200), ("Bearer fk_wrong", 401), ("Bearer", 401)] {
      let both = try await WholeGateway.exchange(
        "GET", gateway.base + "/api/messages", headers: [("X-API-Key", gateway.key), ("Authorization", scheme)])
      #expect(both.status == status, "\(scheme)")
    }
    #expect(other.headers["x-request-id"]?.isEmpty == false)
    let given = try await gateway.call("GET", "/api/messages", headers: [("X-Request-Id", "mine-1")])
    #expect(given.headers["x-request-id"] == "mine-1")
  }

  private func unknown(_ gateway: WholeGateway) async throws {
    for path in [
      "/api/messages/01900000-0000-7000-8000-000000000000", "/api/messages/nothing",
      "/api/conversations/nothing", "/api/contacts/nothing", "/api/nothing", "/nothing",
    ] {
      let answer = try await gateway.call("GET", path)
      #expect(answer.status == 404 && answer.json["code"] == "not_found", "\(path)")
    }
    let method = try await gateway.call("DELETE", "/api/messages")
    #expect(method.status == 405 && method.headers["allow"]?.contains("POST") ?? false)
    #expect(try await gateway.call("HEAD", "/api/messages").status == 200)
    #expect(try await gateway.call("OPTIONS", "/api/messages").status == 204)
  }

  private func wrong(_ gateway: WholeGateway) async throws {
    for (path, field) in [
      ("/api/messages?limit=0", "limit"), ("/api/messages?limit=201", "limit"), ("/api/messages?x=1", "x"),
      ("/api/messages?status=gone", "status"), ("/api/messages?cursor=?", "cursor"),
      ("/api/messages?since=yesterday", "since"), ("/api/conversations?unread=1", "unread"),
    ] {
      let answer = try await gateway.call("GET", path)
      #expect(answer.status == 422, "\(path)")
      #expect(answer.json["errors"]?.arrayValue?.first?["field"]?.stringValue == field, "\(path)")
    }
    func post(_ json: String, type: String = "application/json") async throws -> WholeGateway.Answer {
      try await gateway.call("POST", "/api/messages", json: json, headers: [("Content-Type", type)])
    }
    #expect(try await post("{").status == 400)
    #expect(try await post("{}", type: "text/plain").status == 415)
    #expect(try await post(#"{"to":"+14155550123","channel":"pigeon","body":"x"}"#).json["code"] == "unknown_channel")
    let ambiguous = try await post(#"{"to":"+14155550199","body":"x"}"#)
    #expect(ambiguous.status == 422 && ambiguous.json["code"] == "ambiguous_channel")
    #expect(Set(ambiguous.json["candidates"]?.arrayValue ?? []) == ["sms", "mms", "whatsapp"])
    let media = try await post(#"{"to":"+14155550123","channel":"sms","media":["https://example.com/a.png"]}"#)
    #expect(media.json["code"] == "unsupported_content")
    let large = try await post("{\"to\":\"\(String(repeating: "x", count: 1 << 20))\"}")
    #expect(large.status == 413)
  }

  private func webhooks(_ gateway: WholeGateway) async throws {
    let made = try await gateway.call(
      "POST", "/api/webhooks", json: #"{"url":"http://127.0.0.1:9/","events":["message.new"],"channels":["sms"]}"#)
    #expect(made.status == 201 && made.json["secret"]?.stringValue?.hasPrefix("whsec_") ?? false)
    let id = try #require(made.json["id"]?.stringValue)
    let list = try await gateway.call("GET", "/api/webhooks")
    #expect(list.json["data"]?.arrayValue?.first?["id"]?.stringValue == id)
    #expect(list.json["data"]?.arrayValue?.first?["secret"] == nil)
    for body in [
      #"{"url":"http://10.0.0.1/"}"#, #"{"url":"http://169.254.169.254/latest"}"#, #"{"url":"ftp://example.com/"}"#,
      #"{"url":"https://example.com/","events":["message.lost"]}"#,
      #"{"url":"https://example.com/","channels":["pigeon"]}"#, #"{}"#,
    ] {
      #expect(try await gateway.call("POST", "/api/webhooks", json: body).status == 422, "\(body)")
    }
    #expect(try await gateway.call("DELETE", "/api/webhooks/\(id)").status == 204)
    #expect(try await gateway.call("DELETE", "/api/webhooks/\(id)").status == 404)
  }

  private func operations(_ gateway: WholeGateway) async throws {
    #expect(try await WholeGateway.exchange("GET", gateway.base + "/health").status == 200)
    let ready = try await WholeGateway.exchange("GET", gateway.base + "/ready")
    #expect(ready.status == 200 && ready.json["checks"]?["journal"]?["ok"] == true)
    let metrics = try await WholeGateway.exchange("GET", gateway.base + "/metrics")
    #expect(metrics.text.contains("fractal_http_request_duration"))
    #expect(metrics.text.contains("process_resident_memory_bytes"))
  }
}
