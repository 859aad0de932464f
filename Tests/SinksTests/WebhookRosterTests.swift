// Whose turn it is among the endpoints of a node.

import ChannelProtocol
import Testing

@testable import Sinks

@Suite("webhook roster")
struct WebhookRosterTests {
  @Test("lanes take turns, and the last slots are for those that have nothing under way")
  func roster() {
    var policy = WebhookLaneTests.policy
    policy.concurrency = 8
    var roster = WebhookRoster(policy: policy)
    let endpoints = (1...10).map { WebhookFixtures.endpoint("http://127.0.0.1/", number: UInt64($0)) }
    roster.update(endpoints)
    let demands = roster.demands(at: WebhookLaneTests.start)
    #expect(demands.count == 10)
    roster.receive(
      demands.map { demand in
        var supply = DeliverySupply(endpoint: demand.endpoint, reached: 5)
        let own = endpoints.firstIndex { $0.id == demand.endpoint } ?? 0
        supply.inLine = (1...(own < 2 ? 50 : 1)).map { seq in
          var delivery = WebhookLaneTests.delivery(Int64(seq), conversation: UInt64(seq))
          delivery.endpoint = demand.endpoint
          return delivery
        }
        return supply
      })
    var starts: [WebhookRoster.Start] = []
    while let start = roster.next(at: WebhookLaneTests.start) { starts.append(start) }
    #expect(starts.count == 8)
    // Eight slots, ten lanes: nobody has two.
    #expect(Set(starts.map(\.endpoint.id)).count == 8)
    // The two with much to do hang; the others come and go, each of them at once.
    for start in starts where start.endpoint.id != endpoints[0].id && start.endpoint.id != endpoints[1].id {
      _ = roster.finished(start, WebhookLaneTests.result(200), at: WebhookLaneTests.start, jitter: 0)
    }
    var second: [WebhookRoster.Start] = []
    while let start = roster.next(at: WebhookLaneTests.start) { second.append(start) }
    let untold = Set(endpoints.map(\.id)).subtracting(starts.map(\.endpoint.id))
    #expect(Set(second.map(\.endpoint.id)).isSuperset(of: untold))
    // However much the two have to do, the last two slots are left to the others.
    #expect(roster.underWay == 6)
  }

  @Test("a lane that is lost takes nothing along; one that comes back begins anew")
  func lostLane() throws {
    var roster = WebhookRoster(policy: WebhookLaneTests.policy)
    let endpoint = WebhookFixtures.endpoint("http://127.0.0.1/")
    roster.update([endpoint])
    _ = roster.demands(at: WebhookLaneTests.start)
    var supply = DeliverySupply(endpoint: endpoint.id, reached: 1)
    supply.inLine = [WebhookLaneTests.delivery(1, conversation: 1)]
    roster.receive([supply])
    let next = roster.next(at: WebhookLaneTests.start)
    let start = try #require(next)
    roster.update([])
    #expect(roster.next(at: WebhookLaneTests.start) == nil)
    roster.update([endpoint])
    #expect(roster.demands(at: WebhookLaneTests.start).map(\.after) == [-1])
    let outcome = roster.finished(start, WebhookLaneTests.result(200), at: WebhookLaneTests.start, jitter: 0)
    #expect(outcome.outcome.disposition == .delivered && roster.underWay == 0)
  }

  @Test("what becomes of a former life's attempt says nothing about what the lane has under the same number by now")
  func formerLife() throws {
    let now = WebhookLaneTests.start
    var roster = WebhookRoster(policy: WebhookLaneTests.policy)
    let endpoint = WebhookFixtures.endpoint("http://127.0.0.1/")
    var supply = DeliverySupply(endpoint: endpoint.id, reached: 1)
    supply.inLine = [WebhookLaneTests.delivery(1, conversation: 1)]
    roster.update([endpoint])
    _ = roster.demands(at: now)
    roster.receive([supply])
    let first = roster.next(at: now)
    let former = roster.finished(try #require(first), WebhookLaneTests.result(200), at: now, jitter: 0)
    // The database is restored: the lane begins anew, and number 1 is at hand again.
    roster.update([])
    roster.update([endpoint])
    _ = roster.demands(at: now)
    roster.receive([supply])
    roster.settled(former, isWritten: true)
    // Read once more while it is at hand, it is not sent twice.
    roster.wakeAll()
    #expect(roster.demands(at: now).count == 1)
    roster.receive([supply])
    let next = roster.next(at: now)
    let outcome = roster.finished(try #require(next), WebhookLaneTests.result(200), at: now, jitter: 0)
    #expect(roster.next(at: now) == nil)
    roster.settled(outcome, isWritten: true)
    #expect(roster.next(at: now) == nil)
  }
}
