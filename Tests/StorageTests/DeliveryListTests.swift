// Deliveries as people see them: lists, another try, replays, retention.

import ChannelProtocol
import Foundation
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Lists and replays of deliveries")
  struct DeliveryListTests {
    /// Nine deliveries of three conversations: of the first conversation the first failed and the second and third wait
    /// for it, of the second all are delivered, of the third the first is dead and the others stand in line.
    private func prepared(
      _ body: (StoreFixture, _ webhook: Identifier, _ node: Identifier) async throws -> Void
    ) async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        for index in 0..<9 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index % 3)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let line = try await fixture.load(id, node: node).inLine
        try await fixture.store.finishDeliveries(
          [
            fixture.outcome(line[0], .retry(at: fixture.later), heldBack: [line[3].id, line[6].id]),
            fixture.outcome(line[1], .delivered), fixture.outcome(line[4], .delivered),
            fixture.outcome(line[7], .delivered), fixture.outcome(line[2], .dead),
          ], node: node)
        try await body(fixture, id, node)
      }
    }

    @Test("a list is of the states that were asked for, newest first, a page at a time")
    func lists() async throws {
      try await prepared { fixture, id, _ in
        func walk(_ states: Set<Delivery.State>, limit: Int = 2) async throws -> [Delivery] {
          var found: [Delivery] = []
          var page = PageRequest(limit: limit)
          while true {
            let answer = try await fixture.store.deliveries(of: id, states: states, page: page)
            #expect(answer.items.count <= limit)
            found += answer.items
            guard let next = answer.next else { return found }
            page.cursor = PageCursor(next.description)
          }
        }
        let all = try await walk([])
        #expect(all.count == 9 && all.map(\.seq) == all.map(\.seq).sorted(by: >))
        #expect(all.map(\.state).filter { $0 == .held }.count == 2)
        for states in [
          [.pending], [.held], [.pending, .held], [.delivered], [.dead], [.dead, .held], [.dead, .pending],
        ]
          as [Set<Delivery.State>]
        {
          #expect(try await walk(states) == all.filter { states.contains($0.state) }, "\(states)")
        }
        let failed = try #require(all.last)
        #expect(failed.state == .pending && failed.nextAttemptAt != nil && failed.type == "message.new")
        let attempts = try JSONDecoder().decode(JSONValue.self, from: Data("[".utf8 + failed.attempts + "]".utf8))
        let attempt = try #require(attempts.arrayValue?.first)
        #expect(attempt["status"] == 500 && attempt["latencyMs"] == 12 && attempt["response"] == "no")
        #expect(attempt["error"]?.isNull == true && attempt["at"]?.stringValue?.hasSuffix("Z") == true)
        #expect(all.first { $0.state == .delivered }?.nextAttemptAt == nil)
      }
    }

    @Test("another try makes a delivery due at once, and those that wait for it with it")
    func retry() async throws {
      try await prepared { fixture, id, node in
        let all = try await fixture.store.deliveries(of: id, states: [], page: PageRequest())
        let dead = try #require(all.items.first { $0.state == .dead })
        guard case .due(let again) = try await fixture.store.retryDelivery(dead.id) else {
          Issue.record("a dead delivery was not made due")
          return
        }
        #expect(again.id == dead.id && again.state == .pending && again.attempts == dead.attempts)
        #expect(try await fixture.load(id, node: node, after: 1_000_000).waiting.map(\.id) == [dead.id])
        let failing = try #require(all.items.last)
        _ = try await fixture.store.retryDelivery(failing.id)
        #expect(try await fixture.load(id, node: node, after: 1_000_000).waiting.count == 4)
        if case .unknown = try await fixture.store.retryDelivery(node) {} else { Issue.record("nothing was found") }
        try await fixture.script("DELETE FROM events")
        if case .eventGone = try await fixture.store.retryDelivery(dead.id) {} else { Issue.record("it has no event") }
        // And what was due without an event is given up, not asked for again and again.
        #expect(try await fixture.load(id, node: node, after: 1_000_000).waiting.isEmpty)
        #expect(try await fixture.number("SELECT count(*) FROM deliveries WHERE state = 3") == 4)
      }
    }

    @Test("a replay makes what has ended due again, in order and in parts, and goes on after a restart")
    func replay() async throws {
      try await prepared { fixture, id, node in
        let start = Timestamp(seconds: 0)
        // What is on its way is not counted: it comes anyway.
        #expect(
          try await fixture.store.replayWebhook(
            id, since: start, until: fixture.later, as: fixture.clock.makeIdentifier()) == 4)
        #expect(
          try await fixture.store.replayWebhook(
            id, since: fixture.later, until: fixture.later, as: fixture.clock.makeIdentifier()) == 0)
        try await fixture.script("DELETE FROM deliveries WHERE state = 3")
        var rounds = 0
        while try await fixture.store.advanceReplays(limit: 2).events > 0 { rounds += 1 }
        #expect(rounds >= 4)
        #expect(try await fixture.number("SELECT count(*) FROM webhook_replays") == 0)
        // Delivered ones are due again, removed ones are there again; those on their way are as they were.
        let due = try await fixture.load(id, node: node, after: 1_000_000).waiting
        #expect(due.count == 4 && due.allSatisfy { $0.attempts == 0 })
        #expect(try await fixture.number("SELECT count(*) FROM deliveries WHERE state < 2") == 9)
        #expect(try await fixture.number("SELECT count(DISTINCT seq) FROM deliveries") == 9)
      }
    }

    @Test("a replay whose deliveries fail between its parts keeps the order of every conversation")
    func replayOrder() async throws {
      try await StoreFixture.run { fixture in
        for index in 0..<80 {
          try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index % 4)"))
        }
        let (id, node) = try await fixture.leased(events: ["message.new"])
        let count = try await fixture.store.replayWebhook(
          id, since: Timestamp(seconds: 0), until: fixture.later, as: fixture.clock.makeIdentifier())
        #expect(count == 80)
        var accepted: [Identifier: [Int64]] = [:]
        var failed: Set<Int64> = []
        let end = ContinuousClock.now + .seconds(30)
        while accepted.values.map(\.count).reduce(0, +) < 80 {
          try #require(ContinuousClock.now < end, "\(accepted)")
          _ = try await fixture.store.advanceReplays(limit: 9)
          // Few are asked for: what has to go before another must be among them all the same.
          let supply = try await fixture.store.loadDeliveries(
            [DeliveryDemand(endpoint: id, after: -1, inLine: 0, waiting: 5)], node: node
          ).first
          var outcomes: [DeliveryOutcome] = []
          var held: [Identifier: Int] = [:]
          for delivery in supply?.waiting ?? [] {
            if let place = held[delivery.order] {
              outcomes[place].heldBack.append(delivery.id)
            } else if delivery.event.seq % 5 == 0, failed.insert(delivery.event.seq).inserted {
              held[delivery.order] = outcomes.count
              outcomes.append(fixture.outcome(delivery, .retry(at: SystemClock().now() + .milliseconds(40))))
            } else {
              accepted[delivery.order, default: []].append(delivery.event.seq)
              outcomes.append(fixture.outcome(delivery, .delivered))
            }
          }
          try await fixture.store.finishDeliveries(outcomes, node: node)
        }
        #expect(accepted.count == 4 && !failed.isEmpty)
        for seqs in accepted.values { #expect(seqs == seqs.sorted()) }
      }
    }

    @Test("one that is due before an earlier one of its conversation is put off until that one's time")
    func putOff() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        for index in 0..<4 { try await fixture.receive(fixture.inbound("SM\(index)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        // All of one conversation, the last of them due first.
        try await fixture.script(
          """
          UPDATE deliveries d SET state = 1, run_at = now() - make_interval(mins => n.place::integer)
          FROM (SELECT id, row_number() OVER (ORDER BY seq) AS place FROM deliveries) n WHERE n.id = d.id
          """)
        var seen: [Int64] = []
        for _ in 0..<10 {
          let supply = try await fixture.store.loadDeliveries(
            [DeliveryDemand(endpoint: id, after: -1, inLine: 0, waiting: 2)], node: node)
          let due = supply.first?.waiting ?? []
          #expect(supply.first?.hasMoreWaiting == true || seen.count + due.count == 4 || due.isEmpty)
          seen += due.map(\.event.seq)
          try await fixture.store.finishDeliveries(due.map { fixture.outcome($0, .delivered) }, node: node)
        }
        #expect(seen.count == 4 && seen == seen.sorted())
      }
    }

    @Test("several replays take turns")
    func replayTurns() async throws {
      try await StoreFixture.run { fixture in
        for index in 0..<6 { try await fixture.receive(fixture.inbound("SM\(index)")) }
        let ids = [
          try await fixture.webhook(events: ["message.new"]), try await fixture.webhook(events: ["message.new"]),
        ]
        for id in ids {
          _ = try await fixture.store.replayWebhook(
            id, since: Timestamp(seconds: 0), until: fixture.later, as: fixture.clock.makeIdentifier())
        }
        var turns: [Identifier] = []
        for _ in 0..<4 { turns += try await fixture.store.advanceReplays(limit: 2).endpoints }
        #expect(turns == ids + ids)
      }
    }

    @Test("a long log of attempts loses its oldest, and stays what it is")
    func longLog() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        try await fixture.receive(fixture.inbound("SM1"))
        _ = try await fixture.store.materialiseDeliveries(limit: 100)
        let delivery = try #require(try await fixture.load(id, node: node).inLine.first)
        for number in 1...60 {
          var outcome = fixture.outcome(delivery, .retry(at: fixture.later))
          // What looks like the beginning of an attempt is none within a string.
          outcome.attempt.response = #"\#(number),{"at":"# + String(repeating: "x", count: 1_000)
          try await fixture.store.finishDeliveries([outcome], node: node)
        }
        let shown = try #require(
          try await fixture.store.deliveries(of: id, states: [], page: PageRequest()).items.first)
        let attempts = try JSONDecoder().decode(JSONValue.self, from: Data("[".utf8 + shown.attempts + "]".utf8))
        let numbers = try #require(attempts.arrayValue).compactMap {
          $0["response"]?.stringValue.flatMap { Int($0.prefix { $0 != "," }) }
        }
        #expect(numbers.count >= 20 && numbers == Array((61 - numbers.count)...60), "\(numbers)")
        #expect(shown.attempts.count < 40_000)
      }
    }

    @Test("an old delivery that was replayed is kept as long as a new one")
    func replayedRetention() async throws {
      try await prepared { fixture, _, _ in
        try await fixture.script("UPDATE deliveries SET run_at = now() - interval '1 day'")
        let kept = try #require(try await fixture.texts("SELECT id FROM deliveries WHERE state = 2 LIMIT 1").first)
        try await fixture.script("UPDATE deliveries SET run_at = now() WHERE id = '\(kept)'")
        // Their ids are as old as that, its own too.
        try await fixture.script("UPDATE deliveries SET id = uuid_of_time(now() - interval '1 day')")
        try await fixture.store.expireDeliveries(olderThan: .seconds(3_600))
        #expect(try await fixture.number("SELECT count(*) FROM deliveries WHERE state >= 2") == 1)
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == 6)
      }
    }

    @Test("a replay takes the events of its time range and of what the webhook asks for")
    func replayRange() async throws {
      try await StoreFixture.run { fixture in
        var times: [Timestamp] = []
        for index in 0..<6 {
          times.append(fixture.clock.now())
          try await fixture.receive(fixture.inbound("SM\(index)"))
        }
        // One that was made afterwards gets what was before it, too.
        let (id, node) = try await fixture.leased(events: ["message.new"])
        #expect(
          try await fixture.store.replayWebhook(
            id, since: times[2], until: times[4], as: fixture.clock.makeIdentifier()) == 2)
        #expect(try await fixture.store.advanceReplays(limit: 100).endpoints == [id])
        let due = try await fixture.load(id, node: node, after: 1_000_000).waiting
        #expect(try due.map { try $0.event.json["providerSid"]?.stringValue } == ["SM2", "SM3"])
      }
    }

    @Test("retention takes what has ended and is old, and nothing that waits")
    func retention() async throws {
      try await prepared { fixture, _, _ in
        try await fixture.store.expireDeliveries(olderThan: .seconds(3_600))
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == 9)
        try await fixture.store.expireDeliveries(olderThan: .seconds(-10))
        #expect(try await fixture.number("SELECT count(*) FROM deliveries WHERE state >= 2") == 0)
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == 5)
      }
    }

    @Test("the backlog says how much waits for whom, and since when")
    func backlog() async throws {
      try await prepared { fixture, id, node in
        let idle = try await fixture.webhook(events: ["message.read"], isActive: false)
        let backlog = try await fixture.store.deliveryBacklog(node: node)
        #expect(backlog.map(\.endpoint) == [id, idle])
        #expect(backlog.map(\.pending) == [5, 0])
        #expect(backlog[0].oldest != nil && backlog[1].oldest == nil)
        // Of several nodes each tells of its own, one of them of what is nobody's.
        let nodes = [fixture.clock.makeIdentifier(), node].sorted()
        let other = nodes[0] == node ? nodes[1] : nodes[0]
        let third = try await fixture.webhook(events: ["message.read"])
        _ = try await fixture.store.leaseEndpoints(node: other, lease: .seconds(60))
        var told: [Identifier: [Identifier]] = [:]
        for each in nodes { told[each] = try await fixture.store.deliveryBacklog(node: each).map(\.endpoint) }
        #expect(Set(told[node] ?? []).subtracting([idle]) == [id])
        #expect(Set(told[other] ?? []).subtracting([idle]) == [third])
        #expect(told[nodes[0]]?.contains(idle) == true && told[nodes[1]]?.contains(idle) == false)
      }
    }
  }
}
