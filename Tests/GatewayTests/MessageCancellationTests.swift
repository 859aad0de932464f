// Taking back what the provider keeps, against a store and a provider that answers as a test has it.

import ChannelProtocol
import GatewayTesting
import HTTPTypes
import Logging
import Storage
import Synchronization
import Testing

@testable import Gateway

@Suite("Taking back a message that the provider keeps", .timeLimit(.minutes(2)))
struct MessageCancellationTests {
  @Test("the provider's yes is written down and answered")
  func canceled() async throws {
    try await CancellationFixture.run { fixture in
      let id = try await fixture.handedOver()
      fixture.provider.script([.says("canceled")])
      let message = try await fixture.cancellation.cancel(id)
      #expect(message.status == .canceled)
      #expect(fixture.provider.calls == ["cancel SM1"])
      // Whoever asks again is too late, without a call.
      await fixture.expect(.conflict, of: id)
      #expect(fixture.provider.calls.count == 1)
    }
  }

  @Test("a message that went on is 409, and its state is the provider's then")
  func tooLate() async throws {
    try await CancellationFixture.run { fixture in
      let id = try await fixture.handedOver()
      fixture.provider.script([.fails(.rejected)], present: "sent")
      await fixture.expect(.conflict, of: id)
      #expect(fixture.provider.calls == ["cancel SM1", "status SM1"])
      #expect(try await fixture.store.message(id)?.message.status == .sent)
    }
  }

  @Test("a lost answer is found out: canceled after all, or asked again as long as the provider still keeps it")
  func lostAnswers() async throws {
    try await CancellationFixture.run { fixture in
      let first = try await fixture.handedOver()
      fixture.provider.script([.fails(.unknownOutcome)], present: "canceled")
      #expect(try await fixture.cancellation.cancel(first).status == .canceled)
    }
    try await CancellationFixture.run { fixture in
      let second = try await fixture.handedOver()
      fixture.provider.script([.fails(.unknownOutcome), .says("canceled")], present: "scheduled")
      #expect(try await fixture.cancellation.cancel(second).status == .canceled)
      #expect(fixture.provider.calls == ["cancel SM1", "status SM1", "cancel SM1"])
    }
  }

  @Test("a provider that does not answer at all is 503, and nothing is claimed")
  func silence() async throws {
    try await CancellationFixture.run { fixture in
      let id = try await fixture.handedOver()
      fixture.provider.script([.fails(.unknownOutcome), .fails(.transient), .fails(.unknownOutcome)])
      await fixture.expect(.serviceUnavailable, "provider_unavailable", of: id)
      #expect(fixture.provider.calls.filter { $0 == "cancel SM1" }.count == 3)
      #expect(try await fixture.store.message(id)?.message.status == .accepted)
    }
  }

  @Test("while a node is handing it over, its answer is waited for; what went at once is too late without a call")
  func handingOver() async throws {
    try await CancellationFixture.run { fixture in
      let claimed = try await fixture.claimed()
      fixture.provider.script([.says("canceled")])
      async let canceled = fixture.cancellation.cancel(claimed.message.id)
      try await fixture.accepted(claimed)
      #expect(try await canceled.status == .canceled)
    }
    try await CancellationFixture.run { fixture in
      let id = try await fixture.handedOver(scheduled: false)
      await fixture.expect(.conflict, of: id)
      #expect(fixture.provider.calls.isEmpty)
    }
  }

  @Test("what it keeps for somebody who opts out meanwhile is taken back, and asked for again where it is silent")
  func optedOut() async throws {
    try await CancellationFixture.run { fixture in
      let id = try await fixture.handedOver()
      _ = try await fixture.polling.work()
      #expect(fixture.provider.calls.isEmpty)
      try await fixture.store.setOptOut(Address(type: .sms, value: "+14155550101"), optedOut: true)
      _ = try await fixture.polling.work()
      #expect(try await fixture.store.message(id)?.message.status == .accepted)
      // Another node, or this one after a crash, finds it as well.
      fixture.provider.script([.says("canceled")])
      _ = try await fixture.polling.work()
      #expect(fixture.provider.calls == ["cancel SM1", "status SM1", "cancel SM1"])
      #expect(try await fixture.store.message(id)?.message.status == .canceled)
    }
  }

  @Test("a node that dies while it takes a message back, before its call or after it, leaves nothing undone")
  func diesInTheMiddle() async throws {
    for isCalled in [false, true] {
      try await CancellationFixture.run { fixture in
        let id = try await fixture.handedOver()
        try await fixture.store.setOptOut(Address(type: .sms, value: "+14155550101"), optedOut: true)
        // Another node has taken the work, and is no more: what it did at the provider was never written down.
        let taken = try await fixture.store.claimPolls(limit: 10, lease: .milliseconds(300))
        #expect(taken.map(\.messageID) == [id])
        if isCalled {
          fixture.provider.script([.says("canceled")])
          _ = fixture.provider.cancel("SM1")
        }
        // Twilio refuses to cancel what is canceled, and says so to whoever asks.
        fixture.provider.script(isCalled ? [.fails(.rejected)] : [.says("canceled")], present: "canceled")
        #expect(
          try await eventually {
            _ = try await fixture.polling.work()
            return try await fixture.store.message(id)?.message.status == .canceled
          })
        #expect(
          fixture.provider.calls
            == (isCalled ? ["cancel SM1", "cancel SM1", "status SM1"] : ["cancel SM1"]))
        _ = try await fixture.polling.work()
        #expect(fixture.provider.calls.count == (isCalled ? 3 : 1), "it is not asked for again")
      }
    }
  }

  @Test("who opts out while a message is being handed over does not get it, others do")
  func optedOutMeanwhile() async throws {
    try await CancellationFixture.run { fixture in
      let claimed = try await fixture.claimed()
      try await fixture.store.setOptOut(Address(type: .sms, value: "+14155550101"), optedOut: true)
      try await fixture.accepted(claimed)
      fixture.provider.script([.says("canceled")])
      _ = try await fixture.polling.work()
      #expect(try await fixture.store.message(claimed.message.id)?.message.status == .canceled)
    }
    try await CancellationFixture.run { fixture in
      let id = try await fixture.handedOver()
      try await fixture.store.setOptOut(Address(type: .sms, value: "+14155550102"), optedOut: true)
      _ = try await fixture.polling.work()
      #expect(fixture.provider.calls.isEmpty)
      #expect(try await fixture.store.message(id)?.message.status == .accepted)
    }
  }
}

private struct CancellationFixture: Sendable {
  let store: PostgresMessageStore
  let provider: KeepingProvider
  let cancellation: MessageCancellation

  static func run(_ body: (CancellationFixture) async throws -> Void) async throws {
    let database = try await ThrowawayDatabase.make()
    let store = PostgresMessageStore(
      configuration: database.configuration, context: ResourceContext(publicURL: "http://localhost"),
      logger: ThrowawayDatabase.silentLogger)
    try store.start()
    let provider = KeepingProvider()
    let channel = ConfiguredChannel(
      id: "pool", adapter: KeepingChannel(provider: provider),
      account: Account(id: "main", accountSID: "AC1", authTokens: [Secret("x")]))
    var cancellation = MessageCancellation(
      store: store, directory: ChannelDirectory([channel]), clock: SystemClock())
    cancellation.pause = .milliseconds(1)
    let fixture = CancellationFixture(store: store, provider: provider, cancellation: cancellation)
    let result: Result<Void, any Error>
    do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
    await store.close()
    try? await database.drop()
    try result.get()
  }

  var polling: StatusPolling {
    var policy = PollPolicy()
    policy.recallAgain = .zero
    return StatusPolling(
      store: store, directory: cancellation.directory, policy: policy, clock: SystemClock(),
      logger: ThrowawayDatabase.silentLogger, metrics: PrometheusRegistry())
  }

  /// A message that a node is about to hand over.
  func claimed(scheduled: Bool = true) async throws -> ClaimedSend {
    let clock = SystemClock()
    let now = clock.now()
    var record = OutboundRecord(
      id: clock.makeIdentifier(), to: Address(type: .sms, value: "+14155550101"), channel: "pool", channelType: .sms,
      line: "MG1", sender: "MG1", senderKey: "key", accountSID: "AC1", body: "x", content: Content(.text("x")),
      scheduledAt: scheduled ? now + .seconds(3_600) : nil, createdAt: now)
    record.runAt = now
    _ = try await store.queue(record, deadline: .seconds(10))
    let claim = SendClaim(
      senderKey: "key", work: .waiting, limit: 1, lease: clock.makeIdentifier(), leaseUntil: now + .seconds(60))
    return try #require(try await store.claim(claim, deadline: .seconds(10)).first)
  }

  func accepted(_ claimed: ClaimedSend) async throws {
    let receipt = SendReceipt(providerSID: "SM1", status: .accepted, providerStatus: "scheduled", raw: .empty)
    try await store.record(
      SendRecord(
        messageID: claimed.message.id, lease: claimed.lease, accountSID: "AC1", result: .accepted(receipt),
        at: SystemClock().now()), deadline: .seconds(10))
  }

  func handedOver(scheduled: Bool = true) async throws -> Identifier {
    let claimed = try await claimed(scheduled: scheduled)
    try await accepted(claimed)
    return claimed.message.id
  }

  func expect(_ status: HTTPResponse.Status, _ code: String = "not_cancelable", of id: Identifier) async {
    await #expect {
      try await cancellation.cancel(id)
    } throws: { error in
      let problem = error as? Problem
      return problem?.status == status && problem?.code == code
    }
  }
}

/// Answers from a script.
private final class KeepingProvider: Sendable {
  enum Answer: Sendable {
    case says(String)
    case fails(SendFailure.Kind)
  }

  private struct State {
    var answers: [Answer] = []
    var present: String?
    var calls: [String] = []
  }

  private let state = Mutex(State())
  var calls: [String] { state.withLock(\.calls) }

  /// - Parameter present: the message's state to whoever asks; nil: no answer.
  func script(_ answers: [Answer], present: String? = nil) {
    state.withLock { state in
      state.answers = answers
      state.present = present
    }
  }

  func cancel(_ sid: String) -> Answer {
    state.withLock { state in
      state.calls.append("cancel \(sid)")
      return state.answers.isEmpty ? .fails(.transient) : state.answers.removeFirst()
    }
  }

  func status(_ sid: String) -> Answer {
    state.withLock { state in
      state.calls.append("status \(sid)")
      return state.present.map { .says($0) } ?? .fails(.transient)
    }
  }
}

private struct KeepingChannel: MessageScheduling, StatusLookup {
  struct Configuration: ChannelConfiguration {
    static let keys: [ConfigurationKey] = []
  }

  static let type = ChannelType.sms
  let provider: KeepingProvider
  var capabilities: ChannelCapabilities { ChannelCapabilities() }
  var routes: [WebhookRoute] { [] }
  var senders: [Sender] { [] }

  init(provider: KeepingProvider) { self.provider = provider }
  init(configuration: Configuration, context: ChannelContext) throws { provider = KeepingProvider() }

  func claim(_ request: WebhookRequest) -> WebhookClaim { .none }
  func receive(_ request: WebhookRequest) throws(WebhookRejection) -> [InboundEvent] { throw .unknownAccount }

  func send(_ message: OutboundMessage) async throws(SendFailure) -> SendReceipt {
    throw SendFailure(.rejected, code: "x", message: "x")
  }

  func canSchedule(from sender: String, at time: Timestamp, now: Timestamp) -> Bool { true }

  func cancel(providerSID: String) async throws(SendFailure) -> StatusUpdate {
    try update(provider.cancel(providerSID), providerSID)
  }

  func status(ofProviderSID sid: String) async throws(SendFailure) -> StatusUpdate {
    try update(provider.status(sid), sid)
  }

  private func update(_ answer: KeepingProvider.Answer, _ sid: String) throws(SendFailure) -> StatusUpdate {
    switch answer {
    case .says(let word):
      return StatusUpdate(
        accountSID: "AC1", providerSID: sid, messageID: nil,
        report: StatusReport(
          status: word == "scheduled" ? .accepted : DeliveryStatus(rawValue: word), providerStatus: word,
          at: SystemClock().now(), source: .poll), raw: .empty)
    case .fails(let kind): throw SendFailure(kind, code: "x", message: "x")
    }
  }
}
