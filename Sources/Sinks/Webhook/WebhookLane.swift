// One endpoint's deliveries on the node that delivers to it, as a value: what comes from the store, what may go, what
// follows from how it went. No I/O.

import ChannelProtocol
import DequeModule

/// Deliveries of one order go one after the other; the line of another is not held up by that.
///
/// What the lane lets go of, it will see again: where a row may be missing, `reached` goes back to before it. What is at
/// hand is known by number until its outcome is written, so that a row that is read twice is not sent twice.
struct WebhookLane: Sendable {
  private(set) var endpoint: WebhookEndpoint
  private(set) var underWay = 0
  /// At hand, and not under way.
  private(set) var queued = 0

  private var queues: [Identifier: Deque<DueDelivery>] = [:]
  /// Orders that have something to go and nothing under way.
  private var ready: Deque<Identifier> = []
  /// Orders with an attempt under way, or a failure that is not written yet.
  private var busy: Set<Identifier> = []
  private var failing: Set<Identifier> = []
  /// Numbers at hand; true: it came from those that wait.
  private var atHand: [Int64: Bool] = [:]
  private var atHandWaiting = 0

  private var reached: Int64 = -1
  private var hasMore = true
  private var mustSettle = false
  private var nextDue: Timestamp? = Timestamp(microseconds: 0)
  private var asked: DeliveryDemand?
  private var wokenMeanwhile = false
  private var settledMeanwhile: Set<Int64> = []
  private var failedMeanwhile: Set<Identifier> = []

  private var window = AttemptWindow()
  private var circuit = EndpointCircuit()
  private var pace = AttemptPace()
  private var catchUpPace = AttemptPace()
  /// The endpoint asked for a pause.
  private var pausedUntil: Timestamp?

  init(_ endpoint: WebhookEndpoint) { self.endpoint = endpoint }

  /// Takes over what was changed about the endpoint.
  mutating func update(_ new: WebhookEndpoint) {
    let failingSince = endpoint.failingSince
    let isResumed = new.resumedAt != endpoint.resumedAt
    endpoint = new
    // This node's own attempts are the newer truth, unless somebody has switched it on anew.
    endpoint.failingSince = isResumed ? new.failingSince : failingSince
  }

  // MARK: From the store

  /// There may be something new.
  mutating func wake() {
    hasMore = true
    wokenMeanwhile = true
  }

  /// Those that wait are looked at as well.
  mutating func wakeAll() {
    wake()
    nextDue = Timestamp(microseconds: 0)
  }

  /// What to ask the store for; nil: nothing now.
  /// - Parameter room: how many may be at hand.
  mutating func demand(room: Int, at now: Timestamp) -> DeliveryDemand? {
    guard asked == nil, queued <= room / 2 else { return nil }
    if failing.isEmpty { mustSettle = false }
    let wantsLine = hasMore && !mustSettle
    let wantsWaiting = nextDue.map { $0 <= now } ?? false
    guard wantsLine || wantsWaiting else { return nil }
    let count = room - queued
    let demand = DeliveryDemand(
      endpoint: endpoint.id, after: reached, inLine: wantsLine ? count : 0,
      waiting: wantsWaiting ? atHandWaiting + count : 0)
    asked = demand
    wokenMeanwhile = false
    return demand
  }

  /// Whether it would ask, once it is due.
  func isHungry(room: Int) -> Bool { asked == nil && hasMore && !mustSettle && queued <= room / 2 }

  /// When it has to ask for those that wait.
  var due: Timestamp? { asked == nil ? nextDue : nil }

  mutating func receive(_ supply: DeliverySupply) {
    guard let demand = asked else { return }
    if demand.inLine > 0 {
      reached = supply.reached
      hasMore = supply.hasMore || wokenMeanwhile
    }
    for delivery in supply.inLine where !isKnown(delivery) {
      if failing.contains(delivery.order) || failedMeanwhile.contains(delivery.order) {
        // Whether it has to wait was decided while it was read: it is read again.
        reached = min(reached, delivery.event.seq - 1)
        hasMore = true
        mustSettle = true
      } else {
        enqueue(delivery, isWaiting: false)
      }
    }
    for delivery in supply.waiting
    where !isKnown(delivery) && !failing.contains(delivery.order) && !failedMeanwhile.contains(delivery.order) {
      enqueue(delivery, isWaiting: true)
    }
    let isCut = demand.waiting > 0 && supply.waiting.count >= demand.waiting
    if demand.waiting > 0 { nextDue = isCut ? Timestamp(microseconds: 0) : supply.nextDue }
    if let due = supply.nextDue { nextDue = min(nextDue ?? due, due) }
    endLoad()
  }

  /// The store did not answer.
  mutating func loadFailed() { endLoad() }

  private mutating func endLoad() {
    asked = nil
    settledMeanwhile = []
    failedMeanwhile = []
  }

  private func isKnown(_ delivery: DueDelivery) -> Bool {
    atHand[delivery.event.seq] != nil || settledMeanwhile.contains(delivery.event.seq)
  }

  private mutating func enqueue(_ delivery: DueDelivery, isWaiting: Bool) {
    atHand[delivery.event.seq] = isWaiting
    if isWaiting { atHandWaiting += 1 }
    queued += 1
    let isFirst = queues[delivery.order] == nil
    let place = queues[delivery.order]?.lastIndex { $0.event.seq < delivery.event.seq }.map { $0 + 1 } ?? 0
    queues[delivery.order, default: []].insert(delivery, at: place)
    if isFirst, !busy.contains(delivery.order) { ready.append(delivery.order) }
  }

  // MARK: On its way

  enum Next: Sendable, Hashable {
    case send(DueDelivery)
    /// There is something, and nothing of it may go before then.
    case later(Timestamp)
    case nothing
  }

  mutating func next(limit: Int, catchUp: Double, at now: Timestamp) -> Next {
    guard let order = ready.first, let delivery = queues[order]?.first else { return .nothing }
    guard underWay < min(window.size, endpoint.concurrency ?? limit) else { return .nothing }
    if let pausedUntil, pausedUntil > now { return .later(pausedUntil) }
    guard circuit.lets(through: underWay, at: now) else {
      return underWay == 0 ? .later(circuit.opensAt ?? now) : .nothing
    }
    if let place = paced(delivery, catchUp, at: now) { return .later(place) }
    ready.removeFirst()
    queues[order]?.removeFirst()
    if queues[order]?.isEmpty == true { queues[order] = nil }
    queued -= 1
    underWay += 1
    busy.insert(order)
    return .send(delivery)
  }

  /// Takes a place in time; or says when there is one.
  private mutating func paced(_ delivery: DueDelivery, _ catchUp: Double, at now: Timestamp) -> Timestamp? {
    let isBacklog = endpoint.resumedAt.map { delivery.createdAt < $0 } ?? false
    var place = now
    if let rate = endpoint.rateLimit { place = max(place, pace.next(rate: rate, at: now)) }
    if isBacklog { place = max(place, catchUpPace.next(rate: catchUp, at: now)) }
    if place > now { return place }
    if let rate = endpoint.rateLimit { pace.take(rate: rate, at: now) }
    if isBacklog { catchUpPace.take(rate: catchUp, at: now) }
    return nil
  }

  /// What follows from an attempt.
  /// - Parameter jitter: 0 to 1, uniformly random.
  mutating func finished(
    _ delivery: DueDelivery, _ result: WebhookResult, _ policy: DeliveryPolicy, at now: Timestamp, jitter: Double
  ) -> DeliveryOutcome {
    underWay -= 1
    if result.isDelivered {
      window.succeeded(limit: endpoint.concurrency ?? policy.perEndpoint)
      circuit.succeeded()
      let wasFailing = endpoint.failingSince != nil
      endpoint.failingSince = nil
      goOn(delivery.order)
      return DeliveryOutcome(
        delivery: delivery, attempt: result.attempt, disposition: .delivered,
        health: wasFailing ? .recovered : .unchanged)
    }
    let health = result.failure == .interrupted ? .unchanged : failed(result, policy, at: now, jitter: jitter)
    var outcome = DeliveryOutcome(
      delivery: delivery, attempt: result.attempt,
      disposition: result.disposition(
        attempts: delivery.attempts, now: now, schedule: policy.schedule, jitter: jitter),
      health: health, holdsUntil: delivery.holdsUntil ?? policy.holdFor.map { now + $0 })
    if outcome.heldUntil == nil {
      goOn(delivery.order)
    } else {
      failing.insert(delivery.order)
      outcome.heldBack = letGo(of: delivery.order)
    }
    return outcome
  }

  private mutating func failed(
    _ result: WebhookResult, _ policy: DeliveryPolicy, at now: Timestamp, jitter: Double
  ) -> DeliveryOutcome.Health {
    window.failed()
    circuit.failed(at: now, jitter: jitter)
    if let pause = result.pause(at: now) { pausedUntil = max(pausedUntil ?? now, now + pause) }
    if result.attempt.status == 410 { return .disabled(reason: "The endpoint answered 410 Gone.") }
    guard let since = endpoint.failingSince else {
      endpoint.failingSince = now
      return .failing(since: now)
    }
    guard since + policy.disableAfter <= now else { return .unchanged }
    return .disabled(reason: "Every attempt has failed since \(since).")
  }

  private mutating func goOn(_ order: Identifier) {
    busy.remove(order)
    if queues[order] != nil { ready.append(order) }
  }

  private mutating func letGo(of order: Identifier) -> [Identifier] {
    let waiting = queues.removeValue(forKey: order) ?? []
    for delivery in waiting { forget(delivery.event.seq) }
    queued -= waiting.count
    return waiting.map(\.id)
  }

  private mutating func forget(_ seq: Int64) {
    if atHand.removeValue(forKey: seq) == true { atHandWaiting -= 1 }
  }

  /// An outcome is written, or was given up.
  mutating func settled(_ outcome: DeliveryOutcome, isWritten: Bool) {
    let seq = outcome.delivery.event.seq
    forget(seq)
    if asked != nil { settledMeanwhile.insert(seq) }
    if outcome.heldUntil != nil, failing.remove(outcome.delivery.order) != nil {
      busy.remove(outcome.delivery.order)
      if asked != nil { failedMeanwhile.insert(outcome.delivery.order) }
      if queues[outcome.delivery.order] != nil { ready.append(outcome.delivery.order) }
    }
    if case .retry(let at) = outcome.disposition { nextDue = min(nextDue ?? at, outcome.heldUntil ?? at, at) }
    if !isWritten {
      reached = -1
      wakeAll()
    }
  }
}

/// What the configuration says about deliveries.
struct DeliveryPolicy: Sendable, Hashable {
  var schedule: RetrySchedule
  /// How long a failing delivery holds its conversation back; nil: until it is delivered or dead.
  var holdFor: Duration?
  /// How long nothing but failures may come before an endpoint is disabled.
  var disableAfter: Duration
  /// Deliveries a second of what a pause has left.
  var catchUp: Double
  /// Attempts under way at once, over all endpoints, and at one of them.
  var concurrency: Int
  var perEndpoint: Int
}
