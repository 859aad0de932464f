// Outbound webhooks as rows: made in step with the log, shared out, finished.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Deliveries of webhooks")
  struct DeliveryTests {
    @Test("each event becomes each delivery exactly once, however many nodes read the log")
    func exactlyOnce() async throws {
      try await StoreFixture.run(stores: 4) { fixture in
        let all = try await fixture.webhook()
        let some = try await fixture.webhook(events: ["message.new"])
        for index in 0..<100 {
          try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555\(1_000 + index % 7)"))
        }
        let last = try await fixture.store.bounds().newest
        let read = try await withThrowingTaskGroup(of: Int.self) { group in
          for store in fixture.stores {
            group.addTask {
              var count = 0
              while try await fixture.number("SELECT seq FROM consumer_cursors WHERE name = 'webhooks'") < last {
                count += try await store.materialiseDeliveries(limit: 10).events
              }
              return count
            }
          }
          return try await group.reduce(0, +)
        }
        #expect(read == Int(last))
        #expect(try await fixture.number("SELECT count(*) FROM deliveries WHERE webhook_id = '\(all)'") == Int(last))
        #expect(
          try await fixture.number("SELECT count(DISTINCT event_id) FROM deliveries WHERE webhook_id = '\(some)'")
            == 100)
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == Int(last) + 100)
        #expect(try await fixture.store.materialiseDeliveries(limit: 10) == MaterialisedDeliveries())
        // Ids are in order of time, as those of all resources.
        #expect(try await fixture.texts("SELECT DISTINCT substr(id::text, 15, 1) FROM deliveries") == ["7"])
      }
    }

    @Test("an endpoint gets the events and channels it asked for, since it asked; a paused one collects")
    func filters() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM0"))
        let all = try await fixture.webhook()
        let whatsapp = try await fixture.webhook(channels: ["wa"])
        let new = try await fixture.webhook(events: ["message.new", "message.read"], channels: ["sms"])
        let paused = try await fixture.webhook(events: ["message.new"], isActive: false)
        let gone = try await fixture.webhook(isActive: false)
        try await fixture.script("UPDATE webhooks SET disabled_reason = 'gone' WHERE id = '\(gone)'")
        try await fixture.receive(fixture.inbound("SM1"))
        try await fixture.receive(fixture.inbound("SM2", type: .whatsapp, channel: "wa"))
        try await fixture.receive(fixture.inbound("SM3", channel: nil))
        let made = try await fixture.store.materialiseDeliveries(limit: 1_000)
        #expect(made.endpoints == [all, whatsapp, new, paused])
        func types(_ id: Identifier) async throws -> [String] {
          try await fixture.texts("SELECT type FROM deliveries WHERE webhook_id = '\(id)' ORDER BY seq")
        }
        #expect(try await types(all).filter { $0 == "message.new" }.count == 3)
        #expect(try await types(whatsapp) == ["contact.updated", "message.new", "conversation.updated"])
        #expect(try await types(new) == ["message.new"])
        #expect(try await types(paused).count == 3)
        #expect(try await types(gone).isEmpty)
      }
    }

    @Test("a new endpoint gets what is committed after it, whatever the clocks of the nodes say")
    func beginning() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM0"))
        let id = try await fixture.webhook(events: ["message.new"])
        // Made by a node whose clock is an hour ahead.
        try await fixture.script("UPDATE webhooks SET created_at = now() + interval '1 hour'")
        try await fixture.receive(fixture.inbound("SM1"))
        // Before it, by a clock that is ahead as well.
        try await fixture.script("UPDATE events SET at = now() + interval '2 hours' WHERE seq <= 3")
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let node = fixture.clock.makeIdentifier()
        _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        let line = try await fixture.load(id, node: node).inLine
        #expect(try line.map { try $0.event.json["providerSid"]?.stringValue } == ["SM1"])
      }
    }

    @Test("what a pause has left is not in front of what is new, but of what is new in its conversation")
    func pausedBesideTheLine() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        func receive(_ sid: String, _ phone: Int) async throws {
          try await fixture.receive(fixture.inbound(sid, from: "+1415555100\(phone)"))
          _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        }
        func set(active: Bool) async throws {
          _ = try await fixture.store.updateWebhook(id, at: fixture.clock.now()) { $0.isActive = active }
          _ = try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60))
        }
        func sids(_ due: [DueDelivery]) throws -> [String?] {
          try due.map { try $0.event.json["providerSid"]?.stringValue }
        }
        try await receive("SM0", 1)
        try await set(active: false)
        try await receive("SM1", 1)
        try await receive("SM2", 2)
        #expect(try await fixture.load(id, node: node).inLine.isEmpty)
        try await set(active: true)
        try await receive("SM3", 3)
        try await receive("SM4", 1)
        let supply = try await fixture.load(id, node: node)
        #expect(try sids(supply.inLine) == ["SM3"])
        #expect(try sids(supply.waiting) == ["SM0", "SM1", "SM2"])
        // Behind what it waits for.
        let again = try await fixture.load(id, node: node, after: supply.reached)
        #expect(try sids(again.waiting) == ["SM0", "SM1", "SM4", "SM2"])
      }
    }

    @Test("an endpoint is one node's at a time; a node that died loses it after its lease")
    func leases() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let ids = [try await fixture.webhook(), try await fixture.webhook()]
        _ = try await fixture.webhook(isActive: false)
        let nodes = [fixture.clock.makeIdentifier(), fixture.clock.makeIdentifier()]
        func lease(_ node: Int, _ time: Duration = .seconds(60)) async throws -> Set<Identifier> {
          Set(try await fixture.stores[node].leaseEndpoints(node: nodes[node], lease: time).map(\.id))
        }
        #expect(try await lease(0) == Set(ids))
        #expect(try await lease(1).isEmpty)
        #expect(try await lease(0, .milliseconds(-1)) == Set(ids))
        #expect(try await lease(1) == Set(ids))
        #expect(try await lease(0).isEmpty)
        try await fixture.store.releaseEndpoints(node: nodes[1])
        #expect(try await lease(0) == Set(ids))
        try await fixture.receive(fixture.inbound("SM1"))
        _ = try await fixture.store.materialiseDeliveries(limit: 100)
        #expect(try await fixture.load(ids[0], node: nodes[0]).inLine.count == 3)
        #expect(try await fixture.load(ids[0], node: nodes[1]).inLine.isEmpty)
      }
    }

    @Test("the line is read on from where it was; who fails, and whoever waits for it, leaves it")
    func line() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        for index in 0..<9 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index % 3)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let first = try await fixture.load(id, node: node, inLine: 4)
        #expect(first.inLine.count == 4 && first.hasMore && first.reached == first.inLine.last?.event.seq)
        #expect(first.waiting.isEmpty && first.nextDue == nil)
        // The first fails; the fourth, of the same conversation, is at hand and held back.
        let (failing, behind) = (first.inLine[0], first.inLine[3])
        #expect(failing.order == behind.order)
        let later = fixture.later
        try await fixture.store.finishDeliveries(
          [fixture.outcome(failing, .retry(at: later), heldBack: [behind.id])], node: node)
        let second = try await fixture.load(id, node: node, after: first.reached)
        // The seventh stood in line and has to wait as well.
        #expect(second.inLine.count == 4 && !second.inLine.contains { $0.order == failing.order })
        #expect(second.nextDue == later && !second.hasMore)
        #expect(
          try await fixture.texts("SELECT state FROM deliveries WHERE order_key = '\(failing.order)' ORDER BY seq")
            == ["1", "1", "1"])
        // What comes in meanwhile waits, too.
        try await fixture.receive(fixture.inbound("SM9", from: "+14155551000"))
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        #expect(try await fixture.load(id, node: node, after: second.reached).inLine.isEmpty)
        // Its time comes: they are all there, in order, the failed one first.
        try await fixture.script("UPDATE deliveries SET run_at = now() WHERE state = 1")
        let third = try await fixture.load(id, node: node, after: second.reached + 1)
        #expect(third.waiting.map(\.event.seq) == third.waiting.map(\.event.seq).sorted())
        #expect(third.waiting.first?.id == failing.id && third.waiting.first?.attempts == 1)
        #expect(third.waiting.count == 4)
        // It fails again: those that wait are put off with it.
        try await fixture.store.finishDeliveries(
          [fixture.outcome(third.waiting[0], .retry(at: later), heldBack: [third.waiting[1].id])], node: node)
        #expect(try await fixture.load(id, node: node, after: second.reached + 1).waiting.isEmpty)
      }
    }

    @Test("once its hold is over, a failing delivery no longer holds its conversation back")
    func hold() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        for index in 0..<3 { try await fixture.receive(fixture.inbound("SM\(index)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let line = try await fixture.load(id, node: node).inLine
        let hold = SystemClock().now() + .seconds(600)
        var outcome = fixture.outcome(line[0], .retry(at: fixture.later), heldBack: [line[1].id, line[2].id])
        outcome.holdsUntil = hold
        #expect(outcome.heldUntil == hold)
        try await fixture.store.finishDeliveries([outcome], node: node)
        #expect(try await fixture.load(id, node: node).nextDue == hold)
        try await fixture.script(
          """
          UPDATE deliveries SET run_at = now() WHERE state = 1 AND attempts = 0;
          UPDATE deliveries SET holds_until = now() WHERE attempts > 0
          """)
        try await fixture.receive(fixture.inbound("SM3"))
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        // Those that waited come first, then what is new: it had to wait for them, not for the failing one.
        let passed = try await fixture.load(id, node: node, after: line[2].event.seq)
        #expect(passed.inLine.isEmpty)
        #expect(passed.waiting.map(\.event.seq) == [line[1], line[2]].map(\.event.seq))
        try await fixture.store.finishDeliveries(passed.waiting.map { fixture.outcome($0, .delivered) }, node: node)
        #expect(try await fixture.load(id, node: node, after: line[2].event.seq + 10).waiting.count == 1)
      }
    }

    @Test("what failed at an endpoint that was lost is not written; what was delivered is")
    func lostLease() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        for index in 0..<2 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let line = try await fixture.load(id, node: node).inLine
        try await fixture.script("UPDATE webhooks SET node = gen_random_uuid()")
        try await fixture.store.finishDeliveries(
          [
            fixture.outcome(line[0], .dead, health: .disabled(reason: "gone")),
            fixture.outcome(line[1], .delivered),
          ], node: node)
        #expect(try await fixture.store.webhook(id)?.isActive == true)
        #expect(
          try await fixture.texts("SELECT attempts || ' ' || state FROM deliveries ORDER BY seq") == ["0 0", "1 2"])
        // A second outcome of what has ended is none.
        try await fixture.store.finishDeliveries([fixture.outcome(line[1], .delivered)], node: node)
        #expect(try await fixture.number("SELECT sum(attempts) FROM deliveries") == 1)
      }
    }

    @Test("an endpoint that says it is gone is disabled, and an event says so to the others")
    func disabling() async throws {
      try await StoreFixture.run { fixture in
        let (gone, node) = try await fixture.leased(events: ["message.new"])
        let other = try await fixture.webhook(events: ["webhook.disabled"])
        for index in 0..<2 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let line = try await fixture.load(gone, node: node).inLine
        try await fixture.store.finishDeliveries(
          line.map { fixture.outcome($0, .dead, health: .disabled(reason: "answered 410")) }, node: node)
        let webhook = try #require(try await fixture.store.webhook(gone))
        #expect(!webhook.isActive && webhook.disabledReason == "answered 410" && webhook.disabledAt != nil)
        let told = try await fixture.events(.webhookDisabled)
        #expect(told.count == 1)
        #expect(try told.first?.json["id"]?.stringValue == "\(gone)")
        #expect(try told.first?.json["active"]?.boolValue == false)
        #expect(try told.first?.json["secret"] == nil)
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        #expect(try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60)).map(\.id) == [other])
        #expect(try await fixture.load(other, node: node).inLine.map(\.event.type) == [.webhookDisabled])
        // Switched on again it is as if it had never failed.
        let again = try await fixture.store.updateWebhook(gone, at: fixture.clock.now()) { $0.isActive = true }
        #expect(again?.isActive == true && again?.disabledReason == nil)
        // From when on it has to be replayed is still to be seen.
        #expect(again?.disabledAt == webhook.disabledAt)
        #expect(try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60)).count == 2)
      }
    }

    @Test("a replay from when an endpoint was disabled brings all that it has not got, also of before")
    func disabledSince() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        try await fixture.receive(fixture.inbound("SM0", from: "+14155551000"))
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let line = try await fixture.load(id, node: node).inLine
        for index in 1...3 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index)")) }
        // What comes of a journal or of another clock.
        try await fixture.script("UPDATE events SET at = at - interval '1 hour'")
        fixture.clock.advance(by: .seconds(1))
        try await fixture.store.finishDeliveries(
          [fixture.outcome(line[0], .dead, health: .disabled(reason: "answered 410"))], node: node)
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        #expect(try await fixture.number("SELECT count(*) FROM deliveries WHERE webhook_id = '\(id)'") == 1)
        let at = try #require(try await fixture.store.webhook(id)?.disabledAt)
        // As the API shows it.
        let since = try #require(Timestamp(rfc3339: at.description))
        _ = try await fixture.store.updateWebhook(id, at: fixture.clock.now(), ifStill: nil) { $0.isActive = true }
        let replayed = try await fixture.store.replayWebhook(
          id, since: since, until: fixture.later, as: fixture.clock.makeIdentifier())
        #expect(replayed == 3)
        while try await fixture.store.advanceReplays(limit: 2).events > 0 {}
        #expect(try await fixture.number("SELECT count(*) FROM deliveries WHERE webhook_id = '\(id)'") == 4)
      }
    }

    @Test("an attempt that was broken off here takes none of those that a delivery has")
    func uncounted() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        try await fixture.receive(fixture.inbound("SM1"))
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        for (isCounted, attempts) in [(false, 0), (true, 1), (false, 1)] {
          let supply = try await fixture.load(id, node: node)
          let delivery = try #require((supply.inLine + supply.waiting).first)
          var outcome = fixture.outcome(delivery, .retry(at: Timestamp(seconds: 0)))
          outcome.isCounted = isCounted
          try await fixture.store.finishDeliveries([outcome], node: node)
          #expect(try await fixture.load(id, node: node).waiting.map(\.attempts) == [attempts])
        }
        #expect(
          try await fixture.number("SELECT json_array_length(('[' || log || ']')::json) FROM deliveries") == 3,
          "all of them are shown")
      }
    }

    @Test("since when an endpoint does nothing but fail is kept, and forgotten with its first success")
    func failingSince() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        for index in 0..<2 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let line = try await fixture.load(id, node: node).inLine
        let since = fixture.clock.now()
        try await fixture.store.finishDeliveries(
          [fixture.outcome(line[0], .retry(at: fixture.later), health: .failing(since: since))], node: node)
        func kept() async throws -> Timestamp? {
          try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60)).first?.failingSince
        }
        #expect(try await kept() == since)
        try await fixture.store.finishDeliveries(
          [fixture.outcome(line[1], .delivered, health: .recovered)], node: node)
        #expect(try await kept() == nil)
        try await fixture.script("UPDATE webhooks SET failing_since = now() - interval '4 days'")
        // A success between two failures, all of them written at once.
        let anew = fixture.clock.now()
        try await fixture.store.finishDeliveries(
          [
            fixture.outcome(line[1], .delivered, health: .recovered),
            fixture.outcome(line[0], .retry(at: fixture.later), health: .failing(since: anew)),
          ], node: node)
        #expect(try await kept() == anew)
      }
    }

    @Test("secrets are opened on the way out, those that were replaced while they are good, and none that cannot be")
    func secrets() async throws {
      let opening: @Sendable ([UInt8]) -> [UInt8]? = { sealed in sealed == [9] ? nil : sealed.map { $0 ^ 0xFF } }
      try await StoreFixture.run(openSecret: opening) { fixture in
        let (id, node) = try await fixture.leased(secret: [1, 2], headers: ["X-Team": "blue"])
        func secrets() async throws -> [[UInt8]] {
          let leased = try #require(try await fixture.store.leaseEndpoints(node: node, lease: .seconds(60)).first)
          #expect(leased.headers == ["X-Team": "blue"])
          #expect(try await fixture.store.webhookEndpoint(id)?.secrets == leased.secrets)
          return leased.secrets
        }
        #expect(try await secrets() == [[0xFE, 0xFD]])
        func rotate(_ secret: [UInt8], _ time: Duration) async throws {
          let now = SystemClock().now()
          let webhook = try await fixture.store.rotateSecret(of: id, to: secret, until: now + time, at: now)
          #expect(webhook?.id == id)
        }
        try await rotate([3], .seconds(3_600))
        #expect(try await secrets() == [[0xFC], [0xFE, 0xFD]])
        try await rotate([9], .seconds(3_600))
        #expect(try await secrets() == [[0xFC], [0xFE, 0xFD]], "whoever has the first of them still verifies")
        try await rotate([4], .seconds(-1))
        #expect(try await secrets() == [[0xFB], [0xFC], [0xFE, 0xFD]])
        try await fixture.script("UPDATE webhooks SET older_secrets_until[2] = now() - interval '1 second'")
        #expect(try await secrets() == [[0xFB], [0xFC]])
        for secret in UInt8(10)..<30 { try await rotate([secret], .seconds(3_600)) }
        let all = try await secrets()
        #expect(all.count == 8 && all.prefix(3) == [[~29], [~28], [~27]])
        #expect(try await fixture.store.rotateSecret(of: node, to: [1], until: fixture.later, at: fixture.later) == nil)
      }
    }

    @Test("a webhook that is removed takes its deliveries with it")
    func removal() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.webhook()
        try await fixture.receive(fixture.inbound("SM1"))
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        #expect(try await fixture.store.deleteWebhook(id))
        #expect(try await !fixture.store.deleteWebhook(id))
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == 0)
      }
    }
  }
}
