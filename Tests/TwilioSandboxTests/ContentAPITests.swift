// The Content API: templates, their pages and approvals, and what messages made of them say.

import Foundation
import Testing

@testable import TwilioSandbox

@Suite("The Content API")
struct ContentAPITests {
  private static let new = """
    {"friendly_name":"order_update","language":"en","variables":{"1":"Alex"},
     "types":{"twilio/text":{"body":"Hi {{1}}."}}}
    """

  @Test("a template is created, fetched, listed and deleted; nobody has approved it")
  func life() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let created = try await client.send(.post, "/v1/Content", json: Self.new)
      #expect(created.status == 201)
      let sid = try created.json["sid"]?.string ?? ""
      #expect(SandboxSID.isValid(sid, prefix: "HX"))
      let base = try await sandbox.started()
      #expect(try created.json["links"]?["approval_fetch"]?.string == "\(base)/v1/Content/\(sid)/ApprovalRequests")
      let fetched = try await client.send(.get, "/v1/Content/\(sid)")
      #expect(try fetched.json["types"]?["twilio/text"]?["body"] == .string("Hi {{1}}."))
      let approval = try await client.send(.get, "/v1/Content/\(sid)/ApprovalRequests")
      #expect(try approval.json["whatsapp"]?["status"] == .string("unsubmitted"))
      let list = try await client.send(.get, "/v1/Content?PageSize=1")
      #expect(try list.json["contents"]?.array?.first?["sid"] == .string(sid))
      #expect(try await client.send(.delete, "/v1/Content/\(sid)").status == 204)
      for path in ["/v1/Content/\(sid)", "/v1/Content/\(sid)/ApprovalRequests"] {
        let gone = try await client.send(.get, path)
        #expect(gone.status == 404)
        #expect(try gone.json["code"] == .integer(20404))
      }
      #expect(try await client.send(.delete, "/v1/Content/\(sid)").status == 404)
    }
  }

  @Test("the list with approvals goes on over absolute URLs to its end, each template once")
  func pages() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let base = try await sandbox.started()
      var seen: [String] = []
      var next: String? = "/v1/ContentAndApprovals?PageSize=4"
      while let path = next {
        let page = try await client.send(.get, path).json
        seen += (page["contents"]?.array ?? []).compactMap { $0["sid"]?.string }
        next = page["meta"]?["next_page_url"]?.string
        #expect(page["meta"]?["key"] == .string("contents"))
        if let next { #expect(next.hasPrefix(base + "/v1/ContentAndApprovals?")) }
      }
      #expect(
        seen == [
          SandboxTemplate.menuSID, SandboxTemplate.appointmentSID, SandboxTemplate.loginCodeSID,
          SandboxTemplate.prizeDrawSID, SandboxTemplate.summerSaleSID, SandboxTemplate.orderUpdateSID,
        ])
      let gone = try await client.send(.get, "/v1/ContentAndApprovals?PageToken=DNHXgone")
      #expect(try gone.json["contents"]?.array?.isEmpty == true)
    }
  }

  @Test("who does not sign in gets nothing; a body that is no template is refused; chaos fails calls")
  func refusals() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      #expect(try await client.send(.get, "/v1/Content", signsIn: false).status == 401)
      for json in ["{", "[]", "{}", #"{"language":"en"}"#, #"{"language":"en","types":{"twilio/text":1}}"#] {
        #expect(try await client.send(.post, "/v1/Content", json: json).status == 400, "\(json)")
      }
      let chaos = try Chaos(json: JSONValue(parsing: #"{"failContent":{"count":2,"status":503}}"#.utf8))
      #expect(chaos.json["failContent"]?["count"] == .integer(2))
      sandbox.setChaos(chaos)
      #expect(try await client.send(.get, "/v1/ContentAndApprovals").status == 503)
      #expect(try await client.send(.get, "/v1/Content").status == 503)
      #expect(try await client.send(.get, "/v1/Content").status == 200)
    }
  }

  @Test("a message made of a template says what the template says, with the values put in")
  func messages() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      func body(_ sid: String, _ variables: String, to: String = "whatsapp:+447700900123") async throws -> String? {
        let from = to.hasPrefix("whatsapp:") ? "whatsapp:+14155238886" : "+15005550006"
        let created = try await client.create([
          "To": to, "From": from, "ContentSid": sid, "ContentVariables": variables,
        ])
        #expect(created.status == 201)
        return try created.json["body"]?.string
      }
      let order = SandboxTemplate.orderUpdateSID
      #expect(try await body(order, #"{"1":"Ada","2":"17"}"#) == "Hi Ada, your order 17 is on its way.")
      // The samples, to a real person.
      #expect(try await body(order, #"{"1":"Ada"}"#) == "Hi Ada, your order 4711 is on its way.")
      #expect(try await body(SandboxTemplate.loginCodeSID, #"{"1":"77"}"#) == "77 is your verification code.")
      let appointment = SandboxTemplate.appointmentSID
      #expect(try await body(appointment, #"{"2":"Friday"}"#) == "Hi Alex, shall we see you on Friday as agreed?")
      #expect(
        try await body(appointment, "{}", to: "+14155550101")
          == "Hi Alex, shall we see you on Monday as agreed? YES or NO")
      _ = try await body(SandboxTemplate.summerSaleSID, #"{"2":"a.png"}"#)
      #expect(sandbox.messages(limit: 1).first?.media.map(\.source) == [.url("https://example.com/a.png")])
    }
  }

  @Test("an unknown template is 21655, values that WhatsApp refuses are 21656")
  func errors() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      func code(_ sid: String, _ variables: String) async throws -> Int? {
        let answer = try await client.create([
          "To": "whatsapp:+447700900123", "From": "whatsapp:+14155238886", "ContentSid": sid,
          "ContentVariables": variables,
        ])
        return try answer.json["code"]?.integer
      }
      let unknown = try await code("HX" + String(repeating: "0", count: 32), "{}")
      #expect(unknown == 21655)
      for variables in [#"{"1":"a\nb"}"#, #"{"1":"a\tb"}"#, #"{"1":"a     b"}"#, #"{"1":7}"#] {
        let refused = try await code(SandboxTemplate.orderUpdateSID, variables)
        #expect(refused == 21656, "\(variables)")
      }
      #expect(sandbox.messages().isEmpty)
    }
  }

  @Test("with the window enforced, only an approved template goes out outside of it")
  func approvals() async throws {
    var configuration = SandboxConfiguration.test
    configuration.enforcesWhatsAppWindow = true
    try await Sandbox.withRunning(configuration) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      for (template, code) in [
        (SandboxTemplate.orderUpdateSID, nil), (SandboxTemplate.summerSaleSID, 63016),
        (SandboxTemplate.prizeDrawSID, 63040),
      ] {
        let sid = try await client.sid([
          "To": "whatsapp:+447700900123", "From": "whatsapp:+14155238886", "ContentSid": template,
        ])
        try await client.wait(sid, for: code == nil ? .read : .failed)
        #expect(sandbox.messages(limit: 1).first?.errorCode == code)
      }
    }
  }

  @Test(
    "answers conform to Twilio's description",
    .enabled(if: FileManager.default.fileExists(atPath: Fixture.openAPI.path)))
  func conformance() async throws {
    let file = Fixture.openAPI.deletingLastPathComponent().appending(path: "twilio_content_v1.json")
    let document = OpenAPIDocument(json: try JSONValue(parsing: Data(contentsOf: file)))
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let sid = SandboxTemplate.orderUpdateSID
      for (path, method, status, answer) in [
        ("/v1/Content", "post", 201, try await client.send(.post, "/v1/Content", json: Self.new)),
        ("/v1/Content", "get", 200, try await client.send(.get, "/v1/Content?PageSize=2")),
        ("/v1/ContentAndApprovals", "get", 200, try await client.send(.get, "/v1/ContentAndApprovals?PageSize=2")),
        ("/v1/Content/{Sid}", "get", 200, try await client.send(.get, "/v1/Content/\(sid)")),
        (
          "/v1/Content/{Sid}/ApprovalRequests", "get", 200,
          try await client.send(.get, "/v1/Content/\(sid)/ApprovalRequests")
        ),
      ] {
        let schema = try #require(document.response(path, method, status))
        #expect(answer.status == status)
        #expect(document.problems(try answer.json, schema) == [], "\(path)")
      }
    }
  }
}
