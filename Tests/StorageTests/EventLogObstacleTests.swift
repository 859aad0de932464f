// What may stand in the way of the log: a client that froze, and a partition that is full.

import ChannelProtocol
import GatewayTesting
import Synchronization
import Testing

@testable import Postgres
@testable import Storage

extension StorageSuite {
  @Suite("What stands in the log's way")
  struct EventLogObstacleTests {
    @Test("a client that sits idle in a transaction on the log's lock is thrown out, and the write succeeds")
    func idleHolder() async throws {
      try await StoreFixture.run { fixture in
        let holder = try await LockHolder.take(.idleInTransaction, on: fixture)
        defer { holder.close() }
        #expect(
          try await eventually { try await fixture.texts(LockHolder.state) == ["idle in transaction ClientRead"] })
        let start = ContinuousClock.now
        #expect(try await fixture.receive(fixture.inbound("SM1")) == .stored)
        #expect(.now - start < .seconds(6))
        #expect(await holder.isGone())
      }
    }

    @Test("a client that froze in the middle of its unit cannot hold the log's lock either")
    func frozenHolder() async throws {
      try await StoreFixture.run { fixture in
        let holder = try await LockHolder.take(.unfinishedUnit, on: fixture)
        defer { holder.close() }
        #expect(try await eventually { try await fixture.texts(LockHolder.state) == ["active ClientRead"] })
        let start = ContinuousClock.now
        #expect(try await fixture.receive(fixture.inbound("SM1")) == .stored)
        #expect(.now - start < .seconds(6))
        #expect(await holder.isGone())
      }
    }

    @Test("nor the rows of a conversation")
    func frozenWriter() async throws {
      try await StoreFixture.run { fixture in
        #expect(try await fixture.receive(fixture.inbound("SM1")) == .stored)
        let lock = "SELECT id FROM conversations FOR UPDATE"
        let holder = try await LockHolder.take(.unfinishedUnit, on: fixture, lock: lock)
        defer { holder.close() }
        let holding = """
          SELECT count(*) FROM pg_stat_activity
          WHERE state = 'active' AND wait_event = 'ClientRead' AND query = '\(lock)'
          """
        #expect(try await eventually { try await fixture.number(holding) == 1 })
        let start = ContinuousClock.now
        #expect(try await fixture.receive(fixture.inbound("SM2")) == .stored)
        #expect(.now - start < .seconds(6))
        #expect(await holder.isGone())
      }
    }

    @Test("a short-lived holder of the lock is waited for, not thrown out")
    func livingHolder() async throws {
      try await StoreFixture.run { fixture in
        let holder = try await LockHolder.take(.idleInTransaction, on: fixture)
        defer { holder.close() }
        async let outcome = fixture.receive(fixture.inbound("SM1"))
        #expect(
          try await eventually {
            try await fixture.number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1
          })
        try await holder.release()
        #expect(try await outcome == .stored)
        #expect(await !holder.isGone())
      }
    }

    @Test("the log crosses into the next partition in the middle of a batch")
    func partitionBoundary() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.script("SELECT setval('event_seq', 999995)")
        try await receiveTen(fixture)
        let events = try await fixture.store.events(after: 999_995, limit: 100)
        #expect(events.contains { $0.seq < 1_000_000 } && events.contains { $0.seq >= 1_000_000 })
        #expect(events.filter { $0.type == .messageNew }.count == 10)
      }
    }

    @Test("a log that has outrun its maintenance makes its own room")
    func missingPartition() async throws {
      try await StoreFixture.run { fixture in
        let end = try await fixture.number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass")
        try await fixture.script("SELECT setval('event_seq', \(end * 1_000_000 - 5))")
        try await receiveTen(fixture)
        let events = try await fixture.store.events(after: Int64(end * 1_000_000 - 5), limit: 100)
        #expect(events.filter { $0.type == .messageNew }.count == 10)
        #expect(events.contains { $0.seq >= Int64(end * 1_000_000) })
      }
    }

    @Test("maintenance of several nodes at once makes each partition once")
    func concurrentMaintenance() async throws {
      try await StoreFixture.run(stores: 3) { fixture in
        try await fixture.script("SELECT setval('event_seq', 7500000)")
        try await withThrowingTaskGroup(of: Void.self) { group in
          for store in fixture.stores { group.addTask { try await store.maintainEventLog() } }
          try await group.waitForAll()
        }
        let partitions = try await fixture.texts(
          "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1")
        #expect(Set(partitions).isSuperset(of: ["events_7", "events_8", "events_9"]))
        #expect(try await fixture.receive(fixture.inbound("SM1")) == .stored)
      }
    }

    private func receiveTen(_ fixture: StoreFixture) async throws {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<10 {
          let record = fixture.inbound("SM\(index)", from: "+1415555020\(index % 3)")
          group.addTask { try await fixture.receive(record) }
        }
        try await group.waitForAll()
      }
    }
  }
}
