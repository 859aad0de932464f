// The REST API over a real connection: authentication, pages, updates, media.

import AsyncHTTPClient
import Testing

@testable import TwilioSandbox

@Suite("The Messages API")
struct MessagesAPITests {
  private static let messages = SandboxClient.path("/Messages.json")

  @Test("an account opens with its token or with an API key, and with nothing else")
  func authentication() async throws {
    var configuration = SandboxConfiguration.test
    let key = "SK" + String(repeating: "c", count: 32)
    configuration.accounts[0].apiKeys = [key: "secret"]
    configuration.accounts.append(SandboxAccount(sid: "AC" + String(repeating: "d", count: 32), authToken: "other"))
    try await Sandbox.withRunning(configuration) { sandbox in
      var client = SandboxClient(sandbox: sandbox)
      #expect(try await client.send(.get, Self.messages).status == 200)
      let unsigned = try await client.send(.get, Self.messages, signsIn: false)
      #expect(unsigned.status == 401)
      #expect(unsigned.header("WWW-Authenticate") == "Basic realm=\"Twilio API\"")
      #expect(try unsigned.json["code"] == .integer(20003))
      #expect(unsigned.header("Twilio-Request-Id")?.hasPrefix("RQ") == true)
      for (user, password, status) in [
        (key, "secret", 200), (key, "wrong", 401), (SandboxAccount.defaultSID, "wrong", 401),
        (configuration.accounts[1].sid, "other", 401), (SandboxAccount.defaultSID, "", 401),
      ] {
        client.user = user
        client.password = password
        #expect(try await client.send(.get, Self.messages).status == status, "\(user)")
      }
    }
  }

  @Test("pages follow each other by their URIs, forward and back, while messages come in")
  func paging() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      for number in 0..<7 {
        _ = try await client.sid(["To": "+14155550101", "From": "+15005550006", "Body": "\(number)"])
        _ = try await client.sid(["To": "+14155550102", "From": "+15005550006", "Body": "other"])
      }
      func page(_ uri: String) async throws -> (bodies: [String], json: JSONValue) {
        let json = try await client.send(.get, uri).json
        return ((json["messages"]?.array ?? []).compactMap { $0["body"]?.string }, json)
      }
      let first = try await page(Self.messages + "?To=%2B14155550101&PageSize=3")
      #expect(first.bodies == ["6", "5", "4"])
      #expect(first.json["previous_page_uri"] == .null)
      #expect(first.json["uri"] == .string(Self.messages + "?To=%2B14155550101&PageSize=3&Page=0"))
      #expect(first.json["end"] == .integer(2))
      _ = try await client.sid(["To": "+14155550101", "From": "+15005550006", "Body": "7"])
      let second = try await page(try #require(first.json["next_page_uri"]?.string))
      #expect(second.bodies == ["3", "2", "1"])
      #expect(second.json["start"] == .integer(3))
      let third = try await page(try #require(second.json["next_page_uri"]?.string))
      #expect(third.bodies == ["0"])
      #expect(third.json["next_page_uri"] == .null)
      let back = try await page(try #require(third.json["previous_page_uri"]?.string))
      #expect(back.bodies == ["3", "2", "1"])
      let front = try await page(try #require(back.json["previous_page_uri"]?.string))
      #expect(front.bodies == ["6", "5", "4"])
      #expect(try await page(Self.messages).bodies.count == 15)
    }
  }

  @Test("dates filter by day, from a day on, up to a day, and by the second; nonsense is refused")
  func dates() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let sid = try await client.sid(["To": "+14155550101", "From": "+15005550006", "Body": "x"])
      let sent = try #require(sandbox.messages().first?.created)
      let civil = sent.rfc2822.split(separator: " ")
      let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
      let month = try #require(months.firstIndex(of: String(civil[2]))) + 1
      let day = "\(civil[3])-\(month < 10 ? "0" : "")\(month)-\(civil[1])"
      for (query, count) in [
        ("DateSent=\(day)", 1), ("DateSent%3E=\(day)", 1), ("DateSent%3C=\(day)", 1), ("DateSent%3C=2020-01-01", 0),
        ("DateSent%3E=\(day)T00:00:00Z&DateSent%3C=\(day)T23:59:59Z", 1), ("DateSent=2020-01-01", 0),
        ("DateSent%3E=2100-01-01T00%3A00%3A00Z", 0), ("From=%2B15005550006&To=%2B14155550101", 1),
        ("From=%2B14155550101", 0),
      ] {
        let list = try await client.send(.get, Self.messages + "?" + query).json["messages"]?.array
        #expect(list?.count == count, "\(query)")
        if count == 1 { #expect(list?.first?["sid"] == .string(sid)) }
      }
      #expect(try await client.send(.get, Self.messages + "?DateSent=soon").status == 400)
    }
  }

  @Test("a message is redacted, cannot be canceled any more, and is deleted only when it is finished")
  func update() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let stuck = try await client.sid(["To": "+15005550190", "From": "+15005550006", "Body": "x"])
      let stuckPath = SandboxClient.path("/Messages/\(stuck).json")
      #expect(try await client.send(.delete, stuckPath).json["code"] == .integer(20009))

      let sid = try await client.sid(["To": "+14155550101", "From": "+15005550006", "Body": "secret"])
      let path = SandboxClient.path("/Messages/\(sid).json")
      try await client.wait(sid, for: .delivered)
      #expect(try await client.send(.post, path, form: FormFields(["Body": ""])).json["body"] == .string(""))
      #expect(try await client.send(.post, path, form: FormFields(["Body": "new"])).status == 400)
      let late = try await client.send(.post, path, form: FormFields(["Status": "canceled"]))
      #expect(try late.json["code"] == .integer(30409))
      let deleted = try await client.send(.delete, path)
      #expect(deleted.status == 204)
      #expect(deleted.text.isEmpty)
      let gone = try await client.send(.get, path)
      #expect(gone.status == 404)
      #expect(try gone.json["message"] == .string("The requested resource \(path) was not found"))
    }
  }

  @Test("an unknown path is Twilio's 404 for whoever signs in; without .json the answer is XML")
  func unknown() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let calls = try await client.send(.get, SandboxClient.path("/Calls.json"))
      #expect(try calls.json["code"] == .integer(20404))
      #expect(try await client.send(.get, SandboxClient.path("/Calls.json"), signsIn: false).status == 401)
      let xml = try await client.send(.get, SandboxClient.path("/Messages"))
      #expect(xml.header("Content-Type") == "application/xml")
      #expect(try await client.send(.get, SandboxClient.path("/Messages/SMx.json")).status == 404)
    }
  }

  @Test("media: the metadata, a redirect to a signed URL that needs no credentials, and an end")
  func media() async throws {
    var configuration = SandboxConfiguration.test
    configuration.contentRefusesCredentials = true
    try await Sandbox.withRunning(configuration) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      let text = InboundText(
        from: "+14155550101",
        media: [
          .init(contentType: "text/vcard", bytes: [1, 2, 3]), .init(contentType: "image/png", url: "http://a.b/c"),
        ])
      let sid = try await sandbox.receive(text).sid
      let media = try #require(sandbox.messages().first?.media)
      let file = SandboxClient.path("/Messages/\(sid)/Media/\(media[0].sid)")
      #expect(try await client.send(.get, file, signsIn: false).status == 401)
      let redirect = try await client.redirect(file)
      #expect(redirect.status == 307)
      let target = try #require(redirect.header("Location"))
      let content = try await client.send(.get, target, signsIn: false)
      #expect(content.status == 200)
      #expect(content.header("Content-Type") == "text/vcard")
      #expect(content.content == [1, 2, 3])
      #expect(try await client.send(.get, target).status == 400)
      #expect(try await client.send(.get, target + "0", signsIn: false).status == 403)
      let elsewhere = try await client.redirect(SandboxClient.path("/Messages/\(sid)/Media/\(media[1].sid)"))
      #expect(elsewhere.header("Location") == "http://a.b/c")
      #expect(try await client.send(.delete, file + ".json").status == 204)
      #expect(try await client.send(.get, file + ".json").status == 404)
      #expect(try await client.send(.get, target, signsIn: false).status == 404)
    }
  }

  @Test("a sandbox whose port is taken ends with an error, and those who wait for it hear of it")
  func portTaken() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let port = try #require(sandbox.baseURL?.split(separator: ":").last.flatMap { Int($0) })
      var configuration = SandboxConfiguration.test
      configuration.port = port
      await #expect(throws: SandboxStopped.self) { try await Sandbox.withRunning(configuration) { _ in } }
      await #expect(throws: (any Error).self) { try await Sandbox(configuration).run() }
    }
  }
}
