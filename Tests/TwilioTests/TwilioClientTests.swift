// The REST client against the recorded requests and answers under api/.

import ChannelProtocol
import Foundation
import HTTPTypes
import Testing

@testable import Twilio

@Suite struct TwilioClientTests {
  private func client(_ answers: [ScriptedTransport.Answer], account: Account = .test) -> (
    TwilioClient, ScriptedTransport
  ) {
    let transport = ScriptedTransport(answers)
    return (TwilioClient(account: account, transport: transport), transport)
  }

  private func failure(_ body: () async throws(TwilioFailure) -> Void) async -> TwilioFailure? {
    do throws(TwilioFailure) {
      try await body()
      return nil
    } catch {
      return error
    }
  }

  @Test("creating a message posts the form with credentials and reads the resource")
  func create() async throws {
    let (client, transport) = client([try .init(fixture: "create_sms_201_queued.json")])
    var request = MessageRequest(to: "+14155550101")
    request.from = "+15005550006"
    request.body = "Hello"
    let message = try await client.create(request)
    #expect(message.sid == "SMfeedc0de000000000000000000000101" && message.status == "queued")
    #expect(message.dateCreated == Timestamp(rfc3339: "2026-09-30T15:42:01Z") && message.segmentCount == 1)
    let asked = try #require(transport.asked.first)
    #expect(asked.request.method == .post)
    #expect(asked.url == "https://api.twilio.com/2010-04-01/Accounts/\(Sample.accountSID)/Messages.json")
    #expect(String(decoding: asked.body, as: UTF8.self) == "To=%2B14155550101&From=%2B15005550006&Body=Hello")
    let credentials = Data("\(Sample.accountSID):test_auth_token_primary".utf8).base64EncodedString()
    #expect(asked.request.headerFields[.authorization] == "Basic \(credentials)")
    #expect(asked.request.headerFields[.contentType] == "application/x-www-form-urlencoded")
  }

  @Test("an API key calls in place of the token, and the account stays in the path")
  func apiKey() async throws {
    var account = Account.test
    account.apiKey = "SKfeedc0de"
    account.apiSecret = Secret("s3cret")
    account.baseURL = "http://127.0.0.1:4010/"
    let (client, transport) = client([try .init(fixture: "fetch_200_delivered.json")], account: account)
    let message = try await client.message(sid: "SMfeedc0de000000000000000000000101")
    #expect(message.price == "-0.00830" && message.dateSent != nil)
    let asked = try #require(transport.asked.first)
    #expect(
      asked.url
        == "http://127.0.0.1:4010/2010-04-01/Accounts/\(Sample.accountSID)/Messages/SMfeedc0de000000000000000000000101.json"
    )
    #expect(
      asked.request.headerFields[.authorization] == "Basic \(Data("SKfeedc0de:s3cret".utf8).base64EncodedString())")
  }

  @Test("a void token is refused once: the call is made again with the next, and so are all that follow")
  func tokens() async throws {
    let refusal = ScriptedTransport.Answer(status: 401, body: Array(#"{"code":20003,"message":"Authenticate"}"#.utf8))
    let (client, transport) = client([
      refusal, try .init(fixture: "create_sms_201_queued.json"), try .init(fixture: "fetch_200_delivered.json"),
      refusal, refusal,
    ])
    #expect(try await client.create(MessageRequest(to: "+14155550101")).status == "queued")
    _ = try await client.message(sid: "SM1")
    let refused = await failure { () throws(TwilioFailure) in _ = try await client.message(sid: "SM1") }
    guard case .api(let error) = refused else {
      Issue.record("\(String(describing: refused))")
      return
    }
    #expect(error.code == 20003 && SendFailure(error).senderPause == .seconds(60))
    func header(_ token: String) -> String {
      "Basic \(Data("\(Sample.accountSID):\(token)".utf8).base64EncodedString())"
    }
    #expect(
      transport.asked.map { $0.request.headerFields[.authorization] }
        == ["test_auth_token_primary", "second", "second", "second", "test_auth_token_primary"].map(header))
    #expect(transport.asked[0].body == transport.asked[1].body)
  }

  @Test("updating and deleting ask what the fixtures record")
  func updates() async throws {
    let (client, transport) = client([
      try .init(fixture: "update_redact_200.json"), try .init(fixture: "update_cancel_200.json"),
      try .init(fixture: "delete_204.json"), try .init(fixture: "update_cancel_400_too_late.json"),
      try .init(fixture: "delete_409_not_finished.json"),
    ])
    #expect(try await client.redact(sid: "SM1").body == "")
    #expect(try await client.cancel(sid: "SM2").status == "canceled")
    try await client.delete(sid: "SM3")
    let late = await failure { () throws(TwilioFailure) in _ = try await client.cancel(sid: "SM2") }
    let unfinished = await failure { () throws(TwilioFailure) in try await client.delete(sid: "SM3") }
    guard case .api(let tooLate) = late, case .api(let busy) = unfinished else {
      Issue.record("no API errors")
      return
    }
    #expect(tooLate.code == 30409 && tooLate.status == 400 && tooLate.requestID?.hasPrefix("RQ") == true)
    #expect(busy.code == 20009 && busy.status == 409)
    #expect(transport.asked.map(\.request.method) == [.post, .post, .delete, .post, .delete])
    #expect(
      transport.asked.map { String(decoding: $0.body, as: UTF8.self) }[0...2] == ["Body=", "Status=canceled", ""])
  }

  @Test("a listing follows the next page byte for byte and stops at the end")
  func paging() async throws {
    let (client, transport) = client([
      try .init(fixture: "list_200_page1.json"), try .init(fixture: "list_200_last_page.json"),
    ])
    let listing = try await client.messages(MessageFilter(to: "+14155550101", pageSize: 2))
    #expect(listing.messages.count == 3 && listing.isComplete)
    let expected = try ["list_200_page1.json", "list_200_last_page.json"].map {
      try Fixtures.json("api/\($0)")["request"]?["url"]?.stringValue
    }
    #expect(transport.asked.map(\.url) == expected)
  }

  @Test("a listing that never ends is cut off, and one that is told to stop stops")
  func endlessPaging() async throws {
    let page = try ScriptedTransport.Answer(fixture: "list_200_page1.json")
    let (endless, first) = client(Array(repeating: page, count: 10))
    let listing = try await endless.messages(MessageFilter(), maximumPages: 4)
    #expect(first.asked.count == 4 && !listing.isComplete)
    let (stopped, second) = client(Array(repeating: page, count: 10))
    #expect(try await !stopped.messages(MessageFilter(), while: { _ in false }).isComplete)
    #expect(second.asked.count == 1)
  }

  @Test("the comparison sign of a date belongs to the parameter's name")
  func dateFilter() async throws {
    let (client, transport) = client([try .init(fixture: "list_200_empty.json")])
    let filter = MessageFilter(
      to: "whatsapp:+1", from: "+2", sentSince: Timestamp(rfc3339: "2026-10-01T03:00:00Z"), pageSize: 50)
    #expect(try await client.messages(filter).messages.isEmpty)
    #expect(
      transport.asked.first?.request.path?.hasSuffix(
        "/Messages.json?To=whatsapp%3A%2B1&From=%2B2&DateSent%3E=2026-10-01&PageSize=50") == true)
  }

  @Test("a next page at another host is not followed, nor a SID that leads elsewhere")
  func noDetours() async throws {
    let answer = ScriptedTransport.Answer(body: Array(#"{"messages":[],"next_page_uri":"//evil.example/x"}"#.utf8))
    let (client, transport) = client([answer])
    let detour = await failure { () throws(TwilioFailure) in _ = try await client.messages(MessageFilter()) }
    #expect(detour == .unreadable(status: 200, message: "the next page is at no path"))
    let path = await failure { () throws(TwilioFailure) in _ = try await client.message(sid: "../Keys") }
    guard case .api(let error) = path else {
      Issue.record("a path was asked for")
      return
    }
    #expect(error.code == 20404 && transport.asked.count == 1)
  }

  @Test("errors are read from Twilio's JSON, a problem document, HTML and nothing")
  func errorShapes() async throws {
    func read(_ answer: ScriptedTransport.Answer) async -> TwilioAPIError? {
      let (client, _) = client([answer])
      let failure = await failure { () throws(TwilioFailure) in _ = try await client.message(sid: "SM1") }
      guard case .api(let error) = failure else { return nil }
      return error
    }
    let json = try #require(await read(try .init(fixture: "error_400_21211.json")))
    #expect(json.code == 21211 && json.status == 400 && json.moreInfo?.hasSuffix("/21211") == true)
    let problem = try #require(await read(try .init(fixture: "error_problem_json_rfc9457.json")))
    #expect(problem.code == 20001 && problem.message == "Validation failed")
    let html = try #require(await read(try .init(fixture: "error_503_no_json.json")))
    #expect(html.code == nil && html.status == 503 && html.message == nil)
    let empty = try #require(await read(.init(status: 429, headers: [.retryAfter: "3"])))
    #expect(empty.status == 429 && empty.retryAfter == .seconds(3))
  }

  @Test(
    "a success that holds no message is unreadable, not a crash", arguments: ["", "<html>", "{}", "[]", "{\"sid\":1}"])
  func unreadable(body: String) async throws {
    let (client, _) = client([.init(status: 201, body: Array(body.utf8))])
    let failure = await failure { () throws(TwilioFailure) in _ = try await client.create(MessageRequest(to: "+1")) }
    guard case .unreadable = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(failure.map { SendFailure($0).kind } == .unknownOutcome)
  }

  @Test("products are found by edge and region, and one base URL replaces them all")
  func hosts() {
    #expect(TwilioHosts().baseURL(of: .content) == "https://content.twilio.com")
    #expect(TwilioHosts(edge: "dublin", region: "ie1").baseURL(of: .api) == "https://api.dublin.ie1.twilio.com")
    #expect(TwilioHosts(edge: "sydney").baseURL(of: .api) == "https://api.sydney.us1.twilio.com")
    #expect(TwilioHosts(baseURL: "http://localhost:1/x/").baseURL(of: .messaging) == "http://localhost:1/x")
  }
}

@Suite struct TwilioMediaTests {
  private let url =
    "https://api.twilio.com/2010-04-01/Accounts/\(Sample.accountSID)/Messages/MM1/Media/ME1"

  @Test("a file is fetched over one redirect, and the second request carries no credentials")
  func redirect() async throws {
    let transport = ScriptedTransport([
      try .init(fixture: "media_binary_307_redirect.json"),
      .init(headers: [.contentType: "image/jpeg"], body: [0xFF, 0xD8]),
    ])
    let file = try await TwilioClient(account: .test, transport: transport).openMedia(at: url)
    #expect(file.contentType == "image/jpeg")
    #expect(try await file.pieces.collect(upTo: 2) == [0xFF, 0xD8])
    #expect(transport.asked[0].request.headerFields[.authorization] != nil)
    #expect(transport.asked[1].request.headerFields[.authorization] == nil)
    #expect(transport.asked[1].url.hasPrefix("https://mms.twiliocdn.com/"))
  }

  @Test(
    "no URL but Twilio's is given our credentials",
    arguments: [
      "https://evil.example/x", "http://api.twilio.com/x", "https://api.twilio.com.evil.example/x",
      "https://api.twilio.com@evil.example/x", "https://api.twilio.com:8443/x", "file:///etc/passwd", "",
    ])
  func foreignURLs(url: String) async {
    let transport = ScriptedTransport([.init(body: [1])])
    await #expect(throws: TwilioFailure.self) {
      try await TwilioClient(account: .test, transport: transport).openMedia(at: url)
    }
    #expect(transport.asked.isEmpty)
  }

  @Test(
    "of Twilio's API only a file of a message of our account is fetched, also where a base URL replaces it",
    arguments: [
      "/2010-04-01/Accounts/\(Sample.accountSID).json",
      "/2010-04-01/Accounts/\(Sample.accountSID)/Keys/Media/x/Media/ME1",
      "/2010-04-01/Accounts/AC0/Messages/MM1/Media/ME1", "/2010-04-01/Accounts/\(Sample.accountSID)/Messages/MM1",
      "/2010-04-01/Accounts/\(Sample.accountSID)/Messages/../Media/ME1",
      "/2010-04-01/Accounts/\(Sample.accountSID)/Messages/MM1/Media/ME1?x=/../..",
      "/2010-04-01/Accounts/\(Sample.accountSID)/Messages/MM1/Media/%2e%2e",
      "/2010-04-01/Accounts/\(Sample.accountSID)/Messages/MM1/Media/ME1/x", "/v1/Content",
    ])
  func otherPaths(path: String) async {
    var ours = Account.test
    ours.baseURL = "http://127.0.0.1:4010"
    for account in [Account.test, ours] {
      let transport = ScriptedTransport([.init(body: [1])])
      await #expect(throws: TwilioFailure.self) {
        try await TwilioClient(account: account, transport: transport).openMedia(at: "https://api.twilio.com" + path)
      }
      #expect(transport.asked.isEmpty)
    }
  }

  @Test(
    "a redirect is followed to Twilio's storage only, and only once",
    arguments: [
      "http://169.254.169.254/latest", "https://10.0.0.1/x", "https://evil.example/x", "//evil.example/x",
      "http://mms.twiliocdn.com/x", "https://twiliocdn.com.evil.example/x", "nonsense",
    ])
  func foreignRedirects(location: String) async {
    let transport = ScriptedTransport([.init(status: 302, headers: [.location: location]), .init(body: [1])])
    await #expect(throws: TwilioFailure.self) {
      try await TwilioClient(account: .test, transport: transport).openMedia(at: url)
    }
    #expect(transport.asked.count == 1)
  }

  @Test("a second redirect is not followed")
  func secondRedirect() async {
    let hop = ScriptedTransport.Answer(status: 302, headers: [.location: "https://mms.twiliocdn.com/x"])
    let transport = ScriptedTransport([hop, hop, .init(body: [1])])
    await #expect(throws: TwilioFailure.self) {
      try await TwilioClient(account: .test, transport: transport).openMedia(at: url)
    }
    #expect(transport.asked.count == 2)
  }

  @Test("with a base URL of our own every hop goes there, media included")
  func overridden() async throws {
    var account = Account.test
    account.baseURL = "http://127.0.0.1:4010"
    let transport = ScriptedTransport([
      .init(status: 307, headers: [.location: "https://mms.twiliocdn.com/signed?x=1"]), .init(body: [1]),
    ])
    _ = try await TwilioClient(account: account, transport: transport).openMedia(at: url)
    #expect(transport.asked.map(\.url).last == "http://127.0.0.1:4010/signed?x=1")
    #expect(transport.asked[0].url == "http://127.0.0.1:4010" + url.dropFirst("https://api.twilio.com".count))
  }

  @Test("missing credentials and a list of files are read")
  func listing() async throws {
    let transport = ScriptedTransport([
      try .init(fixture: "media_list_200.json"), try .init(fixture: "media_binary_401_no_auth.json"),
    ])
    let client = TwilioClient(account: .test, transport: transport)
    let media = try await client.mediaList(messageSID: "MM1")
    #expect(media.map(\.sid) == ["MEfeedc0de000000000000000000001200"] && media[0].contentType == "image/jpeg")
    await #expect(throws: TwilioFailure.self) { try await client.openMedia(at: url) }
  }
}
