// Whether an adapter tells the engine the truth about a send that did not succeed.

import ChannelProtocol
import HTTPTypes

extension AdapterConformance {
  func failures() async throws -> [String] {
    var found: [String] = []
    for failure in fixtures.failures + commonFailures { found += try await classification(of: failure) }
    return found
  }

  /// What may happen with every provider.
  private var commonFailures: [ProviderFailure] {
    let page = Array("<html><body>Sorry</body></html>".utf8)
    let html: HTTPFields = [.contentType: "text/html"]
    var slow = html
    slow[.retryAfter] = "7"
    return [
      ProviderFailure(
        "a call without an answer", .failure(TransportFailure(mayHaveArrived: true, message: "timed out")),
        .unknownOutcome),
      ProviderFailure(
        "a call that never left", .failure(TransportFailure(mayHaveArrived: false, message: "refused")), .transient),
      ProviderFailure(
        "429 with Retry-After", .response(status: 429, headers: slow, body: page),
        .throttled(retryAfter: .seconds(7))),
      ProviderFailure("500", .response(status: 500, headers: html, body: page), fixtures.serverErrors),
      ProviderFailure("503", .response(status: 503, headers: html, body: page), fixtures.serverErrors),
      // The provider may have the message, and nobody knows under which id.
      ProviderFailure(
        "an answer of success that cannot be read", .response(status: 200, headers: html, body: page),
        .unknownOutcome),
    ]
  }

  private func classification(of failure: ProviderFailure) async throws -> [String] {
    // A refusal of the credentials may be asked again with each that the account has: nothing was processed.
    var allowed = 1
    if case .response(status: 401, headers: _, body: _) = failure.answer { allowed = fixtures.account.authTokens.count }
    let probe = try probe(Array(repeating: failure.answer, count: allowed))
    let sent = await send(message(from: probe.sender, body: "Hello"), by: probe)
    var found: [String] = []
    func fault(_ words: String) { found.append("failure classification: \(failure.name): \(words)") }
    if !(1...allowed).contains(sent.calls.count) { fault("takes \(sent.calls.count) calls") }
    switch sent.outcome {
    case .success: fault("has a receipt")
    case .failure(let told):
      if told.kind != failure.kind { fault("is \(told.kind), and should be \(failure.kind)") }
      if told.code.isEmpty || told.message.isEmpty { fault("has no code or no words") }
    }
    return found
  }
}
