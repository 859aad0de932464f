// Interactive content through the whole gateway: asked for, deposited, sent, touched, answered.

import ChannelProtocol
import Foundation
import Testing
import TwilioSandbox

@testable import Gateway

@Suite("Interactive content", .serialized, .timeLimit(.minutes(2)))
struct InteractiveTests {
  private static let to = "whatsapp:+447700900123"
  private static let question = #"""
    {"kind":"interactive","type":"quick-reply","data":{"body":"Shall we come on Monday?","actions":[
      {"title":"Yes","id":"yes-17"},{"title":"Another day","id":"other-17"}]}}
    """#

  @Test("a question with buttons goes out, the phone touches one, and its payload comes in as a reply to ours")
  func quickReply() async throws {
    try await WholeGateway.run { gateway in
      try await gateway.opensWindow()
      let sent = try await gateway.send(Self.question)
      #expect(sent.status == 202, "\(sent.text)")
      #expect(sent.json["content"]?["type"] == "quick-reply" && sent.json["body"] == "Shall we come on Monday?")
      #expect(sent.json["template"] == ChannelProtocol.JSONValue.null)
      let id = try #require(sent.json["id"]?.stringValue)
      let read = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "read" }
      let sid = try #require(read["providerSid"]?.stringValue)
      #expect(read["content"]?["data"]?["actions"]?.arrayValue?.first?["id"] == "yes-17")
      #expect(try await gateway.bodiesAtProvider() == ["Shall we come on Monday?"])

      let tapped = try await gateway.tap(sid, "Yes")
      #expect(tapped.json["webhook"]?["status"] == 200, "\(tapped.text)")
      let reply = try await gateway.newest()
      #expect(reply["content"]?["kind"] == "buttonReply" && reply["content"]?["payload"] == "yes-17")
      #expect(reply["content"]?["text"] == "Yes" && reply["replyTo"] == .string(id))
      #expect(try await gateway.tap(sid, "No").status == 404)
    }
  }

  @Test("the same content is deposited once, under a name of its own, by whatever name of its type it is asked for")
  func depositedOnce() async throws {
    try await WholeGateway.run { gateway in
      try await gateway.opensWindow()
      for content in [Self.question, Self.question.replacing(#""quick-reply""#, with: #""twilio/quick-reply""#)] {
        let sent = try await gateway.send(content)
        #expect(sent.json["content"]?["type"] == "quick-reply")
        try await gateway.isRead(sent)
      }
      #expect(try await gateway.deposits() == 1)
      let other = try await gateway.send(Self.question.replacing("Monday", with: "Tuesday"))
      try await gateway.isRead(other)
      #expect(try await gateway.deposits() == 2)
    }
  }

  @Test("a picked row comes in with its id, title and description")
  func listPicker() async throws {
    try await WholeGateway.run { gateway in
      try await gateway.opensWindow()
      let sent = try await gateway.send(
        #"""
        {"kind":"interactive","type":"list-picker","data":{"body":"Where to?","button":"Choose","items":[
          {"item":"New York","id":"nyc","description":"Twice a day"},{"item":"Denver","id":"den"}]}}
        """#)
      let sid = try await gateway.isRead(sent)
      _ = try await gateway.tap(sid, "nyc")
      let reply = try await gateway.newest()
      #expect(
        reply["content"]
          == ["kind": "listReply", "id": "nyc", "title": "New York", "description": "Twice a day"])
      #expect(reply["replyTo"] == sent.json["id"])
    }
  }

  @Test(
    "links, cards and carousels go out as they are",
    arguments: [
      (
        "call-to-action",
        #"{"body":"Come and see","actions":[{"type":"URL","title":"Look","url":"https://example.com/x"}]}"#
      ),
      ("card", #"{"title":"A card","subtitle":"Of ours","actions":[{"type":"QUICK_REPLY","title":"Ok","id":"ok"}]}"#),
      ("whatsapp-card", #"{"body":"Words","header_text":"Above","footer":"Below"}"#),
      (
        "carousel",
        #"{"body":"Several","cards":[{"body":"First","media":"https://example.com/a.png","#
          + #""actions":[{"type":"QUICK_REPLY","title":"This","id":"first"}]}]}"#
      ),
    ])
  func kinds(type: String, data: String) async throws {
    try await WholeGateway.run { gateway in
      try await gateway.opensWindow()
      let sent = try await gateway.send(#"{"kind":"interactive","type":"\#(type)","data":\#(data)}"#)
      #expect(sent.status == 202, "\(sent.text)")
      try await gateway.isRead(sent)
      #expect(try await gateway.deposits() == 1)
    }
  }

  @Test("what is wrong is refused by field, before anything is queued")
  func refusals() async throws {
    try await WholeGateway.run { gateway in
      try await gateway.opensWindow()
      let cases: [(String, String, [String])] = [
        (#"{"kind":"interactive","type":"poll","data":{}}"#, "", ["content.type"]),
        (#"{"kind":"interactive","type":"authentication","data":{}}"#, "", ["content.type"]),
        (
          #"{"kind":"interactive","type":"quick-reply","data":{"actions":[{"title":"A"},{"title":"A"}]}}"#, "",
          ["content.data.body", "content.data.actions[1].title"]
        ),
        (Self.question, #","body":"x""#, ["body"]), (Self.question, #","media":["https://example.com/a"]"#, ["media"]),
        (#"{"kind":"media","caption":"x"}"#, "", ["media"]),
      ]
      for (content, more, fields) in cases {
        let refused = try await gateway.send(content, more)
        #expect(refused.status == 422 && refused.json["code"] == "invalid_request", "\(refused.text)")
        #expect(
          refused.json["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } == fields, "\(refused.text)")
      }
      let sms = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550123","channel":"sms","content":\#(Self.question)}"#)
      #expect(sms.status == 422 && sms.json["code"] == "unsupported_content")
      let stranger = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"whatsapp:+447700900199","content":\#(Self.question)}"#)
      #expect(stranger.json["code"] == "outside_window")
    }
  }

  @Test("a caption is the text of a message with a file")
  func caption() async throws {
    try await WholeGateway.run { gateway in
      let sent = try await gateway.call(
        "POST", "/api/messages",
        json: #"""
          {"to":"+14155550123","channel":"mms","content":{"kind":"media","caption":"Look"},
           "media":["https://example.com/a.png"]}
          """#)
      #expect(sent.status == 202 && sent.json["body"] == "Look", "\(sent.text)")
      #expect(sent.json["content"] == ["kind": "media", "caption": "Look"])
    }
  }

  @Test("a deposit that fails is made again, and the message goes out once")
  func depositFails() async throws {
    try await WholeGateway.run(settings: { $0.sendPolicy.backoff = .milliseconds(20) }) { gateway in
      try await gateway.opensWindow()
      try await gateway.chaos(#"{"failContent":{"count":2,"status":500}}"#)
      try await gateway.isRead(try await gateway.send(Self.question))
      #expect(try await gateway.bodiesAtProvider().count == 1)
    }
  }

  @Test("content that was deleted at the provider is deposited again")
  func depositGone() async throws {
    try await WholeGateway.run(settings: { $0.sendPolicy.backoff = .milliseconds(20) }) { gateway in
      try await gateway.opensWindow()
      try await gateway.isRead(try await gateway.send(Self.question))
      for sid in try await gateway.depositSIDs() { _ = try await gateway.asAccount("DELETE", "/v1/Content/\(sid)") }
      #expect(try await gateway.deposits() == 0)
      try await gateway.isRead(try await gateway.send(Self.question))
      #expect(try await gateway.deposits() == 1)
      #expect(try await gateway.bodiesAtProvider().count == 2)
    }
  }
}

extension WholeGateway {
  fileprivate func opensWindow() async throws {
    try await textIn(["from": "whatsapp:+447700900123", "to": "whatsapp:+14155238886", "body": "Hello"])
    _ = try await eventually("/api/messages?direction=inbound") { $0["data"]?.arrayValue?.isEmpty == false }
  }

  fileprivate func send(_ content: String, _ more: String = "") async throws -> Answer {
    try await call(
      "POST", "/api/messages", json: #"{"to":"whatsapp:+447700900123","content":\#(content)\#(more)}"#)
  }

  /// - Returns: the provider's id.
  @discardableResult
  fileprivate func isRead(_ sent: Answer) async throws -> String {
    let id = try #require(sent.json["id"]?.stringValue)
    let read = try await eventually("/api/messages/\(id)") { $0["status"] == "read" }
    return try #require(read["providerSid"]?.stringValue)
  }

  fileprivate func tap(_ sid: String, _ choice: String) async throws -> Answer {
    try await Self.exchange(
      "POST", sandbox + "/sandbox/tap", body: #"{"message":"\#(sid)","choice":"\#(choice)"}"#,
      headers: [("Content-Type", "application/json")])
  }

  fileprivate func newest() async throws -> ChannelProtocol.JSONValue {
    try #require(try await call("GET", "/api/messages?direction=inbound&limit=1").json["data"]?.arrayValue?.first)
  }

  /// What the provider sent, in words.
  fileprivate func bodiesAtProvider() async throws -> [String] {
    let log = try await Self.exchange("GET", sandbox + "/sandbox/messages").json["messages"]?.arrayValue ?? []
    return log.filter { $0["direction"] == "outbound-api" }.compactMap { $0["body"]?.stringValue }
  }

  fileprivate func asAccount(_ method: String, _ path: String) async throws -> Answer {
    let credentials = Data("\(SandboxAccount.defaultSID):\(SandboxAccount.defaultAuthToken)".utf8)
    return try await Self.exchange(
      method, sandbox + path, headers: [("Authorization", "Basic \(credentials.base64EncodedString())")])
  }

  fileprivate func depositSIDs() async throws -> [String] {
    let contents = try await asAccount("GET", "/v1/Content?PageSize=100").json["contents"]?.arrayValue ?? []
    return contents.filter { $0["friendly_name"]?.stringValue?.hasPrefix("fractal_") ?? false }
      .compactMap { $0["sid"]?.stringValue }
  }

  fileprivate func deposits() async throws -> Int { try await depositSIDs().count }
}
