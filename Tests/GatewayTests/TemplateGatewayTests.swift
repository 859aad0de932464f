// Templates through everything: from the sandbox's Content API to a message that says what it should.

import ChannelProtocol
import Foundation
import GatewayTesting
import Testing
import TwilioSandbox

@testable import Gateway

@Suite("Templates in the gateway", .serialized)
struct TemplateGatewayTests {
  private static let order = SandboxTemplate.orderUpdateSID
  private static let to = "whatsapp:+447700900123"

  @Test("templates are there from the start, listed, filtered and fetched as the API describes them")
  func catalog() async throws {
    try await WholeGateway.run { gateway in
      let all = try await gateway.eventually("/api/templates") { $0["data"]?.arrayValue?.count == 6 }
      #expect(all["data"]?.arrayValue?.first?["name"] == "menu")
      try await filters(gateway)
      let one = try await gateway.call("GET", "/api/templates/\(SandboxTemplate.prizeDrawSID)")
      #expect(one.status == 200 && one.json["sid"]?.stringValue == SandboxTemplate.prizeDrawSID)
      #expect(one.json["name"] == "prize_draw" && one.json["language"] == "en")
      #expect(one.json["types"]?["twilio/text"]?["body"] == "{{1}}, you have won!")
      #expect(one.json["variables"] == ["1": "Alex"])
      #expect(
        one.json["approval"] == [
          "status": "rejected", "category": "MARKETING",
          "rejectionReason": "The message template contains variables at the start or the end.",
        ])
      #expect(one.json["syncedAt"]?.stringValue.flatMap { Timestamp(rfc3339: $0) } != nil)
      let plain = try await gateway.call("GET", "/api/templates/\(Self.order)")
      #expect(plain.json["approval"] == ["status": "approved", "category": "UTILITY", "rejectionReason": nil])
      #expect(try await gateway.call("GET", "/api/templates/HXnone").status == 404)
      #expect(try await gateway.call("GET", "/api/templates?kind=x").status == 422)
    }
  }

  private func filters(_ gateway: WholeGateway) async throws {
    for (query, names) in [
      ("status=approved", ["appointment", "login_code", "order_update"]), ("status=pending", ["summer_sale"]),
      ("search=ORDER", ["order_update"]), ("language=de", []), ("language=en&status=unsubmitted", ["menu"]),
    ] {
      let list = try await gateway.call("GET", "/api/templates?\(query)")
      #expect(list.json["data"]?.arrayValue?.compactMap { $0["name"]?.stringValue } == names, "\(query)")
    }
    let first = try await gateway.call("GET", "/api/templates?limit=4")
    let cursor = try #require(first.json["nextCursor"]?.stringValue)
    let second = try await gateway.call("GET", "/api/templates?limit=4&cursor=\(cursor)")
    #expect(second.json["data"]?.arrayValue?.compactMap { $0["name"]?.stringValue } == ["summer_sale", "order_update"])
  }

  @Test("a sync counts what changed; a failing one keeps the catalog, and the last attempt is not the last success")
  func sync() async throws {
    try await WholeGateway.run { gateway in
      _ = try await gateway.eventually("/api/templates") { $0["data"]?.arrayValue?.count == 6 }
      let made = try await gateway.atSandbox(
        "POST", "/v1/Content",
        #"{"friendly_name":"new","language":"de","types":{"twilio/text":{"body":"Hallo {{1}}!"}}}"#)
      let sid = try #require(made.json["sid"]?.stringValue)
      _ = try await gateway.atSandbox("DELETE", "/v1/Content/\(SandboxTemplate.menuSID)")
      let synced = try await gateway.call("POST", "/api/templates/sync")
      #expect(synced.status == 200)
      #expect(synced.json["total"] == 6 && synced.json["added"] == 1 && synced.json["removed"] == 1)
      #expect(synced.json["updated"] == 0)
      #expect(try await gateway.call("GET", "/api/templates/\(SandboxTemplate.menuSID)").status == 404)
      let before = try await gateway.call("GET", "/api/templates/\(sid)")
      #expect(before.json["approval"]?["status"] == "unsubmitted")
      #expect(before.json["syncedAt"] == synced.json["syncedAt"])

      let first = try await gateway.call("GET", "/api/templates/sync")
      _ = try await gateway.atSandbox("POST", "/sandbox/chaos", #"{"failContent":{"count":1,"status":500}}"#)
      let failed = try await gateway.call("POST", "/api/templates/sync")
      #expect(failed.status == 502 && failed.json["code"] == "provider_failed")
      #expect(try await gateway.call("GET", "/api/templates/\(sid)").json == before.json)
      let state = try await gateway.call("GET", "/api/templates/sync")
      let (then, now) = (first.json["data"]?.arrayValue?.first, state.json["data"]?.arrayValue?.first)
      #expect(then?["lastError"] == JSONValue.null && now?["lastError"]?.stringValue?.hasPrefix("20500") == true)
      #expect(then?["lastSuccessAt"] == now?["lastSuccessAt"])
      let times = [then, now].compactMap { $0?["lastAttemptAt"]?.stringValue.flatMap { Timestamp(rfc3339: $0) } }
      #expect(times.count == 2 && times[0] < times[1])
    }
  }

  @Test("values must fill every gap; a message with all of them arrives as the template says")
  func sending() async throws {
    try await WholeGateway.run { gateway in
      _ = try await gateway.eventually("/api/templates") { $0["data"]?.arrayValue?.count == 6 }
      for (variables, fields) in [
        (#"{"1":"Ada"}"#, ["variables.2"]), ("{}", ["variables.1", "variables.2"]),
        (#"{"1":"Ada","2":"7","3":"x"}"#, ["variables.3"]), (#"{"1":"Ada","2":""}"#, ["variables.2"]),
        (#"{"1":"Ada\nLovelace","2":"7"}"#, ["variables.1"]),
      ] {
        for path in ["/api/messages", "/api/messages/template"] {
          let name = path.hasSuffix("template") ? "templateSid" : "contentSid"
          let refused = try await gateway.call(
            "POST", path, json: #"{"to":"\#(Self.to)","\#(name)":"\#(Self.order)","variables":\#(variables)}"#)
          #expect(refused.status == 422 && refused.json["code"] == "invalid_request", "\(path) \(variables)")
          #expect(
            refused.json["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } == fields,
            "\(path) \(variables)")
        }
      }
      let sent = try await gateway.call(
        "POST", "/api/messages/template",
        json: #"{"to":"\#(Self.to)","templateSid":"\#(Self.order)","variables":{"1":"Ada","2":"17"}}"#)
      #expect(sent.status == 202)
      let id = try #require(sent.json["id"]?.stringValue)
      #expect(sent.headers["location"] == "/api/messages/\(id)")
      #expect(sent.json["template"] == ["sid": .string(Self.order), "variables": ["1": "Ada", "2": "17"]])
      _ = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "read" }
      let log = try await WholeGateway.exchange("GET", gateway.sandbox + "/sandbox/messages")
      let bodies = log.json["messages"]?.arrayValue?.compactMap { $0["body"]?.stringValue }
      #expect(bodies == ["Hi Ada, your order 17 is on its way."])
    }
  }

  @Test(
    "of two template messages to one contact whose answers are lost, the one that arrived is not taken for the other")
  func alike() async throws {
    try await WholeGateway.run(settings: {
      $0.sendPolicy.firstLook = .seconds(1)
      $0.sendPolicy.lookAgain = .milliseconds(300)
      $0.sendPolicy.settleAfter = .seconds(3)
    }) { gateway in
      _ = try await gateway.eventually("/api/templates") { $0["data"]?.arrayValue?.count == 6 }
      // Of the first nothing arrives; both are looked up, and no callback says whose a message is.
      var ids: [(id: String, text: String)] = []
      for (isTaken, order) in [(false, "17"), (true, "18")] {
        try await gateway.chaos(
          #"{"dropCallbacks":1,"failSends":{"count":1,"status":500,"accepted":\#(isTaken)}}"#)
        let sent = try await gateway.call(
          "POST", "/api/messages/template",
          json: #"{"to":"\#(Self.to)","templateSid":"\#(Self.order)","variables":{"1":"Ada","2":"\#(order)"}}"#)
        ids.append((sent.json["id"]?.stringValue ?? "", "Hi Ada, your order \(order) is on its way."))
        #expect(
          try await eventually { try await gateway.atSandbox("GET", "/sandbox/chaos").json["failSends"] == .null })
      }
      for (id, text) in ids {
        let message = try await gateway.eventually("/api/messages/\(id)") { $0["providerSid"] != .null }
        let sid = message["providerSid"]?.stringValue ?? ""
        let log = try await WholeGateway.exchange("GET", gateway.sandbox + "/sandbox/messages")
        let bodies = log.json["messages"]?.arrayValue?.filter { $0["sid"]?.stringValue == sid }
          .compactMap { $0["body"]?.stringValue }
        #expect(bodies == [text])
      }
      let log = try await WholeGateway.exchange("GET", gateway.sandbox + "/sandbox/messages")
      #expect(log.json["messages"]?.arrayValue?.count == 2, "each is there once")
    }
  }

  @Test("a template that is not approved is refused outside the window, and sent inside")
  func approval() async throws {
    try await WholeGateway.run { gateway in
      _ = try await gateway.eventually("/api/templates") { $0["data"]?.arrayValue?.count == 6 }
      func send(_ sid: String, _ fields: String = "") async throws -> WholeGateway.Answer {
        try await gateway.call(
          "POST", "/api/messages", json: #"{"to":"\#(Self.to)","contentSid":"\#(sid)"\#(fields)}"#)
      }
      let early = try await send(SandboxTemplate.prizeDrawSID, #","variables":{"1":"Ada"}"#)
      #expect(early.status == 422 && early.json["code"] == "template_not_approved")
      #expect(early.json["detail"]?.stringValue?.contains("variables at the start") == true)
      #expect(try await send(SandboxTemplate.menuSID).json["code"] == "template_not_approved")
      let sms = try await gateway.call(
        "POST", "/api/messages",
        json: #"{"to":"+14155550123","channel":"sms","contentSid":"\#(SandboxTemplate.menuSID)"}"#)
      #expect(sms.status == 202, "approval is WhatsApp's")
      try await gateway.textIn([
        "from": .string(Self.to), "to": "whatsapp:+14155238886", "body": "What is there?",
      ])
      #expect(try await send(SandboxTemplate.menuSID).status == 202)
    }
  }

  @Test("a template that the catalog does not know goes out, and the provider decides; wrong fields are all named")
  func unknown() async throws {
    try await WholeGateway.run { gateway in
      let sid = "HX" + String(repeating: "0", count: 32)
      let sent = try await gateway.call(
        "POST", "/api/messages/template", json: #"{"to":"\#(Self.to)","templateSid":"\#(sid)"}"#)
      #expect(sent.status == 202)
      let id = try #require(sent.json["id"]?.stringValue)
      let failed = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "failed" }
      #expect(failed["error"]?["code"] == "21655")
      let wrong = try await gateway.call("POST", "/api/messages/template", json: #"{"body":"x","variables":1}"#)
      let fields = wrong.json["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } ?? []
      #expect(wrong.status == 422 && Set(fields) == ["body", "to", "templateSid", "variables"])
      #expect(fields.count == 4)
      #expect(try await gateway.call("GET", "/api/messages/template").status == 405)
    }
  }
}

extension WholeGateway {
  /// A call to the sandbox as its account.
  func atSandbox(_ method: String, _ path: String, _ json: String? = nil) async throws -> Answer {
    let credentials = Data("\(SandboxAccount.defaultSID):\(SandboxAccount.defaultAuthToken)".utf8)
    return try await Self.exchange(
      method, sandbox + path, body: json,
      headers: [
        ("Authorization", "Basic \(credentials.base64EncodedString())"), ("Content-Type", "application/json"),
      ])
  }
}
