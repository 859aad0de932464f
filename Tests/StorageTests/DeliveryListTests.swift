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
      try await prepared { fixture, id, _ in
        let idle = try await fixture.webhook(events: ["message.read"], isActive: false)
        let backlog = try await fixture.store.deliveryBacklog()
        #expect(backlog.map(\.endpoint) == [id, idle])
        #expect(backlog.map(\.pending) == [5, 0])
        #expect(backlog[0].oldest != nil && backlog[1].oldest == nil)
      }
    }
  }
}
