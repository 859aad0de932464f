// The endpoints of one node, and whose turn it is, as a value.

import ChannelProtocol
import DequeModule

/// Lanes take turns, one delivery each, so that one with much to do delays no other. The last quarter of the slots is
/// for lanes that have nothing under way: endpoints that hang cannot take them all.
struct WebhookRoster: Sendable {
  /// A delivery whose turn it is.
  struct Start: Sendable {
    var delivery: DueDelivery
    var endpoint: WebhookEndpoint
    /// Which life of its lane it belongs to: a lane that is lost and taken again is another.
    fileprivate var life: Int
  }

  let policy: DeliveryPolicy
  private(set) var underWay = 0
  private var lanes: [Identifier: (lane: WebhookLane, life: Int)] = [:]
  private var lives = 0
  private var turn: Deque<Identifier> = []
  private var inTurn: Set<Identifier> = []
  private var later: [Identifier: Timestamp] = [:]
  private var firstAsked = 0

  /// Deliveries at hand over all lanes; each of them holds its event.
  private static let total = 4_096

  init(policy: DeliveryPolicy) { self.policy = policy }

  var endpoints: Int { lanes.count }

  /// How many deliveries a lane may have at hand.
  private var room: Int { min(max(Self.total / max(lanes.count, 1), 16), 512) }

  // MARK: Whose lanes

  /// The endpoints that are this node's now.
  mutating func update(_ endpoints: [WebhookEndpoint]) {
    let ids = Set(endpoints.map(\.id))
    for id in lanes.keys where !ids.contains(id) { drop(id) }
    for endpoint in endpoints {
      if lanes[endpoint.id] == nil {
        lives += 1
        lanes[endpoint.id] = (WebhookLane(endpoint), lives)
      } else {
        lanes[endpoint.id]?.lane.update(endpoint)
      }
      // What was changed may let something go that had to wait.
      take(endpoint.id)
    }
  }

  mutating func drop(_ id: Identifier) {
    lanes[id] = nil
    later[id] = nil
  }

  // MARK: From the store

  mutating func wake(_ endpoints: some Sequence<Identifier>) { for id in endpoints { lanes[id]?.lane.wake() } }

  mutating func wakeAll() { for id in lanes.keys { lanes[id]?.lane.wakeAll() } }

  mutating func demands(at now: Timestamp) -> [DeliveryDemand] {
    let room = room
    // In one round not more than what a session carries at ease; the next one begins behind those that were asked.
    var budget = Self.total
    var demands: [DeliveryDemand] = []
    let ids = Array(lanes.keys)
    let start = ids.isEmpty ? 0 : firstAsked % ids.count
    for id in ids[start...] + ids[..<start] where budget > 0 {
      firstAsked += 1
      guard let demand = lanes[id]?.lane.demand(room: room, at: now) else { continue }
      budget -= max(demand.inLine, demand.waiting)
      demands.append(demand)
    }
    return demands
  }

  mutating func receive(_ supplies: [DeliverySupply]) {
    for supply in supplies {
      lanes[supply.endpoint]?.lane.receive(supply)
      take(supply.endpoint)
    }
  }

  mutating func loadFailed(_ demands: [DeliveryDemand]) {
    for demand in demands { lanes[demand.endpoint]?.lane.loadFailed() }
  }

  func isHungry(_ id: Identifier) -> Bool { lanes[id]?.lane.isHungry(room: room) ?? false }

  /// When some lane has to ask for deliveries that wait.
  var nextDue: Timestamp? {
    let room = room
    return lanes.values.compactMap { $0.lane.due(room: room) }.min()
  }

  // MARK: On their way

  /// The next delivery that may go; it counts as under way.
  mutating func next(at now: Timestamp) -> Start? {
    for (id, time) in later where time <= now {
      later[id] = nil
      take(id)
    }
    var tries = turn.count
    while tries > 0, underWay < policy.concurrency, let id = turn.popFirst() {
      tries -= 1
      inTurn.remove(id)
      // Not a copy of the lane: changing it would then copy all that it holds.
      guard let laneUnderWay = lanes[id]?.lane.underWay, let life = lanes[id]?.life else { continue }
      let isReserved = policy.concurrency - underWay <= policy.concurrency / 4
      if isReserved, laneUnderWay > 0 {
        take(id)
        continue
      }
      switch lanes[id]?.lane.next(limit: policy.perEndpoint, catchUp: policy.catchUp, at: now) {
      case .send(let delivery):
        guard let endpoint = lanes[id]?.lane.endpoint else { continue }
        take(id)
        underWay += 1
        return Start(delivery: delivery, endpoint: endpoint, life: life)
      case .later(let time): later[id] = time
      case .nothing, nil: break
      }
    }
    return nil
  }

  /// When something may go that had to wait.
  var nextTurn: Timestamp? { later.values.min() }

  mutating func finished(
    _ start: Start, _ result: WebhookResult, at now: Timestamp, jitter: Double
  ) -> LaneOutcome {
    underWay -= 1
    let id = start.endpoint.id
    guard lanes[id]?.life == start.life,
      let outcome = lanes[id]?.lane.finished(start.delivery, result, policy, at: now, jitter: jitter)
    else {
      // Nobody's any more: what failed is the next node's to decide on.
      var lane = WebhookLane(start.endpoint)
      return LaneOutcome(
        outcome: lane.finished(start.delivery, result, policy, at: now, jitter: jitter), life: start.life)
    }
    take(id)
    if case .disabled = outcome.health { drop(id) }
    return LaneOutcome(outcome: outcome, life: start.life)
  }

  mutating func settled(_ outcome: LaneOutcome, isWritten: Bool) {
    let id = outcome.outcome.delivery.endpoint
    // The numbers of another life may be other events: the database may have been restored.
    guard lanes[id]?.life == outcome.life else { return }
    lanes[id]?.lane.settled(outcome.outcome, isWritten: isWritten)
    take(id)
  }

  private mutating func take(_ id: Identifier) {
    if lanes[id] != nil, inTurn.insert(id).inserted { turn.append(id) }
  }
}
