// Which requests are refused, and as what.

import ChannelProtocol
import HTTPTypes
import Testing

@testable import Twilio

@Suite struct WebhookRejectionTests {
  private let line: TwilioLine

  init() throws { line = try .test() }

  private func rejection(_ request: WebhookRequest) -> WebhookRejection? {
    do throws(WebhookRejection) {
      _ = try line.receive(request)
      return nil
    } catch {
      return error
    }
  }

  private func request(
    _ signed: WebhookRequest, target: String? = nil, headers: HTTPFields? = nil, body: [UInt8]? = nil
  ) -> WebhookRequest {
    WebhookRequest(
      method: signed.method, target: target ?? signed.target, headers: headers ?? signed.headers,
      body: body ?? signed.body, receivedAt: signed.receivedAt)
  }

  @Test("a signature over other bytes, another URL or by another token is refused, and so is none")
  func badSignatures() throws {
    let fields = try Fixtures.fields("inbound_sms_basic.json")
    let signed = WebhookRequest.signed(fields)
    #expect(rejection(signed) == nil)
    #expect(rejection(request(signed, target: "/webhooks/twilio/incoming?x")) == .badSignature)
    #expect(rejection(request(signed, body: signed.body + Array("&x=y".utf8))) == .badSignature)
    #expect(rejection(request(signed, headers: [.contentType: "application/x-www-form-urlencoded"])) == .badSignature)
    #expect(rejection(.signed(fields, token: "third")) == .badSignature)
    #expect(rejection(.signed(fields, token: "second")) == nil)
  }

  @Test("an account that is not ours is refused before anything is verified")
  func unknownAccount() throws {
    let fields = [(name: "AccountSid", value: "ACother"), (name: "MessageSid", value: "SM1")]
    #expect(rejection(.signed(fields)) == .unknownAccount)
    #expect(try TwilioLine.test().claim(.signed(fields)) == .none)
  }

  @Test("a signed request that is no message says what it lacks")
  func notAMessage() {
    #expect(rejection(.signed([(name: "foo", value: "bar")])) == .notAMessage("it names no account"))
    let account = (name: "AccountSid", value: Sample.accountSID)
    #expect(rejection(.signed([account])) == .notAMessage("it names no message"))
    #expect(
      rejection(.signed([account, (name: "MessageSid", value: "SM1")]))
        == .notAMessage("it names no sender or no recipient"))
  }

  @Test("a form with too many fields is malformed")
  func tooManyFields() {
    let fields = (0..<1_500).map { (name: "f\($0)", value: "v") }
    #expect(rejection(.signed(fields)) == .malformed("the form has too many fields"))
  }

  @Test("a body that is neither form nor JSON is refused, and JSON needs its digest in the URL")
  func otherBodies() throws {
    let fields = try Fixtures.fields("inbound_sms_basic.json")
    let signed = WebhookRequest.signed(fields)
    var headers = signed.headers
    headers[.contentType] = "text/plain"
    #expect(rejection(request(signed, headers: headers)) == .badSignature)
    headers[.contentType] = "application/json"
    #expect(rejection(request(signed, headers: headers, body: Array("{}".utf8))) == .badSignature)
  }
}
