// Sessions that die in the middle of the work.

import ChannelProtocol
import GatewayTesting
import Postgres
import Synchronization
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Sessions that die")
  struct CrashTests {
    @Test("messages whose session is killed again and again are stored once each, and told once each")
    func killedLane() async throws {
      try await StoreFixture.run(configure: { $0.applicationName = "under test" }) { fixture in
        let count = 2_000
        let isStreaming = Atomic(true)
        let kills = Atomic(0)
        async let killing: Void = {
          while isStreaming.load(ordering: .sequentiallyConsistent) {
            let killed = try await fixture.number(
              "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'under test' AND state <> 'idle'"
            )
            kills.wrappingAdd(killed, ordering: .sequentiallyConsistent)
            try await Task.sleep(for: .milliseconds(.random(in: 5...60)))
          }
        }()
        var stored = Set<String>()
        try await withThrowingTaskGroup(of: String.self) { group in
          for index in 0..<count {
            // In waves, so that there are many batches to hit.
            if index % 20 == 19, let sid = try await group.next() { stored.insert(sid) }
            let record = fixture.inbound("SM\(index)", from: "+1415555\(1_000 + index % 100)")
            group.addTask {
              try await fixture.receive(record)
              return record.message.providerSID
            }
          }
          for try await sid in group { stored.insert(sid) }
        }
        isStreaming.store(false, ordering: .sequentiallyConsistent)
        try await killing
        #expect(stored.count == count)
        #expect(kills.load(ordering: .sequentiallyConsistent) > 0)
        #expect(try await fixture.number("SELECT count(*) FROM messages") == count)
        #expect(try await fixture.number("SELECT sum(unread_count) FROM conversations") == count)
        let told = try await fixture.events(.messageNew).map { try $0.json["providerSid"]?.stringValue ?? "" }
        #expect(told.count == count && Set(told) == stored)
      }
    }

    @Test("sends whose session is killed keep exactly one outbox row or one SID each, and every history is whole")
    func killedSending() async throws {
      try await StoreFixture.run(stores: 2, configure: { $0.applicationName = "under test" }) { fixture in
        let isStreaming = Atomic(true)
        async let killing: Void = {
          while isStreaming.load(ordering: .sequentiallyConsistent) {
            _ = try await fixture.number(
              "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'under test' AND state <> 'idle'"
            )
            try await Task.sleep(for: .milliseconds(.random(in: 5...60)))
          }
        }()
        try await withThrowingTaskGroup(of: Void.self) { group in
          for index in 0..<200 {
            let record = fixture.outbound(to: "+1415555\(1_000 + index % 20)")
            group.addTask { try await fixture.queue(record, on: index % 2) }
          }
          try await group.waitForAll()
        }
        var sent: Set<Identifier> = []
        for _ in 0..<200 where sent.count < 200 {
          // What a killed claim took is handed on as unresolved; here nobody has called anybody yet.
          let claimed =
            try await fixture.claim(lease: .seconds(1)) + fixture.claim(.unresolved, on: 1, lease: .seconds(1))
          for entry in claimed {
            try await fixture.record(.accepted(.sample("SM\(entry.message.id)")), of: entry)
            try await fixture.apply(.callback("sent", sid: "SM\(entry.message.id)", at: fixture.clock.now()), on: 1)
            sent.insert(entry.message.id)
          }
          fixture.clock.advance(by: .seconds(2))
        }
        isStreaming.store(false, ordering: .sequentiallyConsistent)
        try await killing
        #expect(sent.count == 200)
        #expect(try await fixture.number("SELECT count(*) FROM outbox") == 0)
        #expect(try await fixture.number("SELECT count(*) FROM messages WHERE status = 30") == 200)
        #expect(try await fixture.events(.messageQueued).count == 200)
        #expect(try await fixture.events(.messageStatus).count == 600)
        #expect(try await fixture.number("SELECT count(*) FROM status_events") == 600)
      }
    }
  }
}
