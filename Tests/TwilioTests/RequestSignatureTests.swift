// Every vector of fixtures/signatures.json.

import ChannelProtocol
import HTTPTypes
import Testing

@testable import Twilio

@Suite struct RequestSignatureTests {
  static let vectors = (try? Fixtures.json("signatures.json"))?["vectors"]?.arrayValue ?? []

  private func isValid(_ vector: JSONValue, signature: RequestSignature? = nil) -> Bool {
    let token = Secret(vector["auth_token"]?.stringValue ?? "")
    let settings = vector["signature_settings_header"]?.stringValue
    let keyID = "webhooks_sharedkey_00000000000000000000000001"
    let verifier =
      signature
      ?? RequestSignature(tokens: settings == nil ? [token] : [], sharedKeys: settings == nil ? [:] : [keyID: token])
    let pairs = (vector["params"]?.arrayValue ?? []).map {
      (name: $0.arrayValue?[0].stringValue ?? "", value: $0.arrayValue?[1].stringValue ?? "")
    }
    let raw = Array((vector["raw_body"]?.stringValue ?? "").utf8)
    let body: RequestSignature.SignedBody =
      switch (vector["method"]?.stringValue, vector["content_type"]?.stringValue) {
      case ("GET", _):
        // One vector gives a GET's parameters a second time, as a receiver would that takes it for a form.
        pairs.isEmpty ? .none : .form(FormFields(pairs: pairs))
      case (_, "application/json"): .digest(raw)
      default: .form(FormFields(urlEncoded: raw))
      }
    return verifier.isValid(
      vector["signature"]?.stringValue, settings: settings, url: vector["url"]?.stringValue ?? "", body: body)
  }

  @Test("all 124 vectors are judged as expected")
  func vectors() {
    #expect(Self.vectors.count == 124)
    for vector in Self.vectors {
      let answer = isValid(vector)
      let id = vector["id"]?.stringValue ?? ""
      if let expected = vector["expected"]?.boolValue {
        #expect(answer == expected, "\(id): \(vector["description"]?.stringValue ?? "")")
      } else {
        // The libraries disagree; ours answers like one of them.
        #expect(answer == vector["valid"]?.boolValue || answer == vector["node_valid"]?.boolValue, "\(id)")
      }
    }
  }

  @Test("the decoded pairs of every form vector are what its body decodes to")
  func bodiesMatchPairs() {
    for vector in Self.vectors where vector["method"]?.stringValue == "POST" {
      guard let pairs = vector["params"]?.arrayValue else { continue }
      let fields = FormFields(urlEncoded: Array((vector["raw_body"]?.stringValue ?? "").utf8))
      #expect(fields.count == pairs.count)
      for (field, pair) in zip(fields.entries, pairs) {
        #expect(fields.storage[field.start..<field.split].elementsEqual((pair.arrayValue?[0].stringValue ?? "").utf8))
        #expect(fields.storage[field.split..<field.end].elementsEqual((pair.arrayValue?[1].stringValue ?? "").utf8))
      }
    }
  }

  @Test("each of several tokens of an account is valid, and no other")
  func severalTokens() throws {
    let vector = try #require(Self.vectors.first { $0["id"]?.stringValue == "sig-001" })
    #expect(isValid(vector, signature: RequestSignature(tokens: [Secret("other"), Secret("12345")])))
    #expect(!isValid(vector, signature: RequestSignature(tokens: [Secret("other"), Secret("1234")])))
  }

  @Test("an empty token validates nothing, though anybody can sign with it")
  func emptyToken() throws {
    let url = "https://gw.example.org/in"
    let signed = WebhookRequest.signed([], target: "/in", token: "")
    let signature = signed.headers[.xTwilioSignature]
    #expect(signature != nil)
    #expect(!RequestSignature(tokens: [Secret("")]).isValid(signature, url: url, body: .form(FormFields(pairs: []))))
  }

  @Test("what the settings header names decides alone: a token does not stand in for an unknown shared key")
  func noWayBack() throws {
    let vector = try #require(Self.vectors.first { $0["id"]?.stringValue == "sig-120" })
    let token = Secret(vector["auth_token"]?.stringValue ?? "")
    #expect(isValid(vector))
    #expect(!isValid(vector, signature: RequestSignature(tokens: [token], sharedKeys: [:])))
  }

  @Test("a form cut off at the limit is never valid")
  func truncatedForm() {
    let pairs = (0..<2_000).map { (name: "f\($0)", value: "v") }
    let fields = FormFields(urlEncoded: Array(pairs.map { "\($0.name)=\($0.value)" }.joined(separator: "&").utf8))
    #expect(fields.isTruncated && fields.count < pairs.count)
    func isValid(_ fields: FormFields, signedWith pairs: [(name: String, value: String)]) -> Bool {
      let signature = WebhookRequest.signed(pairs, target: "/in", token: "t").headers[.xTwilioSignature]
      return RequestSignature(tokens: [Secret("t")]).isValid(
        signature, url: Sample.publicURL + "/in", body: .form(fields))
    }
    let kept = Array(pairs.prefix(fields.count))
    #expect(isValid(FormFields(pairs: kept), signedWith: kept))
    #expect(!isValid(fields, signedWith: kept))
    #expect(!isValid(fields, signedWith: pairs))
  }

  @Test("the spellings of a URL that Twilio may have signed: credentials and ports in every combination, none twice")
  func spellings() {
    func spellings(_ url: String) -> [String] {
      (0..<SplitURL.spellingCount).compactMap { SplitURL(url)?.spelling($0) }
    }
    #expect(spellings("https://h/p?q#f") == ["https://h/p?q", "https://h:443/p?q"])
    #expect(spellings("https://h:443/") == ["https://h:443/", "https://h/"])
    #expect(
      spellings("http://u:p@h:8080/") == [
        "http://h:8080/", "http://h/", "http://h:80/", "http://u:p@h:8080/", "http://u:p@h/", "http://u:p@h:80/",
      ])
    #expect(SplitURL("https://[::1]:9/x")?.host == "[::1]")
    #expect(SplitURL("nonsense") == nil && SplitURL("https:///x") == nil)
  }
}
