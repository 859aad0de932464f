// Whether an adapter sends the interactive content that it promises, and deposits it as the engine relies on.

import ChannelProtocol

extension AdapterConformance {
  func interactive(_ capabilities: ChannelCapabilities) async throws -> [String] {
    guard capabilities.interactive else {
      return try await kind("interactive content", false, mentioning: []) {
        message(from: $0, content: .interactive(type: "conformance", data: [:]))
      }
    }
    var found = missingInteractive(capabilities) + (try sharedDigests())
    for content in fixtures.interactive {
      guard case .interactive(let type, let data) = content else {
        found.append("fixtures: what is to be sent as interactive content is of another kind")
        continue
      }
      if let adapter = try probe().adapter as? any InteractiveSending {
        found += try await deposit(type, data, by: adapter)
      } else {
        found += try await kind("\(type) content", true, mentioning: []) { message(from: $0, content: content) }
      }
    }
    return found
  }

  private func missingInteractive(_ capabilities: ChannelCapabilities) -> [String] {
    if fixtures.interactive.isEmpty { return ["fixtures: interactive content is promised, and there is none to send"] }
    let types = fixtures.interactive.compactMap { content -> String? in
      if case .interactive(let type, _) = content { type } else { nil }
    }
    return capabilities.interactiveTypes.filter { !types.contains($0) }
      .map { "fixtures: \($0) content is promised, and there is none to send" }
  }

  /// One would be sent in the place of the other.
  private func sharedDigests() throws -> [String] {
    guard let adapter = try probe().adapter as? any InteractiveSending else { return [] }
    let digests = fixtures.interactive.compactMap { content -> String? in
      guard case .interactive(let type, let data) = content else { return nil }
      return try? adapter.interactive(type: type, data: data).digest
    }
    return Set(digests).count == digests.count ? [] : ["capabilities: several contents have one digest"]
  }

  /// Checked without a call, deposited in one, sent in another that names the deposit.
  private func deposit(_ type: String, _ data: JSONValue, by adapter: any InteractiveSending) async throws -> [String] {
    var found: [String] = []
    func fault(_ words: String) { found.append("capabilities: \(type) content \(words)") }
    let content: InteractiveContent
    switch Self.checked(type, data, by: adapter) {
    case .failure(let error): return ["capabilities: \(type) content is refused: \(error.faults)"]
    case .success(let checked): content = checked
    }
    if Self.checked(type, data, by: try interactiveProbe()) != .success(content) {
      fault("is other content when it is checked again")
    }
    if case .success = Self.checked("conformance", data, by: adapter) { fault("is taken under a name nobody knows") }
    if case .success = Self.checked(type, .string("conformance"), by: adapter) { fault("is taken without any data") }
    found += try await deposited(content)
    return found
  }

  private func deposited(_ content: InteractiveContent) async throws -> [String] {
    guard let answer = fixtures.deposited
    else { return ["fixtures: content is deposited, and there is no answer to that"] }
    var found: [String] = []
    func fault(_ words: String) { found.append("capabilities: \(content.type) content \(words)") }
    let probe = try probe([answer, fixtures.accepted])
    guard let adapter = probe.adapter as? any InteractiveSending else { return [] }
    let undeposited = message(from: probe.sender, content: .interactive(type: content.type, data: content.data))
    found += await refusal(of: undeposited, by: try self.probe())
      .map { "capabilities: \(content.type) content that is not deposited \($0)" }
    let sid: String
    do throws(SendFailure) {
      sid = try await adapter.deposit(content)
    } catch {
      return found + ["capabilities: \(content.type) content is not deposited: \(error.code)"]
    }
    let calls = probe.transport.requests
    if calls.count != 1 { fault("takes \(calls.count) calls to deposit") }
    if let text = content.text, calls.first?.mentions(text) == false { fault("is deposited without its text") }
    if sid.isEmpty { fault("has no id where it is deposited") }
    var sent = undeposited
    sent.template = TemplateReference(sid: sid, variables: [:])
    found += await carriage(of: sent, by: try self.probe([fixtures.accepted]), mentioning: [sid])
      .map { "capabilities: \(content.type) content \($0)" }
    return found + (try await unansweredDeposit(content))
  }

  /// Nothing was sent by a deposit: whatever became of it, it may be made again.
  private func unansweredDeposit(_ content: InteractiveContent) async throws -> [String] {
    let silent = try probe([.failure(TransportFailure(mayHaveArrived: true, message: "timed out"))])
    guard let adapter = silent.adapter as? any InteractiveSending else { return [] }
    let what = "capabilities: \(content.type) content whose deposit gave no answer"
    do throws(SendFailure) {
      _ = try await adapter.deposit(content)
      return ["\(what) has an id"]
    } catch {
      return error.kind == .transient ? [] : ["\(what) fails as \(error.kind)"]
    }
  }

  private func interactiveProbe() throws -> any InteractiveSending {
    guard let adapter = try probe().adapter as? any InteractiveSending else { throw NotInteractive() }
    return adapter
  }

  private static func checked(
    _ type: String, _ data: JSONValue, by adapter: any InteractiveSending
  ) -> Result<InteractiveContent, InteractiveFaults> {
    do throws(InteractiveFaults) {
      return .success(try adapter.interactive(type: type, data: data))
    } catch {
      return .failure(error)
    }
  }
}

private struct NotInteractive: Error {}
