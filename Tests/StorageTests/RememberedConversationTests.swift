// Most messages come from somebody this node has just heard from: nobody is looked up then, and nothing is taken on trust.

import ChannelProtocol
import GatewayTesting
import Postgres
import Synchronization
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Conversations that are remembered")
  struct RememberedConversationTests {
    @Test("a contact that was changed elsewhere is shown as it is now, not as it is remembered")
    func changedContact() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        try await fixture.receive(fixture.inbound("SM2"))
        _ = try await fixture.rows(
          "WITH c AS (UPDATE contacts SET name = 'Ada', updated_at = now() + interval '1 s' RETURNING 1) SELECT count(*) FROM c"
        )
        try await fixture.receive(fixture.inbound("SM3"))
        let last = try #require(try await fixture.events().last)
        #expect(try last.json["contact"]?["name"]?.stringValue == "Ada")
        #expect(try last.json["unreadCount"]?.integerValue == 3)
      }
    }

    @Test("an address that was added elsewhere is shown, and the contact is looked up from then on")
    func addedAddress() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        _ = try await fixture.rows(
          """
          WITH h AS (
            INSERT INTO contact_channels (id, contact_id, type, address, created_at)
            SELECT gen_random_uuid(), id, 'whatsapp', '+14155559999', now() FROM contacts RETURNING contact_id),
          c AS (UPDATE contacts SET updated_at = now() + interval '1 s' FROM h WHERE id = h.contact_id RETURNING 1)
          SELECT count(*) FROM c
          """)
        for sid in ["SM2", "SM3"] {
          try await fixture.receive(fixture.inbound(sid))
          let last = try #require(try await fixture.events().last)
          #expect(try last.json["contact"]?["channels"]?.arrayValue?.count == 2)
        }
      }
    }

    @Test("a contact that was deleted elsewhere is made anew, and nothing is written into the void")
    func deletedContact() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        _ = try await fixture.rows(
          """
          WITH m AS (DELETE FROM messages RETURNING 1), v AS (DELETE FROM conversations RETURNING 1),
            c AS (DELETE FROM contacts RETURNING 1) SELECT count(*) FROM c
          """)
        #expect(try await fixture.receive(fixture.inbound("SM2")) == .stored)
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
        #expect(try await fixture.number("SELECT unread_count FROM conversations") == 1)
      }
    }

    @Test("of a batch in which some are known, each is stored and counted once", arguments: [1, 2])
    func mixedBatch(nodes: Int) async throws {
      try await StoreFixture.run(stores: nodes) { fixture in
        let records = (0..<60).map { fixture.inbound("SM\($0 % 20)", from: "+1415555010\($0 % 4)") }
        let outcomes = try await withThrowingTaskGroup(of: InboundOutcome.self) { group in
          for (index, record) in records.enumerated() {
            group.addTask { try await fixture.receive(record, on: index % nodes) }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == .stored }.count == 20)
        #expect(try await fixture.number("SELECT count(*) FROM messages") == 20)
        #expect(try await fixture.number("SELECT sum(unread_count) FROM conversations") == 20)
        #expect(try await fixture.events().filter { $0.type == .messageNew }.count == 20)
      }
    }

    /// Batches of eight, so that a stream is many of them.
    @Test(
      "a stream of messages of known contacts, some told twice, is stored and counted in its order", arguments: [1, 2])
    func stream(nodes: Int) async throws {
      try await StoreFixture.run(stores: nodes, maximumBatch: 8) { fixture in
        let told = Mutex<[Event]>([])
        for store in fixture.stores { store.commits.follow { events in told.withLock { $0 += events } } }
        let senders = (0..<4).map { "+1415555010\($0)" }
        for node in 0..<nodes {
          for (index, sender) in senders.enumerated() {
            try await fixture.receive(fixture.inbound("SMknown\(node)\(index)", from: sender), on: node)
          }
        }
        // One in twelve has the id of another: its batch fails and is written again.
        let records = (0..<480).map { number in
          fixture.inbound("SM\(number % 12 == 11 ? number - 9 : number)", from: senders[number % 4])
        }
        let wanted = Set(records.map(\.message.providerSID))
        // What is remembered of them no longer holds.
        let renaming = Task {
          for number in 0..<20 {
            _ = try await fixture.rows(
              """
              WITH c AS (UPDATE contacts SET name = 'Ada \(number)',
                updated_at = greatest(clock_timestamp(), updated_at + interval '1 us') RETURNING 1) SELECT count(*) FROM c
              """)
          }
        }
        let outcomes = try await withThrowingTaskGroup(of: InboundOutcome.self) { group in
          for (index, record) in records.enumerated() {
            group.addTask { try await fixture.receive(record, on: index % nodes) }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        try await renaming.value
        try await fixture.receive(fixture.inbound("SMlast", from: senders[0]))
        let known = nodes * senders.count
        #expect(outcomes.count { $0 == .stored } == wanted.count)
        #expect(try await fixture.number("SELECT count(*) FROM messages") == wanted.count + known + 1)
        #expect(try await fixture.number("SELECT sum(unread_count) FROM conversations") == wanted.count + known + 1)
        let log = try await fixture.events()
        #expect(log.count { $0.type == .messageNew } == wanted.count + known + 1)
        #expect(Set(told.withLock(\.self).map(\.seq)) == Set(log.map(\.seq)))
        var unread: [Identifier: Int64] = [:]
        for event in log where event.type == .conversationUpdated {
          let id = try #require(event.conversationID)
          let count = try #require(try event.json["unreadCount"]?.integerValue)
          #expect(count > unread[id, default: 0])
          unread[id] = count
        }
        #expect(try log.last?.json["contact"]?["name"]?.stringValue == "Ada 19")
      }
    }

    @Test("who opts out is shown so by what comes after it, and is not by a message of somebody else")
    func optOutBefore() async throws {
      try await StoreFixture.run(maximumBatch: 1) { fixture in
        for sender in ["+14155550100", "+14155550101"] {
          try await fixture.receive(fixture.inbound("SMknown\(sender)", from: sender))
        }
        for round in 0..<20 {
          var stop = fixture.inbound("SMstop\(round)", from: "+14155550100")
          stop.message.optOut = round.isMultiple(of: 2) ? .stop : .start
          let signal = stop
          try await withThrowingTaskGroup { group in
            group.addTask { try await fixture.receive(signal) }
            for number in 0..<4 {
              let sender = number.isMultiple(of: 2) ? "+14155550100" : "+14155550101"
              group.addTask { try await fixture.receive(fixture.inbound("SM\(round)-\(number)", from: sender)) }
            }
            for try await outcome in group { #expect(outcome == .stored) }
          }
          // After it and before the next one: what the log says of the contact is what the signal made of it.
          let events = try await fixture.events()
          let at = try #require(
            events.lastIndex {
              $0.type == .messageNew && ((try? $0.json)?["providerSid"]?.stringValue == "SMstop\(round)")
            })
          for event in events[at...] where event.type == .conversationUpdated {
            let channel = try #require(try event.json["contact"]?["channels"]?.arrayValue?.first)
            let isTheirs = channel["address"]?.stringValue == "+14155550100"
            #expect(channel["optedOut"]?.boolValue == (isTheirs && round.isMultiple(of: 2)))
          }
        }
      }
    }

    @Test("what a node commits, its reader is told to the letter, in the order of the log")
    func commitsFollowed() async throws {
      try await StoreFixture.run { fixture in
        let told = Mutex<[Event]>([])
        fixture.store.commits.follow { events in told.withLock { $0 += events } }
        for number in 0..<10 {
          try await fixture.receive(fixture.inbound("SM\(number)", from: "+1415555010\(number % 3)"))
        }
        try await fixture.queue(fixture.outbound())
        _ = try await fixture.receive(fixture.inbound("SM0"))
        let log = try await fixture.events()
        #expect(log.count == 25)
        #expect(told.withLock(\.self) == log)
      }
    }
  }
}
