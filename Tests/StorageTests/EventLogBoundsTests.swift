// What the log says it keeps.

import ChannelProtocol
import GatewayTesting
import Testing

@testable import Postgres
@testable import Storage

extension StorageSuite {
  @Suite("The event log's bounds")
  struct EventLogBoundsTests {
    @Test("a new log is empty at 0, and grows from there")
    func growth() async throws {
      try await StoreFixture.run { fixture in
        let empty = try await fixture.store.bounds()
        #expect(empty.oldest == 0 && empty.newest == 0)
        try await fixture.receive(fixture.inbound("SM1"))
        let events = try await fixture.store.events(after: 0, limit: 10)
        let bounds = try await fixture.store.bounds()
        #expect(bounds.oldest == 0 && bounds.newest == events.last?.seq)
        #expect(bounds.epoch == empty.epoch)
        #expect(try await fixture.store.events(after: bounds.newest, limit: 10) == [])
      }
    }

    @Test("a reader whose place retention has dropped is told so; one that is in time reads on")
    func retention() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        try await fixture.script("SELECT setval('event_seq', 1000010)")
        try await fixture.receive(fixture.inbound("SM2"))
        try await fixture.script("DROP TABLE events_0")
        let bounds = try await fixture.store.bounds()
        #expect(bounds.oldest == 999_999)
        await #expect(throws: EventsGone(oldest: 999_999)) { try await fixture.store.events(after: 1, limit: 10) }
        #expect(try await fixture.store.events(after: bounds.oldest, limit: 10).isEmpty == false)
      }
    }

    @Test("a gap that a rollback left is no gap in what is kept")
    func rollbackGap() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        let last = try await fixture.store.bounds().newest
        try await fixture.script("SELECT nextval('event_seq'), nextval('event_seq')")
        try await fixture.receive(fixture.inbound("SM2"))
        let events = try await fixture.store.events(after: last, limit: 10)
        #expect(events.first?.seq == last + 3)
        // At the log's very beginning too.
        try await fixture.script("DELETE FROM events WHERE seq <= \(last)")
        #expect(try await fixture.store.bounds().oldest == 0)
        #expect(try await fixture.store.events(after: 0, limit: 10) == events)
      }
    }

    @Test("the end of an empty log never lies beyond an event that is about to be committed")
    func emptyLogWithWriter() async throws {
      try await StoreFixture.run { fixture in
        let writer = try await LockHolder.take(
          .idleInTransaction, on: fixture,
          also: """
            SELECT append_events(ARRAY[gen_random_uuid()], ARRAY['t'], ARRAY[now()], ARRAY[NULL]::uuid[], ARRAY['c'],
              ARRAY['{}'])
            """)
        defer { writer.close() }
        async let bounds = fixture.store.bounds()
        #expect(
          try await eventually {
            try await fixture.number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1
          })
        try await writer.release()
        let newest = try await bounds.newest
        let events = try await fixture.store.events(after: 0, limit: 10)
        #expect(events.count == 1)
        #expect(newest == events.first?.seq)
      }
    }
  }
}
