// What one endpoint's lane decides, without a store and without sockets.

import ChannelProtocol
import Testing

@testable import Sinks

@Suite("webhook lane")
struct WebhookLaneTests {
  static let policy = DeliveryPolicy(
    schedule: RetrySchedule(pauses: [.seconds(10), .seconds(100)]), holdFor: nil, disableAfter: .seconds(86_400),
    catchUp: 10, concurrency: 64, perEndpoint: 8)
  static let start = Timestamp(seconds: 1_700_000_000)
  static let id = Identifier(high: 5, low: 1)

  static func delivery(_ seq: Int64, conversation: UInt64, attempts: Int = 0, createdAt: Timestamp = start)
    -> DueDelivery
  {
    let event = WebhookFixtures.event(seq, conversation: conversation)
    return DueDelivery(
      id: Identifier(high: 1, low: UInt64(seq)), endpoint: id, event: event, order: event.conversationID ?? event.id,
      attempts: attempts, holdsUntil: nil, createdAt: createdAt)
  }

  static func result(_ status: Int, retryAfter: String? = nil) -> WebhookResult {
    WebhookResult(.success(HTTPAnswer(status: status, retryAfter: retryAfter)), at: start, latency: .zero)
  }

  /// A lane that has been supplied with `deliveries`.
  static func lane(_ deliveries: [DueDelivery], endpoint: WebhookEndpoint? = nil) -> WebhookLane {
    var lane = WebhookLane(endpoint ?? WebhookFixtures.endpoint("http://127.0.0.1/"))
    supply(&lane, deliveries)
    return lane
  }

  static func supply(_ lane: inout WebhookLane, _ deliveries: [DueDelivery], hasMore: Bool = false) {
    lane.wake()
    guard let demand = lane.demand(room: 100, at: start) else {
      Issue.record("the lane asks for nothing")
      return
    }
    var supply = DeliverySupply(endpoint: id, reached: deliveries.last?.event.seq ?? demand.after)
    supply.inLine = deliveries
    supply.hasMore = hasMore
    lane.receive(supply)
  }

  private func next(_ lane: inout WebhookLane, at now: Timestamp = start) -> Int64? {
    if case .send(let delivery) = lane.next(limit: 8, catchUp: 10, at: now) { delivery.event.seq } else { nil }
  }

  private func finish(
    _ lane: inout WebhookLane, _ delivery: DueDelivery, _ status: Int, at now: Timestamp = start
  ) -> DeliveryOutcome {
    lane.finished(delivery, Self.result(status), Self.policy, at: now, jitter: 0)
  }

  @Test("deliveries of one conversation go one after the other, those of others beside them")
  func order() {
    let (a, b, c) = (
      Self.delivery(1, conversation: 1), Self.delivery(2, conversation: 1), Self.delivery(3, conversation: 2)
    )
    var lane = Self.lane([a, b, c])
    #expect(next(&lane) == 1)
    #expect(next(&lane) == 3)
    #expect(next(&lane) == nil)
    #expect(finish(&lane, a, 200).disposition == .delivered)
    // Its outcome is not written yet; the next one of the conversation goes all the same.
    #expect(next(&lane) == 2)
  }

  @Test("a failure holds back what is at hand of its conversation, until it is written")
  func failure() {
    let deliveries = [(1, 1), (2, 1), (3, 2), (4, 1)].map { Self.delivery($0.0, conversation: $0.1) }
    var lane = Self.lane(deliveries)
    #expect(next(&lane) == 1)
    let outcome = finish(&lane, deliveries[0], 500)
    #expect(outcome.disposition == .retry(at: Self.start + .seconds(10)))
    #expect(outcome.heldBack == [deliveries[1].id, deliveries[3].id])
    #expect(outcome.health == .failing(since: Self.start))
    #expect(next(&lane) == 3)
    #expect(next(&lane) == nil)
    lane.settled(outcome, isWritten: true)
    #expect(next(&lane) == nil)
    #expect(lane.due(room: 100) == Self.start + .seconds(10))
  }

  @Test("what was read while a failure was being written is read again, and nothing at hand is taken twice")
  func readAgain() {
    let (a, c) = (Self.delivery(1, conversation: 1), Self.delivery(3, conversation: 2))
    var lane = Self.lane([a, c])
    #expect(next(&lane) == 1)
    let outcome = finish(&lane, a, 500)
    lane.wake()
    #expect(lane.demand(room: 100, at: Self.start) != nil)
    lane.settled(outcome, isWritten: true)
    // This answer may be from before the failure was written: whether number 4 has to wait is not known from it.
    var supply = DeliverySupply(endpoint: Self.id, reached: 5)
    supply.inLine = [Self.delivery(4, conversation: 1), Self.delivery(5, conversation: 3)]
    lane.receive(supply)
    #expect(lane.queued == 2)
    let again = lane.demand(room: 100, at: Self.start)
    #expect(again?.after == 3)
    lane.receive(supply)
    // Number 4 is taken now: the store has had its say. Number 5 was at hand.
    #expect(lane.queued == 3)
  }

  @Test("an outcome that could not be written has the line read from its beginning")
  func abandoned() {
    let a = Self.delivery(1, conversation: 1)
    var lane = Self.lane([a])
    #expect(next(&lane) == 1)
    lane.settled(finish(&lane, a, 200), isWritten: false)
    let again = lane.demand(room: 100, at: Self.start)
    #expect(again?.after == -1)
    var supply = DeliverySupply(endpoint: Self.id, reached: 1)
    supply.inLine = [a]
    lane.receive(supply)
    #expect(next(&lane) == 1)
  }

  @Test("once the hold of a failing delivery is over, what comes after it goes on")
  func holdOver() {
    var failing = Self.delivery(1, conversation: 1, attempts: 1)
    failing.holdsUntil = Self.start - .seconds(1)
    let behind = Self.delivery(2, conversation: 1)
    var lane = Self.lane([failing, behind])
    #expect(next(&lane) == 1)
    let outcome = finish(&lane, failing, 500)
    #expect(outcome.heldUntil == nil && outcome.heldBack.isEmpty)
    #expect(next(&lane) == 2)
  }

  @Test("the policy's hold begins with the first failure")
  func holdBegins() {
    var policy = Self.policy
    policy.holdFor = .seconds(4)
    let delivery = Self.delivery(1, conversation: 1)
    var lane = Self.lane([delivery])
    #expect(next(&lane) == 1)
    let outcome = lane.finished(delivery, Self.result(500), policy, at: Self.start, jitter: 0)
    #expect(outcome.holdsUntil == Self.start + .seconds(4))
    #expect(outcome.heldUntil == Self.start + .seconds(4))
    #expect(outcome.disposition == .retry(at: Self.start + .seconds(10)))
  }

  @Test("an attempt that the gateway broke off is made again at once, and is none of those that there are")
  func brokenOff() {
    let delivery = Self.delivery(1, conversation: 1)
    var lane = Self.lane([delivery])
    #expect(next(&lane) == 1)
    let result = WebhookResult(.failure(.interrupted), at: Self.start, latency: .zero)
    let outcome = lane.finished(delivery, result, Self.policy, at: Self.start, jitter: 0)
    #expect(outcome.disposition == .retry(at: Self.start) && !outcome.isCounted && outcome.health == .unchanged)
    var other = Self.lane([delivery])
    #expect(next(&other) == 1)
    #expect(finish(&other, delivery, 500).isCounted)
  }

  @Test("410 disables, and so does a long time of nothing but failures; a success ends that time")
  func disabling() {
    let deliveries = (1...4).map { Self.delivery(Int64($0), conversation: UInt64($0)) }
    var lane = Self.lane(deliveries)
    for _ in 0..<4 { #expect(next(&lane) != nil) }
    let day = Self.start + .seconds(86_400)
    #expect(finish(&lane, deliveries[0], 500).health == .failing(since: Self.start))
    #expect(finish(&lane, deliveries[1], 200).health == .recovered)
    #expect(finish(&lane, deliveries[2], 500, at: day).health == .failing(since: day))
    let last = finish(&lane, deliveries[3], 500, at: day + .seconds(86_400))
    if case .disabled(let reason) = last.health {
      #expect(reason.contains("\(day)"))
    } else {
      Issue.record("not disabled")
    }
    // The delivery itself is not lost by that.
    if case .retry = last.disposition {} else { Issue.record("given up") }
    var gone = Self.lane([Self.delivery(9, conversation: 9)])
    #expect(next(&gone) == 9)
    let outcome = finish(&gone, Self.delivery(9, conversation: 9), 410)
    #expect(outcome.disposition == .dead)
    if case .disabled = outcome.health {} else { Issue.record("410 did not disable") }
  }

  @Test("an endpoint that asks for a pause gets it, whatever else there is to go")
  func pause() {
    let deliveries = (1...3).map { Self.delivery(Int64($0), conversation: UInt64($0)) }
    var lane = Self.lane(deliveries)
    #expect(next(&lane) == 1)
    let outcome = lane.finished(
      deliveries[0], Self.result(429, retryAfter: "20"), Self.policy, at: Self.start, jitter: 0)
    #expect(outcome.disposition == .retry(at: Self.start + .seconds(20)))
    #expect(lane.next(limit: 8, catchUp: 10, at: Self.start) == .later(Self.start + .seconds(20)))
    var moved = lane
    moved.update(WebhookFixtures.endpoint("http://127.0.0.1/elsewhere"))
    #expect(next(&moved) == 2, "the server that asked for it is asked no more")
    #expect(next(&lane, at: Self.start + .seconds(20)) == 2)
  }

  /// How long a lane waits before each of its attempts that all fail.
  private func waits(_ count: Int, _ result: WebhookResult, in lane: inout WebhookLane) -> [Duration] {
    var now = Self.start
    var waits: [Duration] = []
    while waits.count < count {
      switch lane.next(limit: 8, catchUp: 10, at: now) {
      case .send(let delivery): _ = lane.finished(delivery, result, Self.policy, at: now, jitter: 0)
      case .later(let time):
        waits.append(time - now)
        now = time
      case .nothing:
        Issue.record("nothing to go")
        return waits
      }
    }
    return waits
  }

  @Test("after many failures in a row there is one attempt now and then, until one succeeds")
  func circuit() {
    let deliveries = (1...40).map { Self.delivery(Int64($0), conversation: UInt64($0)) }
    let silence = WebhookResult(.failure(.timeout), at: Self.start, latency: .zero)
    var silent = Self.lane(deliveries)
    #expect(waits(8, silence, in: &silent) == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    var lane = Self.lane(deliveries)
    #expect(waits(4, Self.result(500), in: &lane) == [1, 1, 1, 1].map { .seconds($0) })
    // While the probe is under way nothing else goes.
    let now = Self.start + .seconds(300)
    guard case .send(let probe) = lane.next(limit: 8, catchUp: 10, at: now) else {
      Issue.record("no probe")
      return
    }
    #expect(next(&lane, at: now) == nil)
    _ = finish(&lane, probe, 200, at: now)
    #expect(next(&lane, at: now) != nil)
  }

  @Test(
    "what keeps failing is neither in front of what is new nor a reason to hold it back", arguments: [400, 500, nil])
  func poisoned(status: Int?) {
    let result = status.map { Self.result($0) } ?? WebhookResult(.failure(.timeout), at: Self.start, latency: .zero)
    var lane = Self.lane([])
    // Far more failures than open the circuit: they are all of conversations that have failed before.
    for round in Int64(1)...5 {
      let retried = (1...14).map { Self.delivery(round * 100 + $0, conversation: UInt64($0), attempts: Int(round)) }
      Self.supply(&lane, retried)
      while case .send(let delivery) = lane.next(limit: 8, catchUp: 10, at: Self.start) {
        let outcome = lane.finished(delivery, result, Self.policy, at: Self.start, jitter: 0)
        lane.settled(outcome, isWritten: true)
      }
    }
    Self.supply(&lane, (1...14).map { Self.delivery(600 + $0, conversation: UInt64($0), attempts: 6) })
    Self.supply(&lane, [Self.delivery(700, conversation: 99)])
    // One of the others had its turn perhaps; then it is the new one's.
    var seen: [Int64] = []
    while seen.count < 2, case .send(let delivery) = lane.next(limit: 8, catchUp: 10, at: Self.start) {
      seen.append(delivery.event.seq)
      _ = lane.finished(delivery, result, Self.policy, at: Self.start, jitter: 0)
    }
    #expect(seen.contains(700))
  }

  @Test("a circuit that is open asks with the one that has failed least")
  func probes() {
    let silence = WebhookResult(.failure(.timeout), at: Self.start, latency: .zero)
    var lane = Self.lane((1...10).map { Self.delivery($0, conversation: UInt64($0)) })
    #expect(waits(0, silence, in: &lane).isEmpty)
    while case .send(let delivery) = lane.next(limit: 8, catchUp: 10, at: Self.start) {
      _ = lane.finished(delivery, silence, Self.policy, at: Self.start, jitter: 0)
    }
    let attempts = [5, 3, 1, 4]
    Self.supply(
      &lane,
      attempts.indices.map { Self.delivery(Int64(20 + $0), conversation: UInt64(20 + $0), attempts: attempts[$0]) })
    #expect(next(&lane) == nil)
    #expect(next(&lane, at: Self.start + .seconds(2)) == 22)
  }

  @Test("an endpoint that has answered nothing yet gets few at once, one more with each success")
  func window() {
    let deliveries = (1...30).map { Self.delivery(Int64($0), conversation: UInt64($0)) }
    var lane = Self.lane(deliveries)
    var underWay: [Int64] = []
    while let seq = next(&lane) { underWay.append(seq) }
    #expect(underWay.count == 4)
    for seq in underWay { _ = finish(&lane, deliveries[Int(seq) - 1], 200) }
    underWay = []
    while let seq = next(&lane) { underWay.append(seq) }
    #expect(underWay.count == 8)
    for seq in underWay { _ = finish(&lane, deliveries[Int(seq) - 1], 500) }
    underWay = []
    while let seq = next(&lane) { underWay.append(seq) }
    #expect(underWay.count == 1)
  }

  @Test("a rate limit spaces attempts evenly")
  func rateLimit() {
    var endpoint = WebhookFixtures.endpoint("http://127.0.0.1/")
    endpoint.rateLimit = 2
    endpoint.concurrency = 30
    let deliveries = (1...20).map { Self.delivery(Int64($0), conversation: UInt64($0)) }
    var lane = Self.lane(deliveries, endpoint: endpoint)
    var sent: [Duration] = []
    var now = Self.start
    while now < Self.start + .seconds(3) {
      switch lane.next(limit: 30, catchUp: 10, at: now) {
      case .send(let delivery):
        sent.append(now - Self.start)
        _ = finish(&lane, delivery, 200, at: now)
      case .later(let time): now = time
      case .nothing: Issue.record("nothing to go")
      }
    }
    #expect(sent == [0, 500, 1_000, 1_500, 2_000, 2_500].map { .milliseconds($0) })
  }

  @Test("what a pause has left is caught up at a bounded rate; what is new is not slowed down")
  func catchUp() {
    var endpoint = WebhookFixtures.endpoint("http://127.0.0.1/")
    endpoint.resumedAt = Self.start
    let old = (1...20).map { Self.delivery(Int64($0), conversation: UInt64($0), createdAt: Self.start - .seconds(60)) }
    var lane = Self.lane(old, endpoint: endpoint)
    var count = 0
    var now = Self.start
    while now < Self.start + .seconds(1) {
      switch lane.next(limit: 8, catchUp: 10, at: now) {
      case .send(let delivery):
        count += 1
        _ = finish(&lane, delivery, 200, at: now)
      case .later(let time): now = time
      case .nothing: Issue.record("nothing to go")
      }
    }
    #expect(count == 10)
    // What came since goes past what is left of it.
    Self.supply(&lane, (101...104).map { Self.delivery($0, conversation: UInt64($0)) })
    let seen = (1...5).compactMap { _ in next(&lane, at: now) }
    #expect(seen.filter { $0 > 100 } == [101, 102, 103, 104])
  }

  @Test("those that wait, however many, leave room for what is new")
  func room() {
    var lane = WebhookLane(WebhookFixtures.endpoint("http://127.0.0.1/"))
    lane.wakeAll()
    let first = lane.demand(room: 100, at: Self.start)
    #expect(first?.inLine == 50 && first?.waiting == 50)
    var supply = DeliverySupply(endpoint: Self.id, reached: -1)
    supply.waiting = (1...50).map { Self.delivery($0, conversation: UInt64($0), attempts: 1) }
    supply.hasMoreWaiting = true
    lane.receive(supply)
    // They fill their half: what waits is not asked for again and again, what is new is.
    #expect(lane.due(room: 100) == nil && !lane.isHungry(room: 100))
    lane.wake()
    let second = lane.demand(room: 100, at: Self.start)
    #expect(second?.inLine == 50 && second?.waiting == 0)
  }
}
