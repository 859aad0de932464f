// Contacts that go away while messages stream in.

import ChannelProtocol
import Postgres
import Synchronization
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Contacts that go away")
  struct DeletionRaceTests {
    /// As the schema asks: the contacts' rows first, so that no conversation is added to them, then the conversations'.
    private static let locks = """
      BEGIN;
      CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT id FROM contacts ORDER BY id FOR UPDATE;
      CREATE TEMP TABLE held ON COMMIT DROP AS
        SELECT v.id FROM conversations v WHERE v.contact_id IN (SELECT id FROM gone) ORDER BY v.id FOR UPDATE;
      """

    private static let deletion =
      locks + """
        DELETE FROM media f USING messages m WHERE m.id = f.message_id AND m.conversation_id IN (SELECT id FROM held);
        DELETE FROM messages WHERE conversation_id IN (SELECT id FROM held);
        DELETE FROM contacts WHERE id IN (SELECT id FROM gone);
        COMMIT;
        """

    /// All contacts become one new one.
    private static let merge =
      locks + """
        CREATE TEMP TABLE stays ON COMMIT DROP AS SELECT gen_random_uuid() AS id WHERE EXISTS (SELECT FROM gone);
        INSERT INTO contacts (id, created_at, updated_at) SELECT id, now(), now() FROM stays;
        UPDATE contact_channels SET contact_id = stays.id FROM stays WHERE contact_id IN (SELECT id FROM gone);
        UPDATE messages SET contact_id = stays.id FROM stays WHERE conversation_id IN (SELECT id FROM held);
        UPDATE conversations v SET contact_id = stays.id FROM stays WHERE v.id IN (SELECT id FROM held);
        DELETE FROM contacts WHERE id IN (SELECT id FROM gone);
        COMMIT;
        """

    @Test(
      "a contact that is deleted or merged while its messages stream in loses none of them and leaves no orphan",
      arguments: ["deleted", "merged"])
    func goesAway(how: String) async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let isStreaming = Atomic(true)
        let rounds = Atomic(0)
        async let others: Void = {
          while isStreaming.load(ordering: .sequentiallyConsistent) && !Task.isCancelled {
            // A deadlock is broken by PostgreSQL at somebody's cost: then another round.
            if (try? await fixture.script(how == "deleted" ? Self.deletion : Self.merge)) != nil {
              rounds.wrappingAdd(1, ordering: .sequentiallyConsistent)
            }
            try? await Task.sleep(for: .milliseconds(.random(in: 5...40)))
          }
        }()
        let outcomes = try await withThrowingTaskGroup(of: InboundOutcome.self) { group in
          for worker in 0..<8 {
            for index in 0..<150 {
              let record = fixture.inbound(
                "SM\(worker)-\(index)", to: "+150055501\(index % 20)",
                media: index % 5 == 0 ? [InboundMedia(url: "u", contentType: nil)] : [])
              group.addTask { try await fixture.receive(record, on: worker % 2) }
            }
          }
          return try await group.reduce(into: [InboundOutcome]()) { $0.append($1) }
        }
        isStreaming.store(false, ordering: .sequentiallyConsistent)
        await others
        #expect(outcomes.allSatisfy { $0 == .stored })
        #expect(rounds.load(ordering: .sequentiallyConsistent) > 2)
        #expect(try await fixture.events(.messageNew).count == outcomes.count)
        if how == "merged" { #expect(try await fixture.number("SELECT count(*) FROM messages") == outcomes.count) }
      }
    }
  }
}
