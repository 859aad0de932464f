// Endpoints with long lines that are switched on again, or removed: nobody waits for that, and nothing is lost by it.

import ChannelProtocol
import GatewayTesting
import Postgres
import Synchronization
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Endpoints that are switched on again")
  struct WebhookSwitchTests {
    @Test(
      "a long line is left bit by bit: the log is read and others are delivered to meanwhile, and all of it arrives")
    func bitByBit() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let (paused, node) = try await fixture.pausedEndpoint(inLine: 30_000, collected: 600)
        let other = try await fixture.webhook(events: ["message.read"])
        // An outcome is being written of one in the middle: the switch does not come to its end.
        let holder = try await fixture.holdDelivery(15_000, of: paused)
        defer { holder.close() }
        let switching = fixture.switchOn(paused, at: 1)
        #expect(await fixture.inLine(of: paused, becomes: 1))
        _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        var after: Int64 = -1
        for _ in 0..<20 {
          try await fixture.append(1, "message.read")
          let made = try await fixture.store.materialiseDeliveries(limit: 500)
          #expect(made.endpoints == [other] && !made.isElsewhere)
          let supply = try await fixture.load(other, node: node, after: after)
          after = supply.reached
          #expect(supply.inLine.count == 1)
          try await fixture.store.finishDeliveries(supply.inLine.map { fixture.outcome($0, .delivered) }, node: node)
        }
        // Nor is the endpoint itself held, and it goes on collecting.
        let renamed = try await fixture.store.updateWebhook(paused, at: fixture.clock.now()) { $0.description = "x" }
        #expect(renamed?.isActive == false)
        try await fixture.append(300, "message.new")
        _ = try await fixture.store.materialiseDeliveries(limit: 500)
        try await holder.release()
        let webhook = try await switching.value
        #expect(webhook?.isActive == true && webhook?.description == "x")
        try await fixture.append(300, "message.new")
        _ = try await fixture.store.materialiseDeliveries(limit: 500)
        _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        var deliverer = Deliverer(fixture: fixture, endpoint: paused, node: node)
        try await deliverer.deliverAll()
        #expect(deliverer.count == 31_200 && deliverer.overtakings == 0)
      }
    }

    @Test("between two parts of a long line others are read the log for and delivered to")
    func betweenParts() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let (paused, node) = try await fixture.pausedEndpoint(inLine: 6_000, collected: 0)
        let other = try await fixture.webhook(events: ["message.read"])
        _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        let leaving = Task { try await fixture.stores[1].emptyLine(of: paused, chunk: 5) }
        #expect(await fixture.leavesLine(of: paused, below: 6_000))
        var seen: Set<Int> = []
        var after: Int64 = -1
        for _ in 0..<5 {
          try await fixture.append(1, "message.read")
          #expect(try await fixture.store.materialiseDeliveries(limit: 500).endpoints == [other])
          let supply = try await fixture.load(other, node: node, after: after)
          after = supply.reached
          #expect(supply.inLine.count == 1)
          try await fixture.store.finishDeliveries(supply.inLine.map { fixture.outcome($0, .delivered) }, node: node)
          seen.insert(try await fixture.inLine(of: paused))
        }
        #expect(seen.count > 1 && seen.allSatisfy { $0 > 0 && $0 < 6_000 }, "it was being left meanwhile: \(seen)")
        try await leaving.value
        #expect(try await fixture.inLine(of: paused) == 0)
      }
    }

    @Test("a gateway that is killed between two parts of a line loses nothing: another one leaves the rest of it")
    func brokenOff() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let (paused, node) = try await fixture.pausedEndpoint(inLine: 6_000, collected: 300)
        let leaving = Task { try await fixture.stores[1].emptyLine(of: paused, chunk: 5) }
        #expect(await fixture.leavesLine(of: paused, below: 6_000))
        leaving.cancel()
        await #expect(throws: (any Error).self) { try await leaving.value }
        let left = try await fixture.inLine(of: paused)
        #expect(left > 0 && left < 6_000)
        #expect(try await fixture.store.webhook(paused)?.isActive == false)
        #expect(try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60)).isEmpty)
        try await fixture.append(300, "message.new")
        _ = try await fixture.store.materialiseDeliveries(limit: 500)
        #expect(try await fixture.switchOn(paused, at: 0).value?.isActive == true)
        _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        var deliverer = Deliverer(fixture: fixture, endpoint: paused, node: node)
        try await deliverer.deliverAll()
        #expect(deliverer.count == 6_600 && deliverer.overtakings == 0)
      }
    }

    @Test("two that switch it on at once both do, and one that finds it changed meanwhile does not")
    func twice() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let (paused, node) = try await fixture.pausedEndpoint(inLine: 600, collected: 300)
        let known = try await fixture.store.webhook(paused)
        let holder = try await fixture.holdDelivery(300, of: paused)
        defer { holder.close() }
        let switching = [0, 1].map { fixture.switchOn(paused, at: $0) }
        let conditional = fixture.switchOn(paused, at: 0, ifStill: known)
        #expect(await fixture.inLine(of: paused, becomes: 1))
        _ = try await fixture.store.updateWebhook(paused, at: fixture.clock.now()) { $0.description = "x" }
        try await holder.release()
        for task in switching { #expect(try await task.value?.isActive == true) }
        await #expect(throws: ResourceChanged.self) { try await conditional.value }
        _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        var deliverer = Deliverer(fixture: fixture, endpoint: paused, node: node)
        try await deliverer.deliverAll()
        #expect(deliverer.count == 900 && deliverer.overtakings == 0)
      }
    }

    @Test("deliveries that are being made of the log while an endpoint is switched off and on are waited for")
    func madeMeanwhile() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        try await fixture.append(1, "message.new")
        // A node that saw the endpoint active, and has not committed yet.
        let reader = try await LockHolder.take(
          .idleInTransaction, on: fixture,
          lock: "SELECT FROM consumer_cursors WHERE name = 'webhooks' FOR UPDATE",
          also: """
            INSERT INTO deliveries (id, webhook_id, seq, event_id, type, order_key, state, run_at, created_at)
            SELECT gen_random_uuid(), '\(id)', seq, id, type, conversation_id, 0, now(), now() FROM events;
            UPDATE consumer_cursors SET seq = 1 WHERE name = 'webhooks'
            """)
        defer { reader.close() }
        _ = try await fixture.store.updateWebhook(id, at: fixture.clock.now()) { $0.isActive = false }
        let switching = fixture.switchOn(id, at: 1)
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        #expect(await eventually { (try? await fixture.number(waiting)) == 1 })
        #expect(try await fixture.store.webhook(id)?.isActive == false)
        try await reader.release()
        #expect(try await switching.value?.isActive == true)
        _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        let supply = try await fixture.load(id, node: node)
        #expect(supply.inLine.isEmpty && supply.waiting.map(\.event.seq) == [1])
      }
    }

    @Test("an outcome written while its endpoint is switched on again is in no deadlock with that")
    func noDeadlock() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let (paused, _) = try await fixture.pausedEndpoint(inLine: 300, collected: 0)
        let begun = Signal()
        // In the order in which outcomes are written: the delivery, then what follows for its endpoint.
        async let outcome: Bool = fixture.probe.run(deadline: .seconds(30)) { connection in
          try connection.simple(
            "BEGIN; UPDATE deliveries SET attempts = 1 WHERE seq = (SELECT max(seq) FROM deliveries WHERE state = 0)")
          begun.set()
          let left = Statement("left_in_line", "SELECT count(*) FROM deliveries WHERE state = 0")
          let end = ContinuousClock.now + .seconds(10)
          while try connection.execute(left).single().int8(0) > 1, .now < end {}
          try connection.simple("UPDATE webhooks SET failing_since = now() WHERE id = '\(paused)'; COMMIT")
          return .now < end
        }
        #expect(await eventually { begun.isSet })
        let webhook = try await fixture.switchOn(paused, at: 1).value
        #expect(webhook?.isActive == true)
        #expect(try await outcome)
      }
    }

    @Test("switched on and off at any moment by anybody, each delivery is made, and in order within its conversation")
    func anyMoment() async throws {
      try await StoreFixture.run(stores: 3, sessions: 4) { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        let total = 60 * 40
        let isOver = Signal()
        async let reading: Void = {
          while try await fixture.number("SELECT seq FROM consumer_cursors WHERE name = 'webhooks'") < total {
            _ = try await fixture.stores[2].materialiseDeliveries(limit: 7)
          }
        }()
        async let switching: Void = withThrowingTaskGroup(of: Void.self) { group in
          for store in 0..<2 {
            group.addTask {
              var isActive = store == 0
              while !isOver.isSet {
                isActive.toggle()
                let wanted = isActive
                _ = try await fixture.stores[store].updateWebhook(id, at: fixture.clock.now()) { $0.isActive = wanted }
              }
            }
          }
          try await group.waitForAll()
        }
        var deliverer = Deliverer(fixture: fixture, endpoint: id, node: node)
        for _ in 0..<60 {
          try await fixture.append(40, "message.new", orders: 5)
          _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
          try await deliverer.deliverSome()
        }
        try await reading
        isOver.set()
        try await switching
        _ = try await fixture.store.updateWebhook(id, at: fixture.clock.now()) { $0.isActive = true }
        _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        // Whoever was paused meanwhile begins at the beginning.
        deliverer.after = -1
        try await deliverer.deliverAll()
        #expect(deliverer.count == total && deliverer.overtakings == 0)
      }
    }

    @Test(
      "an endpoint with many deliveries is removed bit by bit: the log is read and others are delivered to meanwhile")
    func removal() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let (gone, node) = try await fixture.leased(events: ["message.new"])
        let other = try await fixture.webhook(events: ["message.new", "message.read"])
        try await fixture.append(12_000, "message.new")
        try await fixture.readLog()
        let holder = try await fixture.holdDelivery(6_000, of: gone)
        defer { holder.close() }
        let removing = Task { try await fixture.stores[1].deleteWebhook(gone) }
        let count = "SELECT count(*) FROM deliveries WHERE webhook_id = '\(gone)'"
        #expect(await eventually(within: .seconds(20)) { (try? await fixture.number(count)) == 1 })
        for type in ["message.new", "message.read"] {
          try await fixture.append(1, type)
          #expect(try await fixture.store.materialiseDeliveries(limit: 500).endpoints == [other])
        }
        #expect(try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60)).map(\.id) == [other])
        try await holder.release()
        #expect(try await removing.value)
        #expect(try await fixture.store.webhook(gone) == nil)
        #expect(try await fixture.number(count) == 0)
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == 12_002)
      }
    }

    @Test("a line that was read to its end is read on from where the log has been read to, whatever waits beside it")
    func lineEnd() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.pausedEndpoint(inLine: 50, collected: 50)
        _ = try await fixture.switchOn(id, at: 0).value
        // Not this node's yet: nothing is known of its line.
        #expect(try await fixture.loadAny(id, node: fixture.clock.makeIdentifier()).reached == -1)
        _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        let supply = try await fixture.load(id, node: node)
        #expect(supply.inLine.isEmpty && supply.waiting.count == 100 && supply.reached == 100 && !supply.hasMore)
        try await fixture.append(3, "message.new", orders: 1_000)
        _ = try await fixture.store.materialiseDeliveries(limit: 100)
        let some = try await fixture.load(id, node: node, after: supply.reached, inLine: 3)
        #expect(some.reached == 103)
      }
    }

    @Test("asked for once more, a delivery in line keeps its place in it")
    func retryInLine() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        try await fixture.append(3, "message.new", orders: 1)
        _ = try await fixture.store.materialiseDeliveries(limit: 100)
        let line = try await fixture.load(id, node: node).inLine
        guard case .due(let delivery) = try await fixture.store.retryDelivery(line[2].id) else {
          Issue.record("it is not due")
          return
        }
        #expect(delivery.state == .pending)
        let supply = try await fixture.load(id, node: node)
        #expect(supply.inLine.map(\.id) == line.map(\.id) && supply.waiting.isEmpty)
      }
    }
  }
}

private final class Signal: Sendable {
  private let state = Atomic(false)
  var isSet: Bool { state.load(ordering: .acquiring) }
  func set() { state.store(true, ordering: .releasing) }
}
