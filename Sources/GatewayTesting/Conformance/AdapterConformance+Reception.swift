// What an adapter makes of the requests it should take.

import ChannelProtocol

extension AdapterConformance {
  typealias Reception = Result<[InboundEvent], WebhookRejection>

  func receive(_ request: WebhookRequest, by adapter: Adapter) -> Reception {
    do throws(WebhookRejection) {
      return .success(try adapter.receive(request))
    } catch {
      return .failure(error)
    }
  }

  func reception(of sample: SampleRequest) throws -> [String] {
    let probe = try probe()
    let events: [InboundEvent]
    switch receive(fixtures.sign(sample), by: probe.adapter) {
    case .failure(let rejection): return ["events: \(sample.name): the signed request is refused: \(rejection)"]
    case .success(let received): events = received
    }
    var found = try impurities(of: sample, events)
    found += unexpected(events, of: sample)
    for event in events {
      found += faults(of: event, sample)
      found += lostFields(of: sample.fields, in: event).map { "no lost field: \(sample.name): \($0)" }
    }
    found += try unknownFields(in: sample, like: events)
    return found
  }

  /// Every order of claiming and receiving comes to the same.
  private func impurities(of sample: SampleRequest, _ events: [InboundEvent]) throws -> [String] {
    let probe = try probe()
    let request = fixtures.sign(sample)
    let claim = probe.adapter.claim(request)
    var found: [String] = []
    if claim < sample.claim {
      found.append("shape: \(sample.name): is claimed as \(claim), and should be as \(sample.claim)")
    }
    if receive(request, by: probe.adapter) != .success(events) {
      found.append("purity: \(sample.name): makes other events once it was claimed")
    }
    if receive(request, by: probe.adapter) != .success(events) {
      found.append("purity: \(sample.name): makes other events when it is received again")
    }
    if receive(fixtures.sign(sample), by: probe.adapter) != .success(events) {
      found.append("purity: \(sample.name): makes other events when it is delivered again")
    }
    if probe.adapter.claim(request) != claim || probe.adapter.claim(fixtures.sign(sample)) != claim {
      found.append("purity: \(sample.name): is claimed differently once it was received")
    }
    if !probe.transport.requests.isEmpty { found.append("purity: \(sample.name): the provider is called") }
    return found
  }

  private func unexpected(_ events: [InboundEvent], of sample: SampleRequest) -> [String] {
    guard events.count == sample.expected.count else {
      return ["events: \(sample.name): makes \(events.count) events in the place of \(sample.expected.count)"]
    }
    return zip(events, sample.expected).compactMap { event, expected in
      expected.isMet(by: event) ? nil : "events: \(sample.name): makes \(event.word), and should make \(expected.words)"
    }
  }

  private func faults(of event: InboundEvent, _ sample: SampleRequest) -> [String] {
    var found: [String] = []
    func check(_ isRight: Bool, _ fault: String) {
      if !isRight { found.append("events: \(sample.name): \(fault)") }
    }
    switch event {
    case .message(let message):
      check(message.accountSID == fixtures.account.accountSID, "the message is not of the account")
      check(!message.providerSID.isEmpty, "the message has no id of the provider's")
      check(!message.from.isEmpty && !message.to.isEmpty, "the message has no sender or no recipient")
      check(
        message.channelType.contactType == Adapter.type.contactType,
        "the message is of the type \(message.channelType), the channel is \(Adapter.type)")
    case .status(let update):
      check(update.accountSID == fixtures.account.accountSID, "the report is not of the account")
      check(!update.providerSID.isEmpty, "the report names no message")
      check(!update.report.providerStatus.isEmpty, "the report has no word of the provider's")
    }
    return found
  }

  /// The request of a provider that has moved on.
  private func unknownFields(in sample: SampleRequest, like events: [InboundEvent]) throws -> [String] {
    var later = sample
    let added = SampleRequest.Field("ConformanceUnheardOf", "kept, whatever it means")
    later.fields.append(added)
    switch receive(fixtures.sign(later), by: try probe().adapter) {
    case .failure(let rejection):
      return ["unknown kinds: \(sample.name): a field nobody has heard of makes the request \(rejection)"]
    case .success(let received):
      guard received.count == events.count else {
        return ["unknown kinds: \(sample.name): a field nobody has heard of makes \(received.count) events of it"]
      }
      return received.flatMap { lostFields(of: [added], in: $0) }.map { "unknown kinds: \(sample.name): \($0)" }
    }
  }
}

extension SampleRequest.Expectation {
  func isMet(by event: InboundEvent) -> Bool {
    switch (self, event) {
    case (.exactly(let expected), _): expected == event
    case (.message, .message(let message)): !message.content.isUnknown
    case (.unknown, .message(let message)): message.content.isUnknown
    case (.status, .status): true
    case (.message, .status), (.unknown, .status), (.status, .message): false
    }
  }

  var words: String {
    switch self {
    case .message: "a message that is understood"
    case .unknown: "a message of unknown content"
    case .status: "a report"
    case .exactly: "another event"
    }
  }
}

extension InboundEvent {
  var word: String {
    switch self {
    case .message(let message): message.content.isUnknown ? "a message of unknown content" : "a message"
    case .status: "a report"
    }
  }
}

extension Content {
  fileprivate var isUnknown: Bool { if case .unknown = kind { true } else { false } }
}
