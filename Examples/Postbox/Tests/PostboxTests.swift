// A channel that has nothing of Twilio's keeps the contract of adapters.

import ChannelProtocol
import Crypto
import Foundation
import GatewayTesting
import HTTPTypes
import Testing

@testable import ChannelPostbox

private let account = Account(id: "post", accountSID: "account-1", authTokens: [Secret("token")])

private let signature = HTTPField.Name("Postbox-Signature")!

private let fixtures = AdapterFixtures<PostboxChannel>(
  configuration: PostboxConfiguration(from: ["fractal"]), account: account, publicURL: "https://gw.example.org",
  requests: [
    sample("a letter", ["text": "Hello"], [.message]),
    sample("a drawing", ["kind": "drawing", "strokes": [1, 2, 3]], [.unknown]),
    sample("a report", ["status": "delivered"], [.status], path: "reports"),
  ],
  foreign: [sample("a letter to somebody else", ["account": "account-2", "text": "Hello"], [])],
  sign: { sample in
    var members: [String: JSONValue] = [:]
    for field in sample.fields { members[field.name] = field.value }
    var writer = JSONWriter()
    writer.value(.object(members))
    let code = HMAC<SHA256>.authenticationCode(
      for: writer.bytes, using: SymmetricKey(data: Array("token".utf8)))
    return WebhookRequest(
      method: .post, target: sample.target, headers: [signature: Data(code).base64EncodedString()],
      body: writer.bytes, receivedAt: Timestamp(seconds: 1_790_783_000))
  },
  signatureFields: [signature], recipient: "alice",
  accepted: .json(#"{"id":"L1"}"#, status: 202),
  failures: [
    ProviderFailure("unwanted", .json(#"{"error":"unwanted"}"#, status: 400), .optedOut),
    ProviderFailure("no such person", .json(#"{"error":"unknown","words":"Nobody"}"#, status: 404), .rejected),
    ProviderFailure("another token", .json("{}", status: 401), .misconfigured),
  ])

private func sample(
  _ name: String, _ fields: [String: JSONValue], _ expected: [SampleRequest.Expectation], path: String = "letters"
) -> SampleRequest {
  let common: [String: JSONValue] = ["account": "account-1", "id": "L1", "box": "fractal", "person": "alice"]
  return SampleRequest(
    name, target: "/webhooks/postbox/\(path)",
    fields: common.merging(fields) { _, own in own }.map { SampleRequest.Field($0.key, $0.value) },
    expected: expected, claim: expected.isEmpty ? .none : .exact)
}

@Suite("Postbox")
struct PostboxTests {
  @Test("the channel keeps the contract of adapters")
  func conformance() async throws {
    #expect(try await AdapterConformance(fixtures).violations() == [])
  }
}
