// Webhooks and what becomes of their deliveries, as tests make them.

import ChannelProtocol
import GatewayTesting
import Testing

@testable import Storage

extension StoreFixture {
  /// A time that has not come when the test ends.
  var later: Timestamp { SystemClock().now() + .seconds(3_600) }

  @discardableResult
  func webhook(
    events: [String] = [], channels: [String] = [], secret: [UInt8] = [1], headers: [String: String] = [:],
    isActive: Bool = true
  ) async throws -> Identifier {
    let id = clock.makeIdentifier()
    try await store.createWebhook(
      Webhook(
        id: id, url: "https://hooks.example/", events: events, channels: channels, headers: headers,
        isActive: isActive, createdAt: clock.now()), secret: secret)
    return id
  }

  /// A webhook, and the node that it is leased to.
  func leased(
    events: [String] = [], secret: [UInt8] = [1], headers: [String: String] = [:]
  ) async throws -> (id: Identifier, node: Identifier) {
    let id = try await webhook(events: events, secret: secret, headers: headers)
    let node = clock.makeIdentifier()
    _ = try await store.leaseEndpoints(node: node, lease: .seconds(60))
    return (id, node)
  }

  func load(
    _ endpoint: Identifier, node: Identifier, after: Int64 = -1, inLine: Int = 100
  ) async throws -> DeliverySupply {
    try #require(
      try await store.loadDeliveries(
        [DeliveryDemand(endpoint: endpoint, after: after, inLine: inLine, waiting: 100)], node: node
      ).first)
  }

  func outcome(
    _ delivery: DueDelivery, _ disposition: DeliveryOutcome.Disposition,
    health: DeliveryOutcome.Health = .unchanged, heldBack: [Identifier] = []
  ) -> DeliveryOutcome {
    let isDelivered = disposition == .delivered
    return DeliveryOutcome(
      delivery: delivery,
      attempt: DeliveryAttempt(
        at: clock.now(), status: isDelivered ? 200 : 500, latency: .milliseconds(12), error: nil,
        response: isDelivered ? nil : "no"),
      disposition: disposition, health: health, heldBack: heldBack)
  }
}
