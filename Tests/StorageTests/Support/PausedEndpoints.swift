// Endpoints with long lines, paused and switched on again, and a node that delivers to them.

import ChannelProtocol
import GatewayTesting
import Testing

@testable import Storage

/// One node that delivers, in the order in which it is given what is due.
struct Deliverer {
  let fixture: StoreFixture
  let endpoint: Identifier
  let node: Identifier
  var after: Int64 = -1
  private(set) var count = 0
  /// Deliveries that came behind a later one of their conversation.
  private(set) var overtakings = 0
  private var newest: [Identifier: Int64] = [:]

  init(fixture: StoreFixture, endpoint: Identifier, node: Identifier) {
    self.fixture = fixture
    self.endpoint = endpoint
    self.node = node
  }

  /// - Returns: whether there may be more.
  @discardableResult
  mutating func deliverSome() async throws -> Bool {
    let demand = DeliveryDemand(endpoint: endpoint, after: after, inLine: 500, waiting: 500)
    guard let supply = try await fixture.store.loadDeliveries([demand], node: node).first else { return false }
    after = supply.reached
    let due = (supply.waiting + supply.inLine).sorted { $0.event.seq < $1.event.seq }
    for delivery in due {
      count += 1
      if let before = newest[delivery.order], before >= delivery.event.seq { overtakings += 1 }
      newest[delivery.order] = delivery.event.seq
    }
    try await fixture.store.finishDeliveries(due.map { fixture.outcome($0, .delivered) }, node: node)
    return !due.isEmpty || supply.hasMore || supply.hasMoreWaiting || supply.nextDue.map { $0 < fixture.later } ?? false
  }

  mutating func deliverAll() async throws { while try await deliverSome() {} }
}

extension StoreFixture {
  /// Events of so many conversations in turn.
  func append(_ count: Int, _ type: String, orders: Int = 300) async throws {
    try await script(
      """
      SELECT append_events(array_agg(gen_random_uuid()), array_agg('\(type)'::text), array_agg(now()),
        array_agg(('00000000-0000-7000-8000-' || lpad((i % \(orders))::text, 12, '0'))::uuid),
        array_agg(NULL::text), array_agg('{}'::text)) FROM generate_series(1, \(count)) i
      """)
  }

  func readLog() async throws { while try await store.materialiseDeliveries(limit: 5_000).events > 0 {} }

  /// An endpoint that was switched off with so many in line, and has collected since.
  func pausedEndpoint(
    inLine: Int, collected: Int
  ) async throws -> (id: Identifier, node: Identifier) {
    let (id, node) = try await leased(events: ["message.new"])
    try await append(inLine, "message.new")
    try await readLog()
    _ = try await store.updateWebhook(id, at: clock.now()) { $0.isActive = false }
    if collected > 0 { try await append(collected, "message.new") }
    try await readLog()
    return (id, node)
  }

  func switchOn(
    _ id: Identifier, at index: Int, ifStill expected: Webhook? = nil
  ) -> Task<Webhook?, any Error> {
    let store = stores[index]
    let now = clock.now()
    return Task { try await store.updateWebhook(id, at: now, ifStill: expected) { $0.isActive = true } }
  }

  /// As whoever writes an outcome does.
  func holdDelivery(_ place: Int, of webhook: Identifier) async throws -> LockHolder {
    try await LockHolder.take(
      .idleInTransaction, on: self,
      lock: """
        SELECT FROM deliveries WHERE id = (
          SELECT id FROM deliveries WHERE webhook_id = '\(webhook)' ORDER BY seq OFFSET \(place) LIMIT 1) FOR UPDATE
        """)
  }

  func inLine(of webhook: Identifier) async throws -> Int {
    try await number("SELECT count(*) FROM deliveries WHERE webhook_id = '\(webhook)' AND state = 0")
  }

  func inLine(of webhook: Identifier, becomes count: Int) async -> Bool {
    await eventually(within: .seconds(30)) { (try? await inLine(of: webhook)) == count }
  }

  func leavesLine(of webhook: Identifier, below count: Int) async -> Bool {
    await eventually(within: .seconds(30)) { (try? await inLine(of: webhook)).map { $0 < count } ?? false }
  }

  func loadAny(_ endpoint: Identifier, node: Identifier) async throws -> DeliverySupply {
    try #require(
      try await store.loadDeliveries(
        [DeliveryDemand(endpoint: endpoint, after: -1, inLine: 100, waiting: 100)], node: node
      ).first)
  }
}
