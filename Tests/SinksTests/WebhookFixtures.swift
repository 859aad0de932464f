// Events, endpoints and contexts for the tests of the webhook and the log sink.

import ChannelProtocol
import Logging
import Testing

@testable import Sinks

enum WebhookFixtures {
  static let secret: [UInt8] = Array(repeating: 7, count: 32)

  static func event(_ seq: Int64, conversation: UInt64? = nil, data: String = #"{"id":"x","status":"queued"}"#) -> Event
  {
    Event(
      seq: seq, id: Identifier(high: 0x7000, low: UInt64(seq)), type: .messageNew, at: SystemClock().now(),
      conversationID: conversation.map { Identifier(high: 9, low: $0) }, channel: "sms", data: Array(data.utf8))
  }

  static func endpoint(_ url: String, number: UInt64 = 1, headers: [String: String] = [:]) -> WebhookEndpoint {
    WebhookEndpoint(id: Identifier(high: 5, low: number), url: url, headers: headers, secrets: [secret])
  }

  static func configuration(
    allow: [String] = ["loopback"], timeout: Double = 5, retry: [Double] = [0.02, 0.02, 0.02], concurrency: Int = 16,
    perEndpoint: Int = 4, authorities: String? = nil
  ) -> WebhookConfiguration {
    var configuration = WebhookConfiguration()
    configuration.allow = allow
    configuration.timeout = timeout
    configuration.retry = retry
    configuration.concurrency = concurrency
    configuration.perEndpoint = perEndpoint
    configuration.certificateAuthorities = authorities
    return configuration
  }

  static func context(ring: EventRing, deliveries: any DeliveryStore) -> SinkContext {
    SinkContext(
      ring: ring, log: Nothing(), deliveries: deliveries, gateway: Nothing(), clock: SystemClock(),
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  /// Makes a sender for one test and closes it afterwards.
  static func withSender(
    _ configuration: WebhookConfiguration = configuration(), resolver: HostResolver = HostResolver(),
    _ body: (WebhookSender) async throws -> Void
  ) async throws {
    let sender = try WebhookSender(configuration: configuration, clock: SystemClock(), resolver: resolver)
    defer { sender.close() }
    try await body(sender)
  }

  /// Waits until `condition` holds; records an issue after `limit`.
  static func eventually(
    within limit: Duration = .seconds(20), _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async -> Bool
  ) async throws {
    let end = ContinuousClock.now + limit
    while !(await condition()) {
      try #require(ContinuousClock.now < end, what, sourceLocation: sourceLocation)
      try await Task.sleep(for: .milliseconds(2))
    }
  }
}

/// Where a test needs a log and a gateway but not what they do.
private struct Nothing: EventLog, RealtimeGateway, DeliveryStore {
  func events(after seq: Int64, limit: Int) async throws -> [Event] { [] }
  func bounds() async throws -> EventLogBounds {
    EventLogBounds(epoch: Identifier(high: 0, low: 0), oldest: 0, newest: 0)
  }
  func authenticate(key: String, from peer: RealtimePeer) async throws -> RealtimePrincipal? { nil }
  func principal(_ keyID: Identifier) async throws -> RealtimePrincipal? { nil }
  func send(_ message: [UInt8], idempotencyKey: String?, as principal: RealtimePrincipal) async
    -> Result<[UInt8], RealtimeProblem>
  { .failure(RealtimeProblem(json: [])) }
  func materialiseDeliveries(limit: Int) async throws -> MaterialisedDeliveries { MaterialisedDeliveries() }
  func advanceReplays(limit: Int) async throws -> MaterialisedDeliveries { MaterialisedDeliveries() }
  func leaseEndpoints(node: Identifier, lease: Duration) async throws -> [WebhookEndpoint] { [] }
  func releaseEndpoints(node: Identifier) async throws {}
  func loadDeliveries(_ demands: [DeliveryDemand], node: Identifier) async throws -> [DeliverySupply] { [] }
  func finishDeliveries(_ outcomes: [DeliveryOutcome], node: Identifier) async throws {}
  func deliveryBacklog(node: Identifier) async throws -> [EndpointBacklog] { [] }
}

extension WebhookFixtures {
  static var noDeliveries: any DeliveryStore { Nothing() }
}
