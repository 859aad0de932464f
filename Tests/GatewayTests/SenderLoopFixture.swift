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

  func loop(_ change: (inout SendingContext) -> Void = { _ in }) -> SenderLoop {
    var context = SendingContext(
      store: store, directory: ChannelDirectory([channel]), publicURL: "http://localhost", policy: SendPolicy(),
      clock: clock, logger: ThrowawayDatabase.silentLogger, metrics: PrometheusRegistry())
    change(&context)
    return SenderLoop(SenderLane(key: "key", address: "+15005550006", messagesPerSecond: rate), context)
  }

  @discardableResult
  func queue(_ body: String) async throws -> Message {
    try await store.queue(
      OutboundRecord(
        id: clock.makeIdentifier(), to: Address(type: .sms, value: "+14155550101"), channel: "echo", channelType: .sms,
        line: "+15005550006", sender: "+15005550006", senderKey: "key", accountSID: "AC1", body: body,
        content: Content(.text(body)), createdAt: clock.now()), deadline: .seconds(10))
  }
}

final class SentBodies: Sendable {
  private struct State {
    var bodies: [String] = []
    var calls = 0
    var refusal: SendFailure?
  }

  private let state = Mutex(State())
  var bodies: [String] { state.withLock(\.bodies) }
  var calls: Int { state.withLock(\.calls) }

  /// What every call says from now on; nil: it takes the message.
  func refuse(with refusal: SendFailure?) { state.withLock { $0.refusal = refusal } }

  func add(_ body: String) throws(SendFailure) {
    let refusal = state.withLock { state in
      state.calls += 1
      if state.refusal == nil { state.bodies.append(body) }
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
  func lookUp(_ message: OutboundMessage, attemptedAt: Timestamp) async throws(SendFailure) -> [SendReceipt] { [] }

  func claim(_ request: WebhookRequest) -> WebhookClaim { .none }
  func receive(_ request: WebhookRequest) throws(WebhookRejection) -> [InboundEvent] { throw .unknownAccount }

  func send(_ message: OutboundMessage) async throws(SendFailure) -> SendReceipt {
    try sent.add(message.body ?? "")
    return SendReceipt(
      providerSID: "SM\(message.id)", status: .accepted, providerStatus: "queued", raw: .empty)
  }
}
