// What interactive content may be, kind by kind, and what its creation says.

import ChannelProtocol
import Foundation
import Testing

@testable import Twilio

@Suite struct InteractiveCheckTests {
  private static func faults(
    _ type: InteractiveType, _ json: String, _ rules: InteractiveRules = .whatsApp
  ) throws -> [String] {
    let data = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
    return InteractiveCheck(rules: rules).faults(of: type, data).map { "\($0.path) \($0.message)" }
  }

  private static let long = String(repeating: "x", count: 1_025)

  @Test(
    "what Twilio documents for each kind is taken",
    arguments: [
      (.quickReply, #"{"body":"Hi","actions":[{"title":"Yes","id":"yes"},{"type":"QUICK_REPLY","title":"No"}]}"#),
      (
        .listPicker,
        #"{"body":"Where?","button":"Choose","items":[{"item":"NYC","id":"nyc","description":"New York"}]}"#
      ),
      (
        .callToAction,
        #"{"body":"Call","actions":[{"type":"PHONE_NUMBER","title":"Call","phone":"+14155550123"},"#
          + #"{"type":"URL","title":"Open","url":"https://example.com/a?b=c"},"#
          + #"{"type":"COPY_CODE","title":"Copy","code":"SUMMER26"}]}"#
      ),
      (.card, #"{"title":"Ad","subtitle":"New","media":["https://example.com/a.png"]}"#),
      (.card, #"{"title":"Ad","body":"Words"}"#),
      (
        .carousel,
        #"{"body":"See","cards":[{"title":"A","body":"B","media":"https://example.com/a.png","#
          + #""actions":[{"type":"QUICK_REPLY","title":"This","id":"a"}]}]}"#
      ),
      (
        .whatsAppCard,
        #"{"body":"Hi","header_text":"Head","footer":"Foot","actions":[{"type":"QUICK_REPLY","title":"Ok"}]}"#
      ),
    ] as [(InteractiveType, String)])
  func taken(type: InteractiveType, json: String) throws {
    #expect(try Self.faults(type, json) == [])
  }

  @Test(
    "every fault is named by its place",
    arguments: [
      (.quickReply, "[]", ["data must be an object"]),
      (.quickReply, "{}", ["data.body is required", "data.actions is required"]),
      (
        .quickReply, #"{"body":" ","actions":[],"extra":1}"#,
        ["data.body must not be empty", "data.actions must have 1 to 3 entries", "data.extra is unknown"]
      ),
      (
        .quickReply, #"{"body":"\#(long)","actions":[{"title":"123456789012345678901"}]}"#,
        [
          "data.body may have 1024 characters at most", "data.actions[0].title may have 20 characters at most",
        ]
      ),
      (
        .quickReply, #"{"body":"x","actions":[{"title":"A","id":"1"},{"title":"A","id":"1"}]}"#,
        ["data.actions[1].title is another one's too", "data.actions[1].id is another one's too"]
      ),
      (
        .quickReply, #"{"body":"x","actions":[{"type":"URL","title":"A"},2]}"#,
        ["data.actions[0].type must be one of QUICK_REPLY", "data.actions[1] must be an object"]
      ),
      (
        .quickReply, #"{"body":"Hi {{1}}","actions":[{"title":"A"}]}"#,
        ["data.body holds a gap: what has variables is a template, and sent with contentSid"]
      ),
      (
        .listPicker, #"{"body":"x","button":"Choose one of these","items":[{"item":"A"},{"id":"b"}]}"#,
        ["data.items[0].id is required", "data.items[1].item is required"]
      ),
      (
        .callToAction, #"{"body":"x","actions":[{"type":"URL","title":"A","url":"ftp://x"}]}"#,
        ["data.actions[0].url must be an http or https URL"]
      ),
      (
        .callToAction, #"{"body":"x","actions":[{"title":"A"},{"type":"PHONE_NUMBER","title":"B","phone":"123"}]}"#,
        [
          "data.actions[0].type is required: URL, PHONE_NUMBER, COPY_CODE, VOICE_CALL, VOICE_CALL_REQUEST",
          "data.actions[1].phone must be a phone number in E.164, such as +14155550123",
        ]
      ),
      (
        .card, #"{"subtitle":"x"}"#, ["data needs a title or a body"]
      ),
      (.card, #"{"title":"x"}"#, ["data needs one more of title, body, subtitle, media and actions"]),
      (
        .carousel, #"{"body":"x","cards":[{"body":"y","actions":[]}]}"#,
        ["data.cards[0].media is required", "data.cards[0].actions must have 1 to 2 entries"]
      ),
      (
        .whatsAppCard, #"{"body":"x","header_text":"h","media":["https://example.com/a.png"]}"#,
        ["data.header_text cannot stand beside media"]
      ),
    ] as [(InteractiveType, String, [String])])
  func refused(type: InteractiveType, json: String, faults: [String]) throws {
    #expect(try Self.faults(type, json) == faults)
  }

  @Test("each channel has its own limits")
  func channels() throws {
    let four = #"{"body":"x","actions":[{"title":"1"},{"title":"2"},{"title":"3"},{"title":"4 and twenty more ones"}]}"#
    #expect(
      try Self.faults(.quickReply, four) == [
        "data.actions must have 1 to 3 entries", "data.actions[3].title may have 20 characters at most",
      ])
    #expect(try Self.faults(.quickReply, four, .rcs) == [])
    #expect(try Self.faults(.quickReply, four, .messenger).count == 1)
  }

  @Test("kinds go by our words and by Twilio's names")
  func words() {
    for type in InteractiveType.allCases {
      #expect(InteractiveType(word: type.rawValue) == type && InteractiveType(word: type.contentType) == type)
    }
    #expect(InteractiveType(word: "twilio/text") == nil && InteractiveType(word: "") == nil)
  }

  @Test("what is alike is deposited under one name, whatever the order of its members")
  func digest() throws {
    let one = DepositedContent(type: .quickReply, data: ["body": "x", "actions": [["title": "A", "id": "a"]]])
    let same = DepositedContent(type: .quickReply, data: ["actions": [["id": "a", "title": "A"]], "body": "x"])
    #expect(one.digest == same.digest && one.digest.utf8.count == 64)
    #expect(one.digest != DepositedContent(type: .card, data: one.data).digest)
    let json = try #require(JSONValue(parsing: one.json))
    #expect(json["friendly_name"]?.stringValue == "fractal_\(one.digest.prefix(32))")
    #expect(json["language"] == "en" && json["types"]?["twilio/quick-reply"] == one.data)
  }
}
