// Sessions that die in the middle of the work.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Sessions that die")
  struct CrashTests {
    @Test("messages whose session is killed again and again are stored once each, and told once each")
    func killedLane() async throws {
      try await StoreFixture.run(configure: { $0.applicationName = Self.victim }) { fixture in
        let count = 2_000
        let (stored, kills) = try await Self.killing(on: fixture) {
          try await withThrowingTaskGroup(of: String.self) { group in
            var stored = Set<String>()
            for index in 0..<count {
              // At most a hundred at a time, so that there are many batches to hit.
              if index >= 100, let sid = try await group.next() { stored.insert(sid) }
              let record = fixture.inbound("SM\(index)", from: "+1415555\(1_000 + index % 100)")
              group.addTask {
                try await fixture.receive(record)
                return record.message.providerSID
              }
            }
            for try await sid in group { stored.insert(sid) }
            return stored
          }
        }
        #expect(stored.count == count)
        #expect(kills > 0)
        #expect(try await fixture.number("SELECT count(*) FROM messages") == count)
        #expect(try await fixture.number("SELECT sum(unread_count) FROM conversations") == count)
        let told = try await fixture.events(.messageNew).map { try $0.json["providerSid"]?.stringValue ?? "" }
        #expect(told.count == count && Set(told) == stored)
      }
    }

    @Test("sends whose session is killed end with one SID each, no outbox row and a whole history")
    func killedSending() async throws {
      try await StoreFixture.run(stores: 2, configure: { $0.applicationName = Self.victim }) { fixture in
        let (sent, kills) = try await Self.killing(on: fixture) {
          try await Self.each((0..<200).map { fixture.outbound(to: "+1415555\(1_000 + $0 % 20)") }) { record in
            try await fixture.queue(record, on: Bool.random() ? 0 : 1)
          }
          var sent: Set<Identifier> = []
          for _ in 0..<100 where sent.count < 200 {
            // What a killed claim took is handed on as unresolved; here nobody has called anybody yet.
            let claimed =
              try await fixture.claim(lease: .seconds(1)) + fixture.claim(.unresolved, on: 1, lease: .seconds(1))
            sent.formUnion(claimed.map(\.message.id))
            try await Self.each(claimed) { entry in
              try await fixture.record(.accepted(.sample("SM\(entry.message.id)")), of: entry)
            }
            try await Self.each(claimed) { entry in
              try await fixture.apply(
                .callback("sent", sid: "SM\(entry.message.id)", at: fixture.clock.now()), on: 1)
            }
            fixture.clock.advance(by: .seconds(2))
          }
          return sent
        }
        #expect(sent.count == 200)
        #expect(kills > 0)
        #expect(try await fixture.number("SELECT count(*) FROM outbox") == 0)
        #expect(try await fixture.number("SELECT count(*) FROM messages WHERE status = 30") == 200)
        #expect(try await fixture.events(.messageQueued).count == 200)
        #expect(try await fixture.events(.messageStatus).count == 600)
        #expect(try await fixture.number("SELECT count(*) FROM status_events") == 600)
      }
    }

    private static let victim = "session to be killed"

    /// Kills the stores' working sessions for as long as `body` runs: after each kill something must have been
    /// committed before the next one comes, at a moment of its own, however slow the machine.
    private static func killing<Value: Sendable>(
      on fixture: StoreFixture, _ body: () async throws -> Value
    ) async throws -> (Value, kills: Int) {
      let killer = Task {
        var killed = 0
        var committed = -1
        while !Task.isCancelled {
          let now = (try? await fixture.number("SELECT count(*) FROM events")) ?? committed
          guard now > committed else {
            try? await Task.sleep(for: .milliseconds(2))
            continue
          }
          committed = now
          try? await Task.sleep(for: .microseconds(.random(in: 0...30_000)))
          killed +=
            (try? await fixture.number(
              """
              SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
              WHERE application_name = '\(victim)' AND state <> 'idle'
              """)) ?? 0
        }
        return killed
      }
      defer { killer.cancel() }
      let value = try await body()
      killer.cancel()
      return (value, await killer.value)
    }

    private static func each<Item: Sendable, Value: Sendable>(
      _ items: [Item], _ work: @escaping @Sendable (Item) async throws -> Value
    ) async throws {
      try await withThrowingTaskGroup(of: Value.self) { group in
        for item in items { group.addTask { try await work(item) } }
        for try await _ in group {}
      }
    }
  }
}
