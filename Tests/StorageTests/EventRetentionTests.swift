// How far back the log goes: what is old is removed, by whole partitions and in parts, and nobody is left in the dark.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Retention of events")
  struct EventRetentionTests {
    private static let age = Duration.seconds(86_400)

    @discardableResult
    private static func expire(_ fixture: StoreFixture, store: Int = 0) async throws -> EventExpiry {
      try await fixture.stores[store].expireEvents(olderThan: age)
    }

    private static func numbers(_ fixture: StoreFixture) async throws -> [Int] {
      try await fixture.texts("SELECT seq FROM events ORDER BY seq").compactMap(Int.init)
    }

    @Test("what is older than it may be goes; a reader whose place went is told so, and one that is in time reads on")
    func age() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.append(12_000, "message.new")
        try await fixture.script("UPDATE events SET at = now() - interval '2 days' WHERE seq <= 11000")
        try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture) == Array(11_001...12_000))
        let bounds = try await fixture.store.bounds()
        #expect(bounds.oldest == 11_000 && bounds.newest == 12_000)
        for place in [Int64(0), 10_999] {
          await #expect(throws: EventsGone(oldest: 11_000)) {
            try await fixture.store.events(after: place, limit: 10)
          }
        }
        #expect(try await fixture.store.events(after: 11_000, limit: 1).first?.seq == 11_001)
        // What is new is not touched, however often it is looked at.
        try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture).count == 1_000)
      }
    }

    @Test("the newest event stays, so that readers see what they have missed; the next ones follow on it")
    func newest() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.append(20, "message.new")
        try await fixture.script("UPDATE events SET at = now() - interval '2 days'")
        try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture) == [20])
        await #expect(throws: EventsGone(oldest: 19)) { try await fixture.store.events(after: 3, limit: 10) }
        try await fixture.append(1, "message.new")
        #expect(try await fixture.store.events(after: 19, limit: 10).map(\.seq) == [20, 21])
        #expect(try await fixture.store.bounds() == .init(epoch: fixture.store.bounds().epoch, oldest: 19, newest: 21))
      }
    }

    @Test("what an endpoint has still to get stays; what a disabled one has not got goes")
    func neededByEndpoints() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        try await fixture.append(30, "message.new")
        try await fixture.script("UPDATE events SET at = now() - interval '2 days'")
        // Not yet made into deliveries.
        try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture).count == 30)
        // Ten arrive, the eleventh waits for another try.
        try await fixture.readLog()
        let line = try await fixture.load(id, node: node).inLine
        let outcomes =
          line.prefix(10).map { fixture.outcome($0, .delivered) } + [
            fixture.outcome(line[10], .retry(at: fixture.later))
          ]
        try await fixture.store.finishDeliveries(outcomes, node: node)
        try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture) == Array(11...30))
        // Paused it collects, and is waited for.
        _ = try await fixture.store.updateWebhook(id, at: fixture.clock.now()) { $0.isActive = false }
        try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture) == Array(11...30))
        try await fixture.script("UPDATE webhooks SET disabled_reason = 'gone'")
        try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture) == [30])
      }
    }

    @Test("what a replay has still to come to stays until it has come to its end")
    func neededByReplays() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.webhook(isActive: false)
        // Disabled, it keeps nothing by itself.
        try await fixture.script("UPDATE webhooks SET disabled_reason = 'gone'")
        try await fixture.append(30, "message.new")
        try await fixture.script("UPDATE events SET at = now() - interval '2 days'")
        let replay = fixture.clock.makeIdentifier()
        let count = try await fixture.store.replayWebhook(
          id, since: Timestamp(seconds: 0), until: fixture.later, as: replay)
        #expect(count == 30)
        _ = try await fixture.store.advanceReplays(limit: 10)
        let expiry = try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture) == Array(11...30))
        #expect(expiry.hold?.seq == 11 && expiry.hold?.webhook == id)
        while try await fixture.store.advanceReplays(limit: 10).events > 0 {}
        #expect(try await Self.expire(fixture).hold == nil)
        #expect(try await Self.numbers(fixture) == [30])
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == 30)
      }
    }

    @Test("whoever keeps the log longer than it is to be kept is named, and nobody is where it is not")
    func held() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.append(5, "message.new")
        // No sink runs: nothing is made of the log for it.
        let id = try await fixture.webhook()
        try await fixture.append(5, "message.new")
        #expect(try await Self.expire(fixture).hold == nil, "what is new is held by nobody")
        try await fixture.script("UPDATE events SET at = now() - interval '2 days'")
        #expect(try await Self.expire(fixture).hold?.webhook == id)
        try await fixture.readLog()
        let hold = try #require(try await Self.expire(fixture).hold)
        #expect(hold.webhook == id && hold.seq == 6)
        #expect(try await Self.numbers(fixture) == Array(6...10))
        _ = try await fixture.store.deleteWebhook(id)
        #expect(try await Self.expire(fixture).hold == nil)
        #expect(try await Self.numbers(fixture) == [10])
      }
    }

    @Test("a partition that cannot be dropped is told of, and its rows go all the same")
    func undroppable() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.append(10, "message.new")
        try await fixture.script("SELECT setval('event_seq', 1000000), ensure_event_partitions(2)")
        try await fixture.append(10, "message.new")
        try await fixture.script(
          "UPDATE events SET at = now() - interval '2 days' WHERE seq < 1000006; CREATE VIEW mine AS TABLE events_0")
        #expect(try await Self.expire(fixture).obstacle?.contains("2BP01") == true)
        #expect(try await Self.numbers(fixture) == Array(1_000_006...1_000_010))
        #expect(try await fixture.store.bounds().oldest == 1_000_005)
        try await fixture.script("DROP VIEW mine")
        #expect(try await Self.expire(fixture).obstacle == nil)
        #expect(try await fixture.number("SELECT count(*) FROM pg_class WHERE relname = 'events_0'") == 0)
      }
    }

    @Test("partitions that are old as a whole are dropped, and nodes that do it at once do it once")
    func partitions() async throws {
      try await StoreFixture.run(stores: 3) { fixture in
        try await fixture.append(10, "message.new")
        try await fixture.script("SELECT setval('event_seq', 1000000), ensure_event_partitions(2)")
        try await fixture.append(10, "message.new")
        try await fixture.script("SELECT setval('event_seq', 2000000), ensure_event_partitions(2)")
        try await fixture.append(10, "message.new")
        try await fixture.script("UPDATE events SET at = now() - interval '2 days' WHERE seq < 2000006")
        try await withThrowingTaskGroup(of: Void.self) { group in
          for store in 0..<3 { group.addTask { try await Self.expire(fixture, store: store) } }
          try await group.waitForAll()
        }
        // Whoever found another node at it has left it to that one.
        try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture) == Array(2_000_006...2_000_010))
        let first =
          "SELECT min(substr(inhrelid::regclass::text, 8)::int8) FROM pg_inherits WHERE inhparent = 'events'::regclass"
        #expect(try await fixture.number(first) == 2)
        #expect(try await fixture.store.bounds().oldest == 2_000_005)
        try await fixture.append(1, "message.new")
        #expect(try await fixture.store.bounds().newest == 2_000_011)
      }
    }

    @Test(
      "a partition that somebody reads in is not waited for: nobody waits behind that, and its rows go all the same")
    func busyPartition() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.append(10, "message.new")
        try await fixture.script("SELECT setval('event_seq', 1000000), ensure_event_partitions(2)")
        try await fixture.append(10, "message.new")
        try await fixture.script("UPDATE events SET at = now() - interval '2 days' WHERE seq < 1000000")
        let reader = try await LockHolder.take(.idleInTransaction, on: fixture, lock: "SELECT FROM events_0 LIMIT 1")
        defer { reader.close() }
        try await Self.expire(fixture)
        #expect(try await Self.numbers(fixture) == Array(1_000_001...1_000_010))
        #expect(try await fixture.number("SELECT count(*) FROM pg_class WHERE relname = 'events_0'") == 1)
        try await reader.release()
        try await Self.expire(fixture)
        #expect(try await fixture.number("SELECT count(*) FROM pg_class WHERE relname = 'events_0'") == 0)
        #expect(try await fixture.store.bounds().oldest == 999_999)
      }
    }
  }
}
