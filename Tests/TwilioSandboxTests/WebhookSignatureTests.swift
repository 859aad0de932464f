// The sandbox's own signer against the shared vectors.

import Foundation
import Testing

@testable import TwilioSandbox

@Suite("Webhook signatures")
struct WebhookSignatureTests {
  private static func form(_ vector: JSONValue) -> FormFields? {
    guard let pairs = vector["params"]?.array else { return nil }
    return FormFields(pairs.map { .init(name: $0.array?[0].string ?? "", value: $0.array?[1].string ?? "") })
  }

  @Test("every valid form vector that names the signed URL is reproduced bit for bit")
  func vectors() throws {
    let vectors = try #require(try Fixture.json("signatures")["vectors"]?.array)
    var reproduced = 0
    for vector in vectors where vector["expected"] == .bool(true) && vector["method"] == .string("POST") {
      // Some vectors are valid for another port or other credentials than their URL shows, and do not say which.
      guard let form = Self.form(vector), let token = vector["auth_token"]?.string,
        vector["algorithm"]?.string?.uppercased() == "HMAC_SHA1", let received = vector["url"]?.string
      else { continue }
      let url = vector["signed_url"]?.string ?? received
      let signature = WebhookSignature.make(url: url, form: form, authToken: token)
      if signature == vector["signature"]?.string {
        reproduced += 1
      } else {
        let description = vector["description"]?.string ?? ""
        #expect(description.contains("port") || description.contains("credentials"), "\(description)")
      }
    }
    #expect(reproduced >= 50)
  }

  @Test("the example in Twilio's documentation")
  func documented() {
    let form = FormFields([
      "CallSid": "CA1234567890ABCDE", "Caller": "+14158675310", "Digits": "1234", "From": "+14158675310",
      "To": "+18005551212",
    ])
    let signature = WebhookSignature.make(
      url: "https://example.com/myapp.php?foo=1&bar=2", form: form, authToken: "12345")
    #expect(signature == "L/OH5YylLD5NRKLltdqwSvS0BnU=")
  }

  @Test("fragment and credentials are not part of the signed URL, the query is, byte for byte")
  func target() throws {
    let target = try #require(
      WebhookTarget("https://u:p%40@Example.com:8443/a%2Fb?x='1'&y=%20+#rc=3&rp=5xx,rt&tt=9000"))
    #expect(target.url == "https://Example.com:8443/a%2Fb?x='1'&y=%20+")
    #expect(target.credentials == "u:p%40")
    #expect(target.overrides.retries == 3)
    #expect(target.overrides.reasons == [.serverError, .read])
    #expect(target.overrides.totalTimeout == 9000)
    #expect(WebhookTarget("https://bad_host.example.com/x") == nil)
    #expect(WebhookTarget("ftp://example.com/") == nil)
    #expect(WebhookTarget("http://[::1]:3000/x")?.url == "http://[::1]:3000/x")
    #expect(WebhookTarget("http:///x") == nil)
  }
}
