// What outcomes do to their endpoints' rows, and deliveries whose event is gone.

import ChannelProtocol
import GatewayTesting
import Postgres
import Synchronization
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Ends of deliveries")
  struct DeliveryEndsTests {
    @Test("outcomes lock their endpoints in the order of leases, whatever becomes of each")
    func lockOrder() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let first = try await fixture.webhook(events: ["message.new"])
        let (second, node) = try await fixture.leased(events: ["message.new"])
        #expect(first < second)
        try await fixture.append(1, "message.new")
        try await fixture.readLog()
        try await fixture.script("UPDATE webhooks SET failing_since = now() WHERE id = '\(first)'")
        let recovered = try await fixture.load(first, node: node).inLine[0]
        let failed = try await fixture.load(second, node: node).inLine[0]
        let outcomes = [
          fixture.outcome(failed, .retry(at: fixture.later), health: .failing(since: fixture.clock.now())),
          fixture.outcome(recovered, .delivered, health: .recovered),
        ]
        let holds = Signal()
        // As a round of leases does: the first, then the second.
        async let leasing: Bool = fixture.probe.run(deadline: .seconds(30)) { connection in
          try connection.simple("BEGIN; SELECT FROM webhooks WHERE id = '\(first)' FOR NO KEY UPDATE")
          holds.set()
          let waiting = Statement("who_waits", "SELECT count(*) FROM pg_locks WHERE NOT granted")
          let end = ContinuousClock.now + .seconds(10)
          while try connection.execute(waiting).single().int8(0) == 0, .now < end {}
          try connection.simple("SELECT FROM webhooks WHERE id = '\(second)' FOR NO KEY UPDATE NOWAIT; COMMIT")
          return .now < end
        }
        #expect(await eventually { holds.isSet })
        try await fixture.store.finishDeliveries(outcomes, node: node)
        #expect(try await leasing)
        let failing = try await fixture.texts("SELECT id FROM webhooks WHERE failing_since IS NOT NULL")
        #expect(failing == ["\(second)"])
      }
    }

    @Test("a delivery whose event is no longer kept ends, and says so")
    func eventGone() async throws {
      try await StoreFixture.run { fixture in
        let (id, node) = try await fixture.leased(events: ["message.new"])
        try await fixture.append(2, "message.new")
        try await fixture.readLog()
        let line = try await fixture.load(id, node: node).inLine
        try await fixture.store.finishDeliveries(
          [fixture.outcome(line[1], .retry(at: Timestamp(seconds: 0)))], node: node)
        try await fixture.script("DELETE FROM events")
        let supply = try await fixture.load(id, node: node)
        #expect(supply.inLine.isEmpty && supply.waiting.isEmpty)
        let dead = try await fixture.store.deliveries(of: id, states: [.dead], page: PageRequest()).items
        #expect(dead.map(\.seq) == [2, 1])
        let attempts = dead.map { String(decoding: $0.attempts, as: UTF8.self) }
        for text in attempts { #expect(text.contains(#""error":"event_gone""#)) }
        // Behind what was attempted before.
        let errors = try await fixture.texts(
          """
          SELECT string_agg(a ->> 'error', ' ') FROM deliveries, json_array_elements(('[' || log || ']')::json) a
          GROUP BY seq ORDER BY seq
          """)
        #expect(errors == ["event_gone", "event_gone"])
        #expect(attempts.first?.contains(#""status":500"#) == true)
      }
    }
  }
}

private final class Signal: Sendable {
  private let state = Atomic(false)
  var isSet: Bool { state.load(ordering: .acquiring) }
  func set() { state.store(true, ordering: .releasing) }
}
