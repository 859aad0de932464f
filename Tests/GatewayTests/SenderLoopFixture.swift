// A sender's loop with a real store, and a provider that says what the test wants.

import ChannelProtocol
import GatewayTesting
import Logging
import Storage
import Synchronization

@testable import Gateway

/// A store of the test's own, and a channel that sends nowhere.
struct SenderLoopFixture: Sendable {
  let store: PostgresMessageStore
  let sent: SentBodies
  let channel: ConfiguredChannel
  let rate: Double
  let clock: any WallClock

  static func run(
    rate: Double, clock: any WallClock = SystemClock(), window: Duration? = nil,
    policies: ChannelPolicies = ChannelPolicies(), quietHours: QuietHours? = nil,
    _ body: (SenderLoopFixture) async throws -> Void
  ) async throws {
    let database = try await ThrowawayDatabase.make()
    let store = PostgresMessageStore(
      configuration: database.configuration,
      context: ResourceContext(publicURL: "http://localhost", windows: window.map { [.sms: $0] } ?? [:]),
      clock: clock, logger: ThrowawayDatabase.silentLogger)
    try store.start()
    let sent = SentBodies()
    let channel = ConfiguredChannel(
      id: "echo", adapter: EchoChannel(sent: sent, window: window, policies: policies),
      account: Account(id: "main", accountSID: "AC1", authTokens: [Secret("x")]), quietHours: quietHours)
    let result: Result<Void, any Error>
    do {
      result = .success(
        try await body(SenderLoopFixture(store: store, sent: sent, channel: channel, rate: rate, clock: clock)))
    } catch {
      result = .failure(error)
    }
    await store.close()
    try? await database.drop()
    try result.get()
  }

  func loop(key: String = "key", _ change: (inout SendingContext) -> Void = { _ in }) -> SenderLoop {
    var context = SendingContext(
      store: store, directory: ChannelDirectory([channel]), publicURL: "http://localhost", policy: SendPolicy(),
      clock: clock, logger: ThrowawayDatabase.silentLogger, metrics: PrometheusRegistry())
    change(&context)
    return SenderLoop(SenderLane(key: key, address: "+15005550006", messagesPerSecond: rate), context)
  }

  func resolver() -> OutcomeResolver {
    OutcomeResolver(
      SenderLane(key: "key", address: "+15005550006", messagesPerSecond: rate),
      SendingContext(
        store: store, directory: ChannelDirectory([channel]), publicURL: "http://localhost", policy: SendPolicy(),
        clock: clock, logger: ThrowawayDatabase.silentLogger, metrics: PrometheusRegistry()))
  }

  @discardableResult
  func queue(
    _ body: String, media: [String] = [], scheduledAt: Timestamp? = nil, quietZone: String? = nil
  ) async throws -> Message {
    var record = record(body: body, Content(media.isEmpty ? .text(body) : .media(caption: body)))
    record.media = media
    record.scheduledAt = scheduledAt
    record.quietZone = quietZone
    return try await store.queue(record, deadline: .seconds(10))
  }

  @discardableResult
  func queue(template: TemplateReference) async throws -> Message {
    var record = record(body: nil, Content(.template(sid: template.sid, variables: template.variables)))
    record.template = template
    return try await store.queue(record, deadline: .seconds(10))
  }

  private func record(body: String?, _ content: Content) -> OutboundRecord {
    OutboundRecord(
      id: clock.makeIdentifier(), to: Address(type: .sms, value: "+14155550101"), channel: "echo", channelType: .sms,
      line: "+15005550006", sender: "+15005550006", senderKey: "key", accountSID: "AC1", body: body, content: content,
      createdAt: clock.now())
  }

  /// Puts a template into the account's catalog.
  func syncTemplate(_ sid: String, body: String, samples: [String: String] = [:]) async throws {
    let record = TemplateRecord(
      sid: sid, name: "test", language: "en", types: ["twilio/text": ["body": .string(body)]], variables: samples)
    let catalog = TemplateSync.Catalog(accountSID: "AC1") { () async throws(SendFailure) in [record] }
    _ = try await TemplateSync(
      store: store, catalogs: [catalog], clock: clock, logger: ThrowawayDatabase.silentLogger, fallbacks: []
    ).syncNow()
  }
}

final class SentBodies: Sendable {
  private struct State {
    var bodies: [String] = []
    var calls = 0
    var refusal: SendFailure?
    var templates: [TemplateReference] = []
    var lookUps: [OutboundMessage] = []
    var gate: [CheckedContinuation<Void, Never>]?
  }

  private let state = Mutex(State())
  var bodies: [String] { state.withLock(\.bodies) }
  var calls: Int { state.withLock(\.calls) }

  /// What every call says from now on; nil: it takes the message.
  func refuse(with refusal: SendFailure?) { state.withLock { $0.refusal = refusal } }

  var templates: [TemplateReference] { state.withLock(\.templates) }
  /// What the provider was asked about.
  var lookUps: [OutboundMessage] { state.withLock(\.lookUps) }

  /// Whoever looks a message up waits from now on, until it is opened.
  func closeGate() { state.withLock { $0.gate = [] } }

  func openGate() {
    let waiting = state.withLock { state in
      defer { state.gate = nil }
      return state.gate
    }
    for continuation in waiting ?? [] { continuation.resume() }
  }

  func lookUp(_ message: OutboundMessage) async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        state.lookUps.append(message)
        state.gate?.append(continuation)
        return state.gate == nil
      }
      if isOpen { continuation.resume() }
    }
  }

  func add(_ message: OutboundMessage) throws(SendFailure) {
    let refusal = state.withLock { state in
      state.calls += 1
      if state.refusal == nil { state.bodies.append(message.body ?? "") }
      if state.refusal == nil, let template = message.template { state.templates.append(template) }
      return state.refusal
    }
    if let refusal { throw refusal }
  }
}

private struct EchoChannel: ChannelAdapter, OutcomeLookup {
  struct Configuration: ChannelConfiguration {
    static let keys: [ConfigurationKey] = []
  }

  static let type = ChannelType.sms
  let sent: SentBodies
  let capabilities: ChannelCapabilities
  let policies: ChannelPolicies
  var routes: [WebhookRoute] { [] }
  var senders: [Sender] { [Sender(address: "+15005550006", messagesPerSecond: 1)] }

  init(sent: SentBodies, window: Duration? = nil, policies: ChannelPolicies = ChannelPolicies()) {
    self.sent = sent
    capabilities = ChannelCapabilities(window: window)
    self.policies = policies
  }

  init(configuration: Configuration, context: ChannelContext) throws { self.init(sent: SentBodies()) }

  /// What gave no answer never arrived.
  func lookUp(_ message: OutboundMessage, attemptedAt: Timestamp) async throws(SendFailure) -> [SendReceipt] {
    await sent.lookUp(message)
    return []
  }

  func claim(_ request: WebhookRequest) -> WebhookClaim { .none }
  func receive(_ request: WebhookRequest) throws(WebhookRejection) -> [InboundEvent] { throw .unknownAccount }

  func send(_ message: OutboundMessage) async throws(SendFailure) -> SendReceipt {
    try sent.add(message)
    return SendReceipt(
      providerSID: "SM\(message.id)", status: .accepted, providerStatus: "queued", raw: .empty)
  }
}
