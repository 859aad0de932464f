// What an adapter asks of its provider: answers to who wrote, and all that its capabilities promise.

import ChannelProtocol

extension AdapterConformance {
  /// What came of one send, and every call it made.
  struct Sent {
    let outcome: Result<SendReceipt, SendFailure>
    let calls: [ScriptedTransport.Exchange]
  }

  func send(_ message: OutboundMessage, by probe: Probe) async -> Sent {
    let outcome: Result<SendReceipt, SendFailure>
    do throws(SendFailure) {
      outcome = .success(try await probe.adapter.send(message))
    } catch {
      outcome = .failure(error)
    }
    return Sent(outcome: outcome, calls: probe.transport.requests)
  }

  func message(
    from sender: String, to recipient: String? = nil, body: String? = nil, content: Content.Kind? = nil,
    media: [String] = [], template: TemplateReference? = nil
  ) -> OutboundMessage {
    let id = Identifier(at: Timestamp(seconds: 1_767_225_600), randomness: 1)
    return OutboundMessage(
      id: id, from: sender, to: recipient ?? fixtures.recipient, channelType: Adapter.type, body: body,
      content: Content(content ?? .text(body ?? "")), mediaURLs: media, template: template,
      statusCallback: "\(fixtures.publicURL)/status?message=\(id)")
  }

  /// Whoever wrote is answered, at the address that they wrote from.
  func roundTrip(of sample: SampleRequest) async throws -> [String] {
    guard sample.isAnswerable, case .success(let events) = receive(fixtures.sign(sample), by: try probe().adapter)
    else { return [] }
    var found: [String] = []
    for case .message(let received) in events {
      let probe = try probe([fixtures.accepted])
      if let problem = probe.adapter.capabilities.recipients.problem(with: received.from) {
        found.append("round trip: \(sample.name): \(received.from) \(problem), by the capabilities")
      }
      let answer = message(from: probe.sender, to: received.from, body: "Thank you")
      found += await carriage(of: answer, by: probe, mentioning: [received.from, "Thank you"])
        .map { "round trip: \(sample.name): an answer \($0)" }
    }
    return found
  }

  /// What is wrong with how a message goes out; empty: it takes one call, which says all it should.
  func carriage(of message: OutboundMessage, by probe: Probe, mentioning texts: [String]) async -> [String] {
    let sent = await send(message, by: probe)
    guard sent.calls.count == 1, let call = sent.calls.first else { return ["takes \(sent.calls.count) calls"] }
    switch sent.outcome {
    case .failure(let failure): return ["fails: \(failure.kind), \(failure)"]
    case .success(let receipt):
      var found = receipt.providerSID.isEmpty ? ["has a receipt without an id of the provider's"] : []
      for text in texts where !call.mentions(text) { found.append("goes out without \(text.prefix(60))") }
      return found
    }
  }

  /// What is wrong with how a message is refused; empty: as `unsupported_content`, without a call.
  func refusal(of message: OutboundMessage, by probe: Probe) async -> [String] {
    let sent = await send(message, by: probe)
    guard sent.calls.isEmpty else { return ["is not promised, and the provider is called for it"] }
    switch sent.outcome {
    case .success: return ["is not promised, and has a receipt"]
    case .failure(let failure):
      guard failure.kind == .rejected, failure.code == "unsupported_content"
      else { return ["is not promised, and fails as \(failure.kind), \(failure.code)"] }
      return failure.message.isEmpty ? ["is refused without a word"] : []
    }
  }
}
