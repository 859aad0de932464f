// Requests are read strictly, and told of everything that is wrong with them at once.

import ChannelProtocol
import Foundation
import HTTPTypes
import Testing

@testable import Gateway

@Suite("The body of a request to send")
struct SendRequestTests {
  private func read(_ json: String) throws -> SendRequest {
    try SendRequest(BodyReader.parse(Array(json.utf8)))
  }

  private func problem(_ json: String) -> Problem? {
    do {
      _ = try read(json)
      return nil
    } catch {
      return error as? Problem
    }
  }

  @Test("a prefix implies the type and is taken off")
  func prefix() throws {
    let request = try read(#"{"to":"whatsapp:+14155550123","body":"Hi"}"#)
    #expect(request.to == "+14155550123" && request.impliedType == .whatsapp)
    #expect(try read(#"{"to":"+14155550123","body":"Hi"}"#).impliedType == nil)
  }

  @Test("everything that is wrong is named at once")
  func allAtOnce() {
    let problem = problem(
      #"{"to":7,"body":true,"media":["ftp://x"],"validFor":0,"bodi":"x","metadata":{"a":1},"replyTo":"x"}"#)
    #expect(problem?.status == .unprocessableContent)
    #expect(
      Set(problem?.errors.map(\.field) ?? []) == [
        "to", "body", "media[0]", "validFor", "bodi", "metadata.a", "replyTo",
      ])
  }

  @Test(
    "a body that is no JSON object is told apart from one that is wrong",
    arguments: [("{", 400), ("[]", 422), ("\"x\"", 422), ("", 400), ("{\"to\":1}", 422)])
  func malformed(json: String, status: Int) {
    #expect(problem(json)?.status.code == status)
  }

  @Test("null counts as left out, and something must be said")
  func nothingToSay() {
    #expect(problem(#"{"to":"+14155550123","body":null}"#)?.errors.map(\.field) == ["body"])
    #expect(problem(#"{"to":"+14155550123","body":""}"#)?.errors.map(\.field) == ["body"])
  }

  @Test("a request whose optional fields are all null is taken")
  func allNull() throws {
    let request = try read(
      #"{"to":"+14155550123","body":"Hi","channel":null,"media":null,"content":null,"contentSid":null,"variables":null,"scheduledAt":null,"validFor":null,"replyTo":null,"metadata":null}"#
    )
    #expect(request.body == "Hi" && request.channel == nil && request.media.isEmpty && request.metadata.isEmpty)
  }

  @Test("text as content is the body by another name: the same bounds, and not both")
  func textAsContent() throws {
    func content(_ text: String) -> String { #"{"to":"+14155550123","content":{"kind":"text","text":"\#(text)"}}"# }
    #expect(try read(content("Hi")).body == "Hi")
    #expect(problem(content(String(repeating: "x", count: 1_601)))?.errors.map(\.field) == ["content.text"])
    #expect(problem(content(""))?.errors.map(\.field) == ["content.text"])
    #expect(problem(content(#"a\u0000b"#))?.errors.map(\.field) == ["content"])
    #expect(
      problem(#"{"to":"+14155550123","body":"x","content":{"kind":"text","text":"y"}}"#)?.errors.map(\.field)
        == ["content"])
    #expect(
      problem(#"{"to":"+14155550123","content":{"kind":"location","latitude":99,"longitude":-200}}"#)?.errors
        .map(\.field) == ["content.latitude", "content.longitude"])
  }

  @Test(
    "what stands where it means nothing is named",
    arguments: [
      (#""content":{"kind":"text","text":"x","colour":1}"#, ["content.colour"]),
      (#""content":{"kind":"text","text":" "}"#, ["content.text"]),
      (#""content":{"kind":"location","latitude":1,"longitude":2,"lable":"x"}"#, ["content.lable"]),
      (#""content":{"kind":"location","latitude":1,"longitude":2,"label":7}"#, ["content.label"]),
      (#""content":{"kind":"location","latitude":1}"#, ["content.longitude"]),
      (#""content":{"kind":"template","sid":"HX1","variables":{"1":2}}"#, ["content.variables.1"]),
      (#""content":{"kind":"template"}"#, ["content.sid"]),
      (#""content":{"kind":"interactive","type":"card","date":{}}"#, ["content.date"]),
      (#""content":{"kind":"media","text":"x"},"media":["https://example.com/a.png"]"#, ["content.text"]),
      (#""content":{"kind":"pigeon"}"#, ["content"]), (#""content":{}"#, ["content.kind"]),
      (#""content":"x""#, ["content"]), (#""contentSid":"""#, ["contentSid"]),
      (#""contentSid":"HX1","body":"x""#, ["body"]),
      (#""contentSid":"HX1","media":["https://example.com/a.png"]"#, ["media"]),
      (#""body":"x","variables":{"1":"y"}"#, ["variables"]), (#""body":" \n""#, ["body"]),
      (#""media":["https://"]"#, ["media[0]"]), (#""media":["http:example.com"]"#, ["media[0]"]),
      (#""media":["https://exa mple.com/"]"#, ["media[0]"]), (#""media":["https:///a.png"]"#, ["media[0]"]),
    ])
  func misplaced(members: String, fields: [String]) {
    #expect(problem("{\"to\":\"+14155550123\",\(members)}")?.errors.map(\.field) == fields)
  }

  @Test("1,600 characters are carried and one more is not")
  func length() {
    func body(_ count: Int) -> String { #"{"to":"+14155550123","body":"\#(String(repeating: "é", count: count))"}"# }
    #expect(problem(body(1_600)) == nil)
    #expect(problem(body(1_601))?.errors.map(\.field) == ["body"])
  }

  @Test("NUL never gets as far as the database")
  func nul() {
    #expect(problem(#"{"to":"+14155550123","body":"a\u0000b"}"#)?.errors.map(\.field) == ["body"])
  }

  @Test("metadata has bounds", arguments: [50, 51])
  func metadata(count: Int) throws {
    let members = (0..<count).map { "\"k\($0)\":\"v\"" }.joined(separator: ",")
    let problem = problem(#"{"to":"+14155550123","body":"x","metadata":{\#(members)}}"#)
    #expect((problem == nil) == (count <= 50))
  }
}

@Suite("Recipients' addresses")
struct AddressCheckTests {
  @Test(
    "E.164 or nothing, for phones",
    arguments: [
      ("+14155550123", true), ("+447700900123", true), ("14155550123", false), ("+0415555012", false), ("+1", false),
      ("+1415555012345678", false), ("+1 4155550123", false), ("EXAMPLEBANK", false), ("", false),
    ])
  func phones(address: String, isGood: Bool) {
    #expect((AddressCheck.problem(address, ChannelCapabilities(recipients: .phone)) == nil) == isGood)
  }

  @Test(
    "a user's id beside phones",
    arguments: [
      ("+14155550123", true), ("US.1349abc", true), ("+1", false), ("no id", false), ("", false),
    ])
  func ids(address: String, isGood: Bool) {
    #expect((AddressCheck.problem(address, ChannelCapabilities(recipients: .phoneOrID)) == nil) == isGood)
  }

  @Test(
    "a user's id alone, never a phone",
    arguments: [
      ("2000000000000002", true), ("user.name", true), ("+14155550123", false), ("no id", false), ("", false),
    ])
  func onlyIDs(address: String, isGood: Bool) {
    #expect((AddressCheck.problem(address, ChannelCapabilities(recipients: .id)) == nil) == isGood)
  }
}
