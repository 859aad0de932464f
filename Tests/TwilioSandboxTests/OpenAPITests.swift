// Requests and answers against Twilio's own description of its API.

import Foundation
import Testing

@testable import TwilioSandbox

@Suite("Twilio's OpenAPI description", .enabled(if: FileManager.default.fileExists(atPath: Fixture.openAPI.path)))
struct OpenAPITests {
  private static let account = "/2010-04-01/Accounts/{AccountSid}"

  private static func document() throws -> OpenAPIDocument {
    OpenAPIDocument(json: try JSONValue(parsing: Data(contentsOf: Fixture.openAPI)))
  }

  private static let service = "MG" + String(repeating: "a", count: 32)

  /// Requests of every kind that the sandbox accepts.
  private static let forms: [FormFields] = [
    FormFields(["To": "+14155550101", "From": "+15005550006", "Body": "Hello 👋"]),
    FormFields([
      "To": "+14155550101", "From": "+15005550006", "MediaUrl": "https://cdn.example.com/a.jpg",
      "StatusCallback": "http://127.0.0.1:9/status?k=1", "ValidityPeriod": "60", "SmartEncoded": "true",
      "ProvideFeedback": "false", "RiskCheck": "disable", "ContentRetention": "retain", "Attempt": "1",
    ]),
    FormFields([
      "To": "+14155550101", "MessagingServiceSid": service, "Body": "later", "ScheduleType": "fixed",
      "SendAt": "2100-01-01T00:00:00Z",
    ]),
    FormFields([
      "To": "whatsapp:+447700900123", "MessagingServiceSid": service,
      "ContentSid": SandboxTemplate.orderUpdateSID, "ContentVariables": #"{"1":"Alex"}"#,
    ]),
    FormFields([
      "To": "whatsapp:+447700900123", "From": "whatsapp:+14155238886", "Body": "here",
      "PersistentAction": "geo:37.78,-122.41|label",
    ]),
    FormFields(["To": "+15005550103", "From": "+15005550006", "Body": "will not arrive"]),
  ]

  @Test("what it accepts and what it answers conform, through the whole life of messages of every kind")
  func messages() async throws {
    let document = try Self.document()
    let createRequest = try #require(document.request(Self.account + "/Messages.json", "post"))
    let createAnswer = try #require(document.response(Self.account + "/Messages.json", "post", 201))
    let fetchAnswer = try #require(document.response(Self.account + "/Messages/{Sid}.json", "get", 200))
    let updateAnswer = try #require(document.response(Self.account + "/Messages/{Sid}.json", "post", 200))
    let listAnswer = try #require(document.response(Self.account + "/Messages.json", "get", 200))

    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      for var form in Self.forms {
        if form["SendAt"] != nil { form.set("SendAt", Self.inAnHour) }
        #expect(document.problems(form: form, createRequest) == [])
        let created = try await client.send(.post, SandboxClient.path("/Messages.json"), form: form)
        #expect(created.status == 201)
        #expect(document.problems(try created.json, createAnswer) == [])
        let path = SandboxClient.path("/Messages/\(try created.json["sid"]?.string ?? "").json")
        #expect(document.problems(try await client.send(.get, path).json, fetchAnswer) == [])
        let redacted = try await client.send(.post, path, form: FormFields(["Body": ""]))
        #expect(document.problems(try redacted.json, updateAnswer) == [])
      }
      _ = try await sandbox.receive(
        InboundText(from: "+14155550101", body: "hi", media: [.init(contentType: "image/png")]))
      try await until("all have ended") { sandbox.messages().filter { $0.status.isUnfinished }.count == 1 }
      let list = try await client.send(.get, SandboxClient.path("/Messages.json?PageSize=4"))
      #expect(document.problems(try list.json, listAnswer) == [])
      #expect(try list.json["messages"]?.array?.count == 4)
    }
  }

  private static var inAnHour: String {
    let seconds = (UTCTime.now + .seconds(3600)).microseconds / 1_000_000
    return Date(timeIntervalSince1970: Double(seconds)).ISO8601Format()
  }

  @Test("media, feedback and account conform")
  func media() async throws {
    let document = try Self.document()
    let message = Self.account + "/Messages/{MessageSid}"
    let listAnswer = try #require(document.response(message + "/Media.json", "get", 200))
    let fetchAnswer = try #require(document.response(message + "/Media/{Sid}.json", "get", 200))
    let feedbackAnswer = try #require(document.response(message + "/Feedback.json", "post", 200))
    let accountAnswer = try #require(document.response("/2010-04-01/Accounts/{Sid}.json", "get", 200))

    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let sid = try await sandbox.receive(
        InboundText(from: "+14155550101", media: [.init(contentType: "image/png"), .init(contentType: "text/vcard")])
      ).sid
      let list = try await client.send(.get, SandboxClient.path("/Messages/\(sid)/Media.json?PageSize=1")).json
      #expect(document.problems(list, listAnswer) == [])
      let media = try #require(list["media_list"]?.array?.first?["sid"]?.string)
      let metadata = try await client.send(.get, SandboxClient.path("/Messages/\(sid)/Media/\(media).json"))
      #expect(document.problems(try metadata.json, fetchAnswer) == [])
      let feedback = try await client.send(
        .post, SandboxClient.path("/Messages/\(sid)/Feedback.json"), form: FormFields(["Outcome": "confirmed"]))
      #expect(document.problems(try feedback.json, feedbackAnswer) == [])
      #expect(document.problems(try await client.send(.get, SandboxClient.path(".json")).json, accountAnswer) == [])
    }
  }

  @Test("the validator itself finds what is wrong")
  func validator() throws {
    let document = try Self.document()
    let schema = try #require(document.response(Self.account + "/Messages.json", "post", 201))
    let wrong = JSONValue.object([
      "sid": .string("XX1"), "status": .string("gone"), "num_media": .integer(0), "error_code": .string("1"),
      "date_created": .string("2026-01-01"), "surprise": .null, "direction": .null,
    ])
    #expect(document.problems(wrong, schema).count == 7)
  }
}
