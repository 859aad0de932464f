// Whether an adapter's capabilities are the truth.

import ChannelProtocol

extension AdapterConformance {
  func capabilities() async throws -> [String] {
    let adapter = try probe().adapter
    let capabilities = adapter.capabilities
    var found = promises(of: adapter)
    found += try await text(capabilities)
    found += try await files(capabilities)
    let place = Location(latitude: 52.5, longitude: 13.25, label: "Conformance Square")
    found += try await kind(
      "a location", capabilities.location, mentioning: ["52.5", "13.25"]
    ) {
      message(from: $0, content: .location(place))
    }
    let template = TemplateReference(sid: "HXc0nf0rmance", variables: ["1": "Conformance Value"])
    found += try await kind("a template", capabilities.templates, mentioning: [template.sid, "Conformance Value"]) {
      message(
        from: $0, content: .template(sid: template.sid, variables: template.variables), template: template)
    }
    found += try await interactive(capabilities)
    found += try await kind("unknown content", false, mentioning: []) {
      message(from: $0, content: .unknown(providerType: "conformance", raw: [:]))
    }
    return found
  }

  /// What can be told without a call.
  private func promises(of adapter: Adapter) -> [String] {
    let capabilities = adapter.capabilities
    var found: [String] = []
    if capabilities.segments != (adapter is any SegmentCounting) {
      found.append(
        capabilities.segments
          ? "capabilities: segments are promised, and the adapter counts none"
          : "capabilities: the adapter counts segments, and promises none")
    }
    if !capabilities.interactiveTypes.isEmpty != (adapter is any InteractiveSending) {
      found.append("capabilities: interactive types are named by adapters that deposit content, and by no other")
    }
    if let window = capabilities.window, window <= .zero { found.append("capabilities: the window is never open") }
    if let problem = capabilities.recipients.problem(with: fixtures.recipient) {
      found.append("capabilities: the fixtures' recipient \(problem)")
    }
    if capabilities.readReceipts, !fixtures.requests.contains(where: { isReadReceipt($0, adapter) }) {
      found.append("capabilities: read receipts are promised, and no request of the fixtures is one")
    }
    return found
  }

  private func isReadReceipt(_ sample: SampleRequest, _ adapter: Adapter) -> Bool {
    guard case .success(let events) = receive(fixtures.sign(sample), by: adapter) else { return false }
    return events.contains { if case .status(let update) = $0 { update.report.status == .read } else { false } }
  }

  private func text(_ capabilities: ChannelCapabilities) async throws -> [String] {
    let length = capabilities.maximumBodyLength
    guard length > 0 else { return ["capabilities: no text can be sent"] }
    // Further than any provider goes, and more than a test should hold.
    guard length <= 1 << 20 else { return ["capabilities: a text of \(length) characters is promised"] }
    let longest = String(repeating: "a", count: length)
    var found = try await kind("a text of \(length) characters", true, mentioning: [longest]) {
      message(from: $0, body: longest)
    }
    found += try await kind("a text of \(length + 1) characters", false, mentioning: []) {
      message(from: $0, body: longest + "a")
    }
    return found
  }

  private func files(_ capabilities: ChannelCapabilities) async throws -> [String] {
    let count = capabilities.maximumMedia
    let urls = (0...max(count, 0)).map { "https://media.example.org/conformance-\($0).png" }
    var found = try await kind("a message with \(count + 1) files", false, mentioning: []) {
      message(from: $0, content: .media(caption: nil), media: urls)
    }
    guard count > 0 else { return found }
    let carried = Array(urls.dropLast())
    found += try await kind("a message with \(count) files", true, mentioning: carried) {
      message(from: $0, content: .media(caption: nil), media: carried)
    }
    return found
  }

  /// Sends what is promised, and has refused what is not.
  func kind(
    _ what: String, _ isPromised: Bool, mentioning texts: [String], _ message: (String) -> OutboundMessage
  ) async throws -> [String] {
    let probe = try probe([fixtures.accepted])
    let message = message(probe.sender)
    let faults =
      isPromised
      ? await carriage(of: message, by: probe, mentioning: texts) : await refusal(of: message, by: probe)
    return faults.map { "capabilities: \(what) \($0)" }
  }
}
