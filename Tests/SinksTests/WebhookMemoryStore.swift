// A delivery store in memory with the rules of the real one: one line per endpoint, what failed and what waits for it
// beside the line.

import ChannelProtocol

actor WebhookMemoryStore: DeliveryStore {
  struct Away: Error {}

  enum State: Sendable, Hashable { case inLine, waiting, delivered, dead }

  struct Delivery: Sendable {
    var due: DueDelivery
    var state = State.inLine
    var runAt: Timestamp
    var attempts: [DeliveryAttempt] = []
    var event: Event { due.event }
  }

  private let clock = SystemClock()
  private var events: [Event] = []
  private var cursor = 0
  private var endpoints: [Identifier: WebhookEndpoint] = [:]
  private(set) var disabled: [Identifier: String] = [:]
  private(set) var deliveries: [Delivery] = []
  private(set) var released: [Identifier] = []
  /// So many calls fail as if the database were away.
  private var failures = 0
  /// How many outcomes still cannot be written.
  private(set) var finishFailures = 0

  init(_ endpoints: [WebhookEndpoint]) {
    self.endpoints = Dictionary(uniqueKeysWithValues: endpoints.map { ($0.id, $0) })
  }

  func append(_ new: [Event]) { events += new }

  func fail(next count: Int) { failures = count }

  func failFinishing(next count: Int) { finishFailures = count }

  func count(_ state: State) -> Int { deliveries.count { $0.state == state } }

  func delivery(seq: Int64) -> Delivery? { deliveries.first { $0.event.seq == seq } }

  func change(_ id: Identifier, _ change: (inout WebhookEndpoint) -> Void) {
    if var endpoint = endpoints[id] {
      change(&endpoint)
      endpoints[id] = endpoint
    }
  }

  /// Takes an endpoint from the node, and gives it back with `resume`.
  func pause(_ id: Identifier) { disabled[id] = "paused" }

  func resume(_ id: Identifier) {
    disabled[id] = nil
    endpoints[id]?.resumedAt = clock.now()
    for index in deliveries.indices where deliveries[index].due.endpoint == id && deliveries[index].state == .inLine {
      deliveries[index].state = .waiting
      deliveries[index].runAt = deliveries[index].due.createdAt
    }
  }

  func materialiseDeliveries(limit: Int) async throws -> MaterialisedDeliveries {
    try check()
    let batch = events[cursor...].prefix(limit)
    for event in batch {
      for endpoint in endpoints.keys.sorted() where disabled[endpoint] == nil || disabled[endpoint] == "paused" {
        deliveries.append(
          Delivery(
            due: DueDelivery(
              id: clock.makeIdentifier(), endpoint: endpoint, event: event, order: event.conversationID ?? event.id,
              attempts: 0, holdsUntil: nil, createdAt: clock.now()),
            state: disabled[endpoint] == nil ? .inLine : .waiting, runAt: clock.now()))
      }
    }
    cursor += batch.count
    return MaterialisedDeliveries(events: batch.count, endpoints: batch.isEmpty ? [] : Set(endpoints.keys))
  }

  func advanceReplays(limit: Int) async throws -> MaterialisedDeliveries { MaterialisedDeliveries() }

  func leaseEndpoints(node: Identifier, lease: Duration) async throws -> [WebhookEndpoint] {
    try check()
    return endpoints.values.filter { disabled[$0.id] == nil }.sorted { $0.id < $1.id }
  }

  func releaseEndpoints(node: Identifier) async throws { released.append(node) }

  func loadDeliveries(_ demands: [DeliveryDemand], node: Identifier) async throws -> [DeliverySupply] {
    try check()
    return demands.map { demand in
      var supply = DeliverySupply(endpoint: demand.endpoint, reached: demand.after)
      guard disabled[demand.endpoint] == nil else { return supply }
      let now = clock.now()
      let line = deliveries.indices.filter {
        deliveries[$0].due.endpoint == demand.endpoint && deliveries[$0].state == .inLine
          && deliveries[$0].event.seq > demand.after
      }
      for index in line.prefix(demand.inLine) {
        supply.reached = deliveries[index].event.seq
        if let until = blocked(index, at: now) {
          deliveries[index].state = .waiting
          deliveries[index].runAt = until
        } else {
          supply.inLine.append(deliveries[index].due)
        }
      }
      supply.hasMore = demand.inLine > 0 && line.count >= demand.inLine
      let waiting = deliveries.indices.filter {
        deliveries[$0].due.endpoint == demand.endpoint && deliveries[$0].state == .waiting
      }.sorted { (deliveries[$0].runAt, deliveries[$0].event.seq) < (deliveries[$1].runAt, deliveries[$1].event.seq) }
      let due = waiting.filter { deliveries[$0].runAt <= now && (blocked($0, at: now) ?? now) <= now }
      supply.waiting = due.prefix(demand.waiting).map { deliveries[$0].due }
      supply.hasMoreWaiting = demand.waiting > 0 && supply.waiting.count >= demand.waiting
      supply.nextDue = waiting.map { deliveries[$0].runAt }.first { $0 > now }
      return supply
    }
  }

  /// Until when a delivery has to wait for those before it.
  private func blocked(_ index: Int, at now: Timestamp) -> Timestamp? {
    let delivery = deliveries[index]
    return deliveries.filter {
      $0.due.endpoint == delivery.due.endpoint && $0.due.order == delivery.due.order && $0.state == .waiting
        && $0.event.seq < delivery.event.seq
    }.compactMap { earlier -> Timestamp? in
      if earlier.due.attempts == 0 { return earlier.runAt }
      guard let holdsUntil = earlier.due.holdsUntil else { return earlier.runAt }
      return holdsUntil > now ? min(earlier.runAt, holdsUntil) : nil
    }.max()
  }

  func finishDeliveries(_ outcomes: [DeliveryOutcome], node: Identifier) async throws {
    try check()
    if finishFailures > 0 {
      finishFailures -= 1
      throw Away()
    }
    for outcome in outcomes {
      guard let index = deliveries.firstIndex(where: { $0.due.id == outcome.delivery.id }) else { continue }
      deliveries[index].attempts.append(outcome.attempt)
      if outcome.isCounted { deliveries[index].due.attempts += 1 }
      switch outcome.disposition {
      case .delivered: deliveries[index].state = .delivered
      case .retry(let at):
        deliveries[index].state = .waiting
        deliveries[index].runAt = at
        deliveries[index].due.holdsUntil = outcome.holdsUntil
      case .dead: deliveries[index].state = .dead
      }
      if let until = outcome.heldUntil { hold(outcome, until) }
      if case .disabled(let reason) = outcome.health { disabled[outcome.delivery.endpoint] = reason }
    }
  }

  private func hold(_ outcome: DeliveryOutcome, _ until: Timestamp) {
    for index in deliveries.indices where deliveries[index].due.endpoint == outcome.delivery.endpoint {
      let isHeldBack = outcome.heldBack.contains(deliveries[index].due.id)
      let waits =
        deliveries[index].state == .waiting && deliveries[index].due.order == outcome.delivery.order
        && deliveries[index].event.seq > outcome.delivery.event.seq && deliveries[index].due.attempts == 0
      if isHeldBack || waits {
        deliveries[index].state = .waiting
        deliveries[index].runAt = until
      }
    }
  }

  func deliveryBacklog(node: Identifier) async throws -> [EndpointBacklog] {
    endpoints.keys.map { id in
      let pending = deliveries.filter { $0.due.endpoint == id && ($0.state == .inLine || $0.state == .waiting) }
      return EndpointBacklog(endpoint: id, pending: pending.count, oldest: pending.first?.due.createdAt)
    }
  }

  private func check() throws {
    if failures > 0 {
      failures -= 1
      throw Away()
    }
  }
}
