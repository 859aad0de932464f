// Contacts that go away while messages stream in.

import ChannelProtocol
import GatewayTesting
import Postgres
import Synchronization
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Contacts that go away")
  struct DeletionRaceTests {
    @Test("a contact that is deleted under a single message on its way in is made anew")
    func deletedUnderOne() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        let deletion = try await LockHolder.take(
          .idleInTransaction, on: fixture, lock: "SELECT id FROM contacts FOR UPDATE",
          also: "DELETE FROM messages; DELETE FROM contacts")
        defer { deletion.close() }
        async let outcome = fixture.receive(fixture.inbound("SM2", to: "+15005550007"))
        #expect(try await Self.isWaiting(1, on: fixture))
        try await deletion.release()
        #expect(try await outcome == .stored)
        #expect(try await fixture.texts("SELECT provider_sid FROM messages") == ["SM2"])
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
      }
    }

    @Test("a single message that loses two races over its contact and its conversation is stored all the same")
    func twoLostRaces() async throws {
      try await StoreFixture.run { fixture in
        let contact = fixture.clock.makeIdentifier()
        // Each commits what the message was about to make itself, just before it.
        let first = try await LockHolder.take(
          .idleInTransaction, on: fixture,
          lock: "INSERT INTO contacts (id, created_at, updated_at) VALUES ('\(contact)', now(), now())",
          also: """
            INSERT INTO contact_channels (id, contact_id, type, address, created_at)
            VALUES (gen_random_uuid(), '\(contact)', 'sms', '\(Sample.contact)', now())
            """)
        defer { first.close() }
        let second = try await LockHolder.take(
          .idleInTransaction, on: fixture, lock: "SET LOCAL session_replication_role = replica",
          also: """
            INSERT INTO conversations
              (id, contact_id, channel_type, address, line, last_activity_at, created_at, updated_at)
            VALUES (gen_random_uuid(), '\(contact)', 'sms', '\(Sample.contact)', '\(Sample.line)', now(), now(), now())
            """)
        defer { second.close() }
        async let outcome = fixture.receive(fixture.inbound("SM1"))
        #expect(try await Self.isWaiting(1, on: fixture))
        try await first.release()
        #expect(try await Self.isWaiting(1, on: fixture))
        try await second.release()
        #expect(try await outcome == .stored)
        #expect(try await fixture.number("SELECT count(*) FROM conversations") == 1)
        #expect(try await fixture.texts("SELECT contact_id FROM messages") == ["\(contact)"])
      }
    }

    private static func isWaiting(_ count: Int, on fixture: StoreFixture) async throws -> Bool {
      try await eventually {
        try await fixture.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == count
      }
    }

    private static func received(on fixture: StoreFixture) async throws -> Int {
      try await fixture.number("SELECT count(*) FROM events WHERE type = 'message.new'")
    }

    /// Every contact with an address goes, one after another, on a node that receives as well.
    /// - Returns: whether there was one.
    private static func end(_ how: String, on fixture: StoreFixture) async throws -> Bool {
      var query = ContactQuery()
      query.channel = "sms"
      let contacts = try await fixture.store.contacts(query, page: PageRequest(limit: 200)).items
      for contact in contacts {
        switch how {
        case "deleted": _ = try await fixture.store.deleteContact(contact.id)
        case "merged":
          let survivor = try await fixture.make(ContactProfile(), [])
          _ = try await fixture.store.mergeContact(contact.id, into: survivor.id)
        // Its address becomes another's, with what was said on it.
        default: _ = try await fixture.store.removeContactChannel(contact.channels[0].id, from: contact.id)
        }
      }
      return !contacts.isEmpty
    }

    @Test(
      "a contact that is deleted, merged or split while its messages stream in loses none of them and leaves no orphan",
      arguments: ["deleted", "merged", "split"])
    func goesAway(how: String) async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let isStreaming = Atomic(true)
        let rounds = Atomic(0)
        async let end: Void = { () async throws in
          var committed = -1
          while isStreaming.load(ordering: .sequentiallyConsistent) && !Task.isCancelled {
            // Something must have come through before the next one, however slow the machine.
            let now = (try? await Self.received(on: fixture)) ?? committed
            try? await Task.sleep(for: .milliseconds(.random(in: 1...20)))
            guard now > committed, try await Self.end(how, on: fixture) else { continue }
            committed = (try? await Self.received(on: fixture)) ?? now
            rounds.add(1, ordering: .sequentiallyConsistent)
          }
        }()
        let outcomes = try await withThrowingTaskGroup(of: InboundOutcome.self) { group in
          var outcomes: [InboundOutcome] = []
          // Until something has come between a few times, however slow the machine; the bound is for one that never lets it.
          var index = 0
          while index < 800 || (rounds.load(ordering: .sequentiallyConsistent) < 3 && index < 20_000) {
            let number = index
            index += 1
            // A hundred at a time, so that there are many batches to come between.
            if number >= 100, let outcome = try await group.next() { outcomes.append(outcome) }
            let record = fixture.inbound(
              "SM\(number)", to: "+1500555\(1_000 + number % 20)",
              media: number % 5 == 0 ? [InboundMedia(url: "u", contentType: nil)] : [])
            group.addTask { try await fixture.receive(record, on: number % 2) }
          }
          return try await group.reduce(into: outcomes) { $0.append($1) }
        }
        isStreaming.store(false, ordering: .sequentiallyConsistent)
        try await end
        #expect(rounds.load(ordering: .sequentiallyConsistent) > 2)
        #expect(outcomes.allSatisfy { $0 == .stored })
        #expect(try await fixture.events(.messageNew).count == outcomes.count)
        if how != "deleted" { #expect(try await fixture.number("SELECT count(*) FROM messages") == outcomes.count) }
      }
    }
  }
}
