// Codes of errors that no other suite comes by.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("Error codes", .serialized)
struct ErrorCodeTests {
  @Test("bodies that cannot be read and parts that are not there have codes of their own")
  func bodies() async throws {
    try await WholeGateway.run { gateway in
      let type = try await gateway.call("POST", "/api/contacts", json: "{}", headers: [("Content-Type", "text/plain")])
      #expect(type.status == 415 && type.json["code"] == "unsupported_media_type")
      let form = try await gateway.call(
        "POST", "/api/media", json: "--x\r\nno end", headers: [("Content-Type", "multipart/form-data; boundary=x")])
      #expect(form.status == 400 && form.json["code"] == "malformed_form", "\(form.text)")
      let file = try await gateway.call("POST", "/api/media", json: "four", headers: [("Content-Type", "text/plain")])
      let part = try await gateway.call(
        "GET", "/api/media/\(file.json["id"]?.stringValue ?? "")", headers: [("Range", "bytes=10-")])
      #expect(part.status == 416 && part.json["code"] == "range_not_satisfiable")
      #expect(part.headers["content-range"] == "bytes */4")
      let headers = [("Idempotency-Key", "k")]
      _ = try await gateway.call("POST", "/api/contacts", json: "{}", headers: headers)
      try await gateway.query(#"UPDATE idempotency_keys SET answer = '\x00' WHERE key = 'k'"#)
      let unreadable = try await gateway.call("POST", "/api/contacts", json: "{}", headers: headers)
      #expect(unreadable.status == 409 && unreadable.json["code"] == "idempotency_unreadable", "\(unreadable.text)")
    }
  }

  @Test("a delivery whose event is gone, and webhooks without their sink, are conflicts")
  func conflicts() async throws {
    try await WholeGateway.run { gateway in
      let hook = try await gateway.call("POST", "/api/webhooks", json: #"{"url":"http://127.0.0.1:1/"}"#)
      let path = "/api/webhooks/\(hook.json["id"]?.stringValue ?? "")/deliveries"
      try await gateway.textIn(["from": "+14155550174", "to": "+15005550006", "body": "x"])
      let made = try await gateway.eventually(path) { !($0["data"]?.arrayValue ?? []).isEmpty }
      let delivery = made["data"]?.arrayValue?.first?["id"]?.stringValue ?? ""
      try await gateway.query("DELETE FROM events")
      let gone = try await gateway.call("POST", "/api/deliveries/\(delivery)/retry")
      #expect(gone.status == 409 && gone.json["code"] == "event_gone", "\(gone.text)")
    }
    let withoutSink = WholeGateway.configuration.replacing("  - { type: webhook, allow: [loopback] }\n", with: "")
      .replacing("\n  - { type: webhook, allow: [loopback] }", with: "")
    try await WholeGateway.run(configuration: withoutSink) { gateway in
      let hook = try await gateway.call("POST", "/api/webhooks", json: #"{"url":"https://example.com/"}"#)
      let test = try await gateway.call("POST", "/api/webhooks/\(hook.json["id"]?.stringValue ?? "")/test")
      #expect(test.status == 409 && test.json["code"] == "no_webhook_sink", "\(test.text) \(hook.text)")
    }
  }
}
