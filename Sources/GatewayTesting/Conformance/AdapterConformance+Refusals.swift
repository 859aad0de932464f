// What an adapter makes of the requests it must not take.

import ChannelProtocol
import HTTPTypes

extension AdapterConformance {
  /// Without a signature, with a wrong one, and with contents that the signature was not made over.
  func refusals(of sample: SampleRequest) throws -> [String] {
    let adapter = try probe().adapter
    let signed = fixtures.sign(sample)
    var unsigned = signed.headers
    var wrong = signed.headers
    for name in fixtures.signatureFields {
      unsigned[name] = nil
      wrong[name] = wrong[name].map { Self.otherSignature($0) }
    }
    var found: [String] = []
    func check(_ request: WebhookRequest, _ fault: String) {
      switch receive(request, by: adapter) {
      case .failure(.badSignature): break
      case .failure(let rejection): found.append("signature refusal: \(sample.name): \(fault) makes it \(rejection)")
      case .success: found.append("signature refusal: \(sample.name): is taken with \(fault)")
      }
    }
    check(Self.request(signed, headers: unsigned), "no signature")
    check(Self.request(signed, headers: wrong), "a wrong signature")
    // By a token that has been replaced since the journal took it.
    if case .failure(.badSignature) = receive(Self.request(signed, headers: wrong, isVerified: true), by: adapter) {
      found.append("signature refusal: \(sample.name): is refused though it was verified before")
    }
    guard fixtures.signatureCoversBody else { return found }
    var altered = sample
    altered.fields.append(SampleRequest.Field("ConformanceAltered", "after it was signed"))
    check(Self.request(fixtures.sign(altered), headers: signed.headers), "contents that were not signed")
    return found
  }

  func foreignAccounts() throws -> [String] {
    let adapter = try probe().adapter
    var found: [String] = []
    for sample in fixtures.foreign {
      let request = fixtures.sign(sample)
      let claim = adapter.claim(request)
      if claim != .none { found.append("signature refusal: \(sample.name): is claimed as \(claim)") }
      switch receive(request, by: adapter) {
      case .failure(.unknownAccount): break
      case .failure(let rejection): found.append("signature refusal: \(sample.name): is \(rejection)")
      case .success: found.append("signature refusal: \(sample.name): is taken for an account that is not ours")
      }
    }
    return found
  }

  private static func request(
    _ request: WebhookRequest, headers: HTTPFields, isVerified: Bool = false
  ) -> WebhookRequest {
    WebhookRequest(
      method: request.method, target: request.target, headers: headers, body: request.body,
      receivedAt: request.receivedAt, isVerified: isVerified)
  }

  /// As long, and of the same alphabet.
  private static func otherSignature(_ signature: String) -> String {
    guard let first = signature.first else { return "A" }
    return (first == "A" ? "B" : "A") + signature.dropFirst()
  }
}
