// One sender's loop against a real store: how a claim, the pace and the clock go together.

import ChannelProtocol
import GatewayTesting
import HTTPTypes
import Logging
import Storage
import Synchronization
import Testing

@testable import Gateway

@Suite("A sender's loop", .timeLimit(.minutes(2)))
struct SenderLoopTests {
  @Test("a claim that has nearly run out is given back uncalled, and nothing goes out twice")
  func claimsThatRunOut() async throws {
    try await SenderLoopFixture.run(rate: 2) { fixture in
      // Two messages to a claim, one every half second, and a claim that is good for a tenth: the second is given back.
      let loop = fixture.loop { context in
        context.claimLease = .milliseconds(600)
        context.callMargin = .milliseconds(500)
        context.claimAhead = .milliseconds(50)
      }
      for number in 1...4 { try await fixture.queue("message \(number)") }
      #expect(
        try await eventually(within: .seconds(30)) {
          _ = try await loop.work()
          return fixture.sent.bodies.count >= 4
        })
      _ = try await loop.work()
      #expect(fixture.sent.bodies.sorted() == (1...4).map { "message \($0)" })
    }
  }

  @Test("a message whose turn is far off is not claimed: it can still be overtaken, and taken over")
  func turnsFarOff() async throws {
    try await SenderLoopFixture.run(rate: 0.01) { fixture in
      let loop = fixture.loop()
      try await fixture.queue("first")
      try await fixture.queue("second")
      let next = try await loop.work()
      #expect(fixture.sent.bodies == ["first"])
      #expect(next.map { $0 - SystemClock().now() > .seconds(60) } ?? false)
      let waiting = try await fixture.store.messages(MessageQuery(), page: PageRequest()).items
      #expect(waiting.first { $0.body == "second" }?.status == .queued)
    }
  }
}

/// A store of the test's own, and a channel that sends nowhere.
private struct SenderLoopFixture: Sendable {
  let store: PostgresMessageStore
  let sent: SentBodies
  let channel: ConfiguredChannel
  let rate: Double

  static func run(rate: Double, _ body: (SenderLoopFixture) async throws -> Void) async throws {
    let database = try await ThrowawayDatabase.make()
    let store = PostgresMessageStore(
      configuration: database.configuration, context: ResourceContext(publicURL: "http://localhost"),
      logger: ThrowawayDatabase.silentLogger)
    try store.start()
    let sent = SentBodies()
    let channel = ConfiguredChannel(
      id: "echo", adapter: EchoChannel(sent: sent),
      account: Account(id: "main", accountSID: "AC1", authTokens: [Secret("x")]))
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(SenderLoopFixture(store: store, sent: sent, channel: channel, rate: rate)))
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
      clock: SystemClock(), logger: ThrowawayDatabase.silentLogger, metrics: PrometheusRegistry())
    change(&context)
    return SenderLoop(SenderLane(key: "key", address: "+15005550006", messagesPerSecond: rate), context)
  }

  func queue(_ body: String) async throws {
    let clock = SystemClock()
    _ = try await store.queue(
      OutboundRecord(
        id: clock.makeIdentifier(), to: Address(type: .sms, value: "+14155550101"), channel: "echo", channelType: .sms,
        line: "+15005550006", sender: "+15005550006", senderKey: "key", accountSID: "AC1", body: body,
        content: Content(.text(body)), createdAt: clock.now()), deadline: .seconds(10))
  }
}

private final class SentBodies: Sendable {
  private let state = Mutex<[String]>([])
  var bodies: [String] { state.withLock(\.self) }
  func add(_ body: String) { state.withLock { $0.append(body) } }
}

private struct EchoChannel: ChannelAdapter {
  struct Configuration: ChannelConfiguration {
    static let keys: [ConfigurationKey] = []
  }

  static let type = ChannelType.sms
  let sent: SentBodies
  var capabilities: ChannelCapabilities { ChannelCapabilities() }
  var routes: [WebhookRoute] { [] }
  var senders: [Sender] { [] }

  init(sent: SentBodies) { self.sent = sent }

  init(configuration: Configuration, context: ChannelContext) throws { sent = SentBodies() }

  func claim(_ request: WebhookRequest) -> WebhookClaim { .none }
  func receive(_ request: WebhookRequest) throws(WebhookRejection) -> [InboundEvent] { throw .unknownAccount }

  func send(_ message: OutboundMessage) async throws(SendFailure) -> SendReceipt {
    sent.add(message.body ?? "")
    return SendReceipt(
      providerSID: "SM\(message.id)", status: .accepted, providerStatus: "queued", raw: .empty)
  }
}
