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
  /// At hand, and not under way: from the line, and from those that wait.
  private var queuedInLine = 0
  private var queuedWaiting = 0

  private var queues: [Identifier: Deque<DueDelivery>] = [:]
  private var ready = ReadyOrders()
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

  var queued: Int { queuedInLine + queuedWaiting }

  /// Takes over what was changed about the endpoint.
  mutating func update(_ new: WebhookEndpoint) {
    let failingSince = endpoint.failingSince
    let isResumed = new.resumedAt != endpoint.resumedAt
    // The pause was asked for by a server that is asked no more.
    if new.url != endpoint.url { pausedUntil = nil }
    endpoint = new
    // This node's own attempts are the newer truth, unless somebody has switched it on anew.
    endpoint.failingSince = isResumed ? new.failingSince : failingSince
    if isResumed { beginAnew() }
  }

  /// Switched on anew: what was in line waits by now, and what is known about the endpoint is old.
  private mutating func beginAnew() {
    for seq in atHand.keys { atHand[seq] = true }
    atHandWaiting = atHand.count
    (queuedInLine, queuedWaiting) = (0, queued)
    pausedUntil = nil
    circuit = EndpointCircuit()
    var ready = ready
    ready.sort(kind(of:))
    self.ready = ready
    wakeAll()
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
  /// - Parameter room: how many may be at hand. Half of it is for those that wait: however many, they are not in the way
  ///   of what is new.
  mutating func demand(room: Int, at now: Timestamp) -> DeliveryDemand? {
    guard asked == nil else { return nil }
    if failing.isEmpty { mustSettle = false }
    let wantsLine = wantsLine(room)
    let wantsWaiting = wantsWaiting(room) && (nextDue.map { $0 <= now } ?? false)
    guard wantsLine || wantsWaiting else { return nil }
    let demand = DeliveryDemand(
      endpoint: endpoint.id, after: reached, inLine: wantsLine ? room / 2 - queuedInLine : 0,
      waiting: wantsWaiting ? atHandWaiting + room / 2 - queuedWaiting : 0)
    asked = demand
    wokenMeanwhile = false
    return demand
  }

  private func wantsLine(_ room: Int) -> Bool { hasMore && !mustSettle && queuedInLine <= room / 4 }
  private func wantsWaiting(_ room: Int) -> Bool { queuedWaiting <= room / 4 }

  /// Whether it would ask at once.
  func isHungry(room: Int) -> Bool {
    asked == nil && (wantsLine(room) || wantsWaiting(room) && nextDue == Timestamp(microseconds: 0))
  }

  /// When it has to ask for those that wait.
  func due(room: Int) -> Timestamp? { asked == nil && wantsWaiting(room) ? nextDue : nil }

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
    if demand.waiting > 0 { nextDue = supply.hasMoreWaiting ? Timestamp(microseconds: 0) : supply.nextDue }
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
    if isWaiting {
      atHandWaiting += 1
      queuedWaiting += 1
    } else {
      queuedInLine += 1
    }
    let isFirst = queues[delivery.order] == nil
    let place = queues[delivery.order]?.lastIndex { $0.event.seq < delivery.event.seq }.map { $0 + 1 } ?? 0
    queues[delivery.order, default: []].insert(delivery, at: place)
    guard !busy.contains(delivery.order) else { return }
    if isFirst {
      ready.append(delivery.order, kind(of: delivery.order))
    } else if place == 0 {
      ready.sort(delivery.order, kind(of: delivery.order))
    }
  }

  private func kind(of order: Identifier) -> ReadyOrders.Kind {
    guard let delivery = queues[order]?.first else { return .fresh }
    if isBacklog(delivery) { return .backlog }
    return delivery.attempts > 0 ? .retried : .fresh
  }

  private func isBacklog(_ delivery: DueDelivery) -> Bool {
    endpoint.resumedAt.map { delivery.createdAt < $0 } ?? false
  }

  // MARK: On its way

  enum Next: Sendable, Hashable {
    case send(DueDelivery)
    /// There is something, and nothing of it may go before then.
    case later(Timestamp)
    case nothing
  }

  mutating func next(limit: Int, catchUp: Double, at now: Timestamp) -> Next {
    guard !ready.isEmpty, underWay < min(window.size, endpoint.concurrency ?? limit) else { return .nothing }
    if let pausedUntil, pausedUntil > now { return .later(pausedUntil) }
    if circuit.isOpen, underWay > 0 { return .nothing }
    var soonest: Timestamp?
    for step in ReadyOrders.Kind.allCases.indices {
      let kind = ready.kind(after: step)
      guard let order = candidate(kind), let delivery = queues[order]?.first else { continue }
      let place = place(for: delivery, catchUp, at: now)
      if place <= now { return .send(begin(delivery, kind, catchUp, at: now)) }
      soonest = min(soonest ?? place, place)
    }
    return soonest.map(Next.later) ?? .nothing
  }

  /// Whoever has failed least is the best probe of an endpoint that fails.
  private func candidate(_ kind: ReadyOrders.Kind) -> Identifier? {
    circuit.isOpen ? ready.least(kind) { queues[$0]?.first?.attempts ?? 0 } : ready.first(kind)
  }

  /// The first moment it may go.
  private func place(for delivery: DueDelivery, _ catchUp: Double, at now: Timestamp) -> Timestamp {
    var place = max(now, circuit.opensAt(isFirst: delivery.attempts == 0) ?? now)
    if let rate = endpoint.rateLimit { place = max(place, pace.next(rate: rate, at: now)) }
    if isBacklog(delivery) { place = max(place, catchUpPace.next(rate: catchUp, at: now)) }
    return place
  }

  private mutating func begin(
    _ delivery: DueDelivery, _ kind: ReadyOrders.Kind, _ catchUp: Double, at now: Timestamp
  ) -> DueDelivery {
    if let rate = endpoint.rateLimit { pace.take(rate: rate, at: now) }
    if isBacklog(delivery) { catchUpPace.take(rate: catchUp, at: now) }
    ready.take(delivery.order, kind)
    queues[delivery.order]?.removeFirst()
    if queues[delivery.order]?.isEmpty == true { queues[delivery.order] = nil }
    unqueue(delivery)
    underWay += 1
    busy.insert(delivery.order)
    return delivery
  }

  private mutating func unqueue(_ delivery: DueDelivery) {
    if atHand[delivery.event.seq] == true { queuedWaiting -= 1 } else { queuedInLine -= 1 }
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
    let isCounted = result.failure != .interrupted
    let health = isCounted ? failed(delivery, result, policy, at: now, jitter: jitter) : .unchanged
    var outcome = DeliveryOutcome(
      delivery: delivery, attempt: result.attempt,
      disposition: result.disposition(
        attempts: delivery.attempts, now: now, schedule: policy.schedule, jitter: jitter),
      health: health, holdsUntil: delivery.holdsUntil ?? (isCounted ? policy.holdFor.map { now + $0 } : nil),
      isCounted: isCounted)
    if outcome.heldUntil == nil {
      goOn(delivery.order)
    } else {
      failing.insert(delivery.order)
      outcome.heldBack = letGo(of: delivery.order)
    }
    return outcome
  }

  private mutating func failed(
    _ delivery: DueDelivery, _ result: WebhookResult, _ policy: DeliveryPolicy, at now: Timestamp, jitter: Double
  ) -> DeliveryOutcome.Health {
    if result.isStrain {
      window.failed()
      circuit.failed(
        isFirst: delivery.attempts == 0, isAnswered: result.attempt.status != nil, at: now, jitter: jitter)
    } else {
      // It works, and refuses this one.
      circuit.succeeded()
    }
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
    if queues[order] != nil { ready.append(order, kind(of: order)) }
  }

  private mutating func letGo(of order: Identifier) -> [Identifier] {
    let waiting = queues.removeValue(forKey: order) ?? []
    for delivery in waiting {
      unqueue(delivery)
      forget(delivery.event.seq)
    }
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
      if queues[outcome.delivery.order] != nil {
        ready.append(outcome.delivery.order, kind(of: outcome.delivery.order))
      }
    }
    if case .retry(let at) = outcome.disposition { nextDue = min(nextDue ?? at, outcome.heldUntil ?? at, at) }
    if !isWritten {
      reached = -1
      wakeAll()
    }
  }
}
