// A delivery store in memory with the rules of the real one: order per conversation, leases, a bound per endpoint.

import ChannelProtocol

actor WebhookMemoryStore: DeliveryStore {
  struct Away: Error {}

  enum State: Sendable, Hashable { case pending, delivered, dead }

  struct Delivery: Sendable {
    var id: Identifier
    var endpoint: Identifier
    var event: Event
    var state = State.pending
    var runAt: Timestamp
    var firstDueAt: Timestamp
    var attempts: [DeliveryAttempt] = []
    var lease: (id: Identifier, until: Timestamp)?
  }

  private let clock = SystemClock()
  private var events: [Event] = []
  private var cursor = 0
  private var endpoints: [Identifier: WebhookEndpoint] = [:]
  private(set) var disabled: [Identifier: String] = [:]
  private(set) var deliveries: [Delivery] = []
  private(set) var finishCalls = 0
  /// So many calls fail as if the database were away.
  private var failures = 0

  init(_ endpoints: [WebhookEndpoint]) {
    self.endpoints = Dictionary(uniqueKeysWithValues: endpoints.map { ($0.id, $0) })
  }

  func append(_ new: [Event]) { events += new }

  func fail(next count: Int) { failures = count }

  func count(_ state: State) -> Int { deliveries.count { $0.state == state } }

  func delivery(seq: Int64) -> Delivery? { deliveries.first { $0.event.seq == seq } }

  func materialiseDeliveries(limit: Int) async throws -> Int {
    try check()
    let batch = events[cursor...].prefix(limit)
    for event in batch {
      for endpoint in endpoints.keys.sorted() where disabled[endpoint] == nil {
        deliveries.append(
          Delivery(
            id: clock.makeIdentifier(), endpoint: endpoint, event: event, runAt: clock.now(), firstDueAt: clock.now()))
      }
    }
    cursor += batch.count
    return batch.count
  }

  func claimDeliveries(limit: Int, perEndpoint: Int, lease: Duration) async throws -> [ClaimedDelivery] {
    try check()
    let now = clock.now()
    var underWay: [Identifier: Int] = [:]
    for delivery in deliveries {
      if delivery.state == .pending, let lease = delivery.lease, lease.until > now {
        underWay[delivery.endpoint, default: 0] += 1
      }
    }
    var blocked: Set<[Identifier]> = []
    var claimed: [ClaimedDelivery] = []
    for index in deliveries.indices where deliveries[index].state == .pending {
      let delivery = deliveries[index]
      if let conversation = delivery.event.conversationID,
        !blocked.insert([delivery.endpoint, conversation]).inserted
      {
        continue
      }
      guard claimed.count < limit, delivery.runAt <= now, delivery.lease.map({ $0.until <= now }) ?? true,
        underWay[delivery.endpoint, default: 0] < perEndpoint, let endpoint = endpoints[delivery.endpoint]
      else { continue }
      underWay[delivery.endpoint, default: 0] += 1
      let id = clock.makeIdentifier()
      deliveries[index].lease = (id, now + lease)
      claimed.append(
        ClaimedDelivery(
          id: delivery.id, lease: id, endpoint: endpoint, event: delivery.event, attempts: delivery.attempts.count,
          firstDueAt: delivery.firstDueAt))
    }
    return claimed
  }

  func finishDeliveries(_ outcomes: [DeliveryOutcome]) async throws {
    try check()
    finishCalls += 1
    for outcome in outcomes {
      guard let index = deliveries.firstIndex(where: { $0.id == outcome.delivery }),
        deliveries[index].lease?.id == outcome.lease
      else { continue }
      deliveries[index].lease = nil
      deliveries[index].attempts.append(outcome.attempt)
      switch outcome.disposition {
      case .delivered: deliveries[index].state = .delivered
      case .retry(let at): deliveries[index].runAt = at
      case .dead: deliveries[index].state = .dead
      case .disableEndpoint(let reason):
        deliveries[index].state = .dead
        disabled[deliveries[index].endpoint] = reason
      }
    }
  }

  func nextDeliveryDue() async throws -> Timestamp? {
    try check()
    return deliveries.filter { $0.state == .pending }.map(\.runAt).min()
  }

  private func check() throws {
    if failures > 0 {
      failures -= 1
      throw Away()
    }
  }
}
