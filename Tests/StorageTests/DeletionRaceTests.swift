// Contacts that go away while messages stream in.

import ChannelProtocol
import Postgres
import Synchronization
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Contacts that go away")
  struct DeletionRaceTests {
    /// As `MessagesSchema` asks of a deletion: the conversations' rows are locked first.
    private static let deletion = """
      BEGIN;
      SELECT id FROM conversations ORDER BY id FOR UPDATE;
      DELETE FROM media f USING messages m WHERE m.id = f.message_id
        AND m.conversation_id IN (SELECT id FROM conversations);
      DELETE FROM messages WHERE conversation_id IN (SELECT id FROM conversations);
      DELETE FROM contacts;
      COMMIT;
      """

    private static let merge = """
      BEGIN;
      SELECT id FROM conversations ORDER BY id FOR UPDATE;
      INSERT INTO contacts (id, created_at, updated_at)
        SELECT gen_random_uuid(), now(), now() WHERE EXISTS (SELECT FROM contacts);
      CREATE TEMP TABLE stays ON COMMIT DROP AS SELECT id FROM contacts ORDER BY updated_at DESC LIMIT 1;
      UPDATE contact_channels SET contact_id = stays.id FROM stays;
      UPDATE messages SET contact_id = stays.id FROM stays
        WHERE conversation_id IN (SELECT id FROM conversations);
      UPDATE conversations SET contact_id = stays.id FROM stays;
      DELETE FROM contacts c USING stays WHERE c.id <> stays.id
        AND NOT EXISTS (SELECT FROM conversations v WHERE v.contact_id = c.id)
        AND NOT EXISTS (SELECT FROM contact_channels h WHERE h.contact_id = c.id);
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
          while isStreaming.load(ordering: .sequentiallyConsistent) {
            // A deadlock is broken by PostgreSQL at somebody's cost: then another round.
            try? await fixture.script(how == "deleted" ? Self.deletion : Self.merge)
            rounds.wrappingAdd(1, ordering: .sequentiallyConsistent)
          }
        }()
        let outcomes = try await withThrowingTaskGroup(of: InboundOutcome.self) { group in
          for worker in 0..<8 {
            for index in 0..<60 {
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
        #expect(rounds.load(ordering: .sequentiallyConsistent) > 1)
        #expect(try await fixture.events(.messageNew).count == outcomes.count)
        if how == "merged" { #expect(try await fixture.number("SELECT count(*) FROM messages") == outcomes.count) }
      }
    }
  }
}
