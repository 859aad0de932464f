// The Content API through the client: pages, approvals, and whose host is followed.

import ChannelProtocol
import HTTPTypes
import Testing

@testable import Twilio

@Suite("Templates at Twilio")
struct ContentTemplateTests {
  private static func page(_ sids: [String], next: String?) -> ScriptedTransport.Answer {
    let contents = sids.map { #"{"sid":"\#($0)","friendly_name":"n","language":"en","types":{}}"# }
    let meta = next.map { #"{"next_page_url":"\#($0)"}"# } ?? #"{"next_page_url":null}"#
    return .init(body: Array(#"{"contents":[\#(contents.joined(separator: ","))],"meta":\#(meta)}"#.utf8))
  }

  @Test("all pages are read, each as the one before names it, with credentials")
  func pages() async throws {
    let transport = ScriptedTransport([
      try .init(fixture: "content_list_200.json"), try .init(fixture: "content_list_200_last.json"),
    ])
    let templates = try await TwilioClient(account: .test, transport: transport).contentTemplates(pageSize: 1)
    #expect(
      transport.asked.map(\.url) == [
        "https://content.twilio.com/v1/ContentAndApprovals?PageSize=1",
        "https://content.twilio.com/v1/ContentAndApprovals?PageSize=1&Page=1&PageToken=DNHXfeedc0de",
      ])
    #expect(transport.asked.allSatisfy { $0.request.headerFields[.authorization] != nil })
    let template = try #require(templates.first)
    #expect(templates.count == 1)
    #expect(template.sid == "HXfeedc0de000000000000000000000001" && template.friendlyName == "order_update")
    #expect(template.language == "en" && template.variables == ["1": "Alex", "2": "4711"])
    #expect(template.types["twilio/text"]?["body"] == "Hi {{1}}, order {{2}} is ready.")
    #expect(template.approvalStatus == "approved" && template.approvalCategory == "UTILITY")
    #expect(template.rejectionReason == nil)
    #expect(template.dateCreated == Timestamp(rfc3339: "2026-09-30T15:42:01Z"))
  }

  @Test(
    "a next page on any other host is not followed, and the list is an error, not a shorter list",
    arguments: [
      "https://evil.example/v1/Content", "http://content.twilio.com/v1/x",
      "https://content.twilio.com.evil.example/v1/x",
      "https://content.twilio.com@evil.example/v1/x", "https://api.twilio.com/v1/x", "/v1/Content",
      "https://content.twilio.com/v2/x",
    ])
  func foreignPages(next: String) async {
    let transport = ScriptedTransport([Self.page(["HX1"], next: next), Self.page(["HX2"], next: nil)])
    await #expect(throws: TwilioFailure.self) {
      try await TwilioClient(account: .test, transport: transport).contentTemplates()
    }
    #expect(transport.asked.count == 1)
  }

  @Test(
    "with a base URL of our own every page is fetched there",
    arguments: ["http://127.0.0.1:4010/v1/Next?x=1", "https://content.twilio.com/v1/Next?x=1"])
  func overridden(next: String) async throws {
    var account = Account.test
    account.baseURL = "http://127.0.0.1:4010"
    let transport = ScriptedTransport([Self.page(["HX1"], next: next), Self.page(["HX2"], next: nil)])
    let templates = try await TwilioClient(account: account, transport: transport).contentTemplates()
    #expect(templates.map(\.sid) == ["HX1", "HX2"])
    #expect(transport.asked.map(\.url).last == "http://127.0.0.1:4010/v1/Next?x=1")
    #expect(transport.asked[0].url == "http://127.0.0.1:4010/v1/ContentAndApprovals?PageSize=100")
  }

  @Test("in a region the list stays on the region's host")
  func region() async throws {
    let hosts = TwilioHosts(edge: "dublin", region: "ie1")
    let next = "https://content.twilio.com/v1/Next"
    let transport = ScriptedTransport([Self.page([], next: next), Self.page([], next: nil)])
    _ = try await TwilioClient(account: .test, transport: transport, hosts: hosts).contentTemplates()
    #expect(transport.asked.map { $0.request.authority } == Array(repeating: "content.dublin.ie1.twilio.com", count: 2))
  }

  @Test("more pages than the bound, an answer that is no page and a refusal are errors")
  func failures() async {
    let again = Self.page(["HX1"], next: "https://content.twilio.com/v1/ContentAndApprovals?Page=1")
    for answers in [
      Array(repeating: again, count: 4), [.init(body: Array("[]".utf8))], [.init(body: Array("{}".utf8))],
      [.init(status: 500)], [.init(status: 401)],
    ] {
      let transport = ScriptedTransport(answers)
      await #expect(throws: TwilioFailure.self) {
        try await TwilioClient(account: .test, transport: transport).contentTemplates(maximumPages: 3)
      }
      #expect(transport.asked.count <= 3)
    }
  }

  @Test("a list that could not be had may be asked for again")
  func listingFailures() {
    #expect(SendFailure(repeatable: .unreadable(status: 200, message: "")).kind == .transient)
    #expect(SendFailure(repeatable: .api(TwilioAPIError(status: 503))).kind == .transient)
    #expect(SendFailure(repeatable: .transport(TransportFailure(mayHaveArrived: true, message: ""))).kind == .transient)
    #expect(SendFailure(repeatable: .api(TwilioAPIError(status: 401, code: 20003))).kind == .misconfigured)
  }
}
