// Bulks in the database: who works on them, what a change from outside does, and what is counted.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Bulks in the database")
  struct BulkStoreTests {
    @Test("a bulk is made once, counted by what became of each recipient, and settled when nothing is left")
    func life() async throws {
      try await StoreFixture.run { fixture in
        let bulk = fixture.bulk(recipients: 3)
        try await fixture.store.createBulk(bulk)
        try await fixture.store.createBulk(bulk)
        let node = fixture.clock.makeIdentifier()
        let work = try #require(try await fixture.take(node).first)
        #expect(work.id == bulk.id && work.state == .running && work.channel == "sms")
        let waiting = try await fixture.store.waitingRecipients(ofBulk: bulk.id, limit: 10)
        #expect(waiting == bulk.recipients)
        try await fixture.queue(waiting[0])
        try await fixture.store.noteRecipients(
          ofBulk: bulk.id, queued: [0], refused: [BulkRefusal(index: 1, code: "outside_window", message: "closed")])
        var shown = try #require(try await fixture.store.bulk(bulk.id))
        #expect(shown.total == 4 && shown.waiting == 1 && shown.counts == [.queued: 1] && shown.unitsLeft == 4)
        #expect(shown.refused.map(\.index) == [1, 3])
        try await fixture.queue(waiting[2])
        try await fixture.store.noteRecipients(ofBulk: bulk.id, queued: [2], refused: [])
        for claimed in try await fixture.claim() {
          try await fixture.record(.accepted(.sample("SM\(claimed.units)\(claimed.message.to)")), of: claimed)
        }
        shown = try #require(try await fixture.store.bulk(bulk.id))
        #expect(shown.waiting == 0 && shown.counts == [.accepted: 2] && shown.unitsLeft == 0)
        try await fixture.store.settleBulk(work)
        #expect(try await fixture.take(node).isEmpty)
        #expect(try await fixture.store.bulk(fixture.clock.makeIdentifier()) == nil)
      }
    }

    @Test("who is deleted while a bulk is under way is given no message by it, on channels of their addresses' types")
    func deletedContact() async throws {
      try await StoreFixture.run { fixture in
        let bulk = fixture.bulk(recipients: 3)
        try await fixture.store.createBulk(bulk)
        let addresses = bulk.recipients.map(\.address)
        let elsewhere = try await fixture.make(ContactProfile(), [Address(type: .whatsapp, value: addresses[1])]).id
        let here = try await fixture.make(ContactProfile(), [Address(type: .sms, value: addresses[0])]).id
        #expect(try await fixture.store.deleteContact(elsewhere))
        #expect(try await fixture.store.waitingRecipients(ofBulk: bulk.id, limit: 10).count == 3)
        // A paused one is settled, and goes on some day.
        try await fixture.script("UPDATE bulks SET unsettled = false")
        #expect(try await fixture.store.deleteContact(here))
        let waiting = try await fixture.store.waitingRecipients(ofBulk: bulk.id, limit: 10)
        #expect(waiting.map(\.index) == [1, 2])
        let shown = try #require(try await fixture.store.bulk(bulk.id))
        #expect(shown.refused.first { $0.index == 0 }?.code == "contact_deleted")
        #expect(
          try await fixture.number("SELECT count(*) FROM bulk_recipients WHERE address = '\(addresses[0])'") == 0)
      }
    }

    @Test("a message that waits long gets an id of its time, once, and is found by that time")
    func lateIdentifiers() async throws {
      try await StoreFixture.run { fixture in
        let bulk = fixture.bulk(recipients: 2)
        try await fixture.store.createBulk(bulk)
        let early = try #require(try await fixture.store.waitingRecipients(ofBulk: bulk.id, limit: 1).first)
        #expect(early == bulk.recipients[0])
        fixture.clock.advance(by: .seconds(3_600))
        let since = fixture.clock.now()
        fixture.clock.advance(by: .seconds(120))
        let late = try await fixture.store.waitingRecipients(ofBulk: bulk.id, limit: 2)
        // The first one may have been made already.
        #expect(late[0] == early)
        #expect(late[1].index == 1 && late[1].messageID > late[0].messageID)
        #expect(late[1].messageID.timestamp >= since)
        #expect(try await fixture.store.waitingRecipients(ofBulk: bulk.id, limit: 2) == late)
        try await fixture.queue(late[1])
        var query = MessageQuery()
        query.since = since
        let found = try await fixture.store.messages(query, page: PageRequest())
        #expect(found.items.map(\.id) == [late[1].messageID])
      }
    }

    @Test("a bulk is one node's at a time, another's after its lease, and a change of it is not hidden by settling")
    func leases() async throws {
      try await StoreFixture.run { fixture in
        let bulk = fixture.bulk(recipients: 1)
        try await fixture.store.createBulk(bulk)
        let (first, second) = (fixture.clock.makeIdentifier(), fixture.clock.makeIdentifier())
        let work = try #require(try await fixture.take(first).first)
        #expect(try await fixture.take(second).isEmpty)
        #expect(try await fixture.take(first) == [work])
        try await fixture.script("UPDATE bulks SET lease_until = now() - interval '1 s'")
        #expect(try await fixture.take(second) == [work])
        #expect(try await fixture.store.setBulkState(.paused, of: bulk.id) == .done)
        try await fixture.store.settleBulk(work)
        let changed = try #require(try await fixture.take(second).first)
        #expect(changed.state == .paused && changed.revision > work.revision)
        try await fixture.store.settleBulk(changed)
        try await fixture.store.releaseBulks(node: second)
        #expect(try await fixture.take(first).isEmpty)
      }
    }

    @Test("a pause takes what waits from the sender and a cancellation ends it; a canceled bulk stays so")
    func changes() async throws {
      try await StoreFixture.run { fixture in
        let bulk = fixture.bulk(recipients: 2)
        try await fixture.store.createBulk(bulk)
        for recipient in bulk.recipients { try await fixture.queue(recipient) }
        try await fixture.store.noteRecipients(ofBulk: bulk.id, queued: [0, 1], refused: [])
        #expect(try await fixture.store.waitingSends([Sample.sender], priority: 10, limit: 9) == 2)
        #expect(try await fixture.store.waitingSends([Sample.sender], priority: 20, limit: 9) == 0)
        #expect(try await fixture.store.setBulkState(.paused, of: bulk.id) == .done)
        #expect(try await fixture.claim().isEmpty)
        #expect(try await fixture.store.setBulkState(.running, of: bulk.id) == .done)
        try await fixture.store.freezeBulk(bulk.id)
        #expect(try await fixture.claim().isEmpty)
        #expect(try await fixture.store.setBulkState(.canceled, of: bulk.id) == .done)
        let unsent = try await fixture.store.unsentMessages(ofBulk: bulk.id)
        #expect(Set(unsent) == Set(bulk.recipients.map(\.messageID)))
        for id in unsent {
          guard case .canceled = try await fixture.store.cancel(id, deadline: .seconds(5)) else {
            Issue.record("\(id) was not canceled")
            continue
          }
        }
        #expect(try await fixture.store.bulk(bulk.id)?.counts == [.canceled: 2])
        #expect(try await fixture.store.setBulkState(.running, of: bulk.id) == .refused(.canceled))
        #expect(try await fixture.store.retryFailed(inBulk: bulk.id) == .refused(.canceled))
        #expect(try await fixture.store.setBulkState(.paused, of: fixture.clock.makeIdentifier()) == .notFound)
      }
    }

    @Test(
      "a bulk's messages are counted by their status, however many others stand between them", arguments: [0, 1_000])
    func counts(others: Int) async throws {
      try await StoreFixture.run { fixture in
        var bulk = fixture.bulk(recipients: 6)
        fixture.clock.advance(by: .seconds(1))
        let between = "\(fixture.clock.makeIdentifier())".prefix(24)
        fixture.clock.advance(by: .seconds(1))
        bulk.recipients[3].messageID = fixture.clock.makeIdentifier()
        try await fixture.store.createBulk(bulk)
        for recipient in bulk.recipients.prefix(5) { try await fixture.queue(recipient) }
        try await fixture.store.noteRecipients(ofBulk: bulk.id, queued: [0, 1, 2, 3, 4], refused: [])
        // Also one that is none of the bulk's, and one that went with its contact.
        try await fixture.queue(fixture.outbound())
        for (index, status) in [(0, 40), (1, 42), (2, 30)] {
          try await fixture.script(
            "UPDATE messages SET status = \(status) WHERE id = '\(bulk.recipients[index].messageID)'")
        }
        try await fixture.script(
          """
          UPDATE bulk_recipients SET message_id = '\(between)ffffffffffff' WHERE position = 4;
          INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, status,
            created_at)
          SELECT ('\(between)' || lpad(to_hex(n), 12, '0'))::uuid, m.conversation_id, m.contact_id, 'sms', 'sms',
            false, 'a', 'b', 40, now()
          FROM messages m, generate_series(1, \(others)) n WHERE m.id = '\(bulk.recipients[1].messageID)'
          """)
        let counted = try #require(try await fixture.store.bulk(bulk.id))
        #expect(counted.counts == [.delivered: 1, .failed: 1, .sent: 1, .queued: 1])
        #expect(counted.waiting == 1 && counted.unitsLeft == 4 && counted.refused.count == 1)
      }
    }

    @Test("standings are those of each address, in the order they were asked for")
    func standings() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        try await fixture.store.setOptOut(Address(type: .sms, value: "+1999"), optedOut: true)
        let standings = try await fixture.store.standings(
          of: ["+1000", "+1999", Sample.contact].map { Address(type: .sms, value: $0) }, on: Sample.line)
        #expect(standings.map(\.optedOut) == [[], [.account], []])
        #expect(standings.map { $0.lastInboundAt == nil } == [true, true, false])
        #expect(try await fixture.store.standings(of: [], on: "l").isEmpty)
      }
    }
  }
}

extension StoreFixture {
  /// A bulk of `count` recipients of two parts each, and one that was refused.
  func bulk(recipients count: Int) -> NewBulk {
    NewBulk(
      id: clock.makeIdentifier(), channel: "sms", templateSID: nil,
      recipients: (0..<count).map { index in
        BulkRecipient(
          index: index, address: "+1415555200\(index)", body: "Hi \(index)", variables: ["a": "b"],
          metadata: ["n": "\(index)"], units: 2, messageID: clock.makeIdentifier())
      }, refused: [BulkRefusal(index: count, code: "invalid_address", message: "bad")], createdAt: clock.now())
  }

  func take(_ node: Identifier) async throws -> [BulkWork] {
    try await store.takeBulks(node: node, lease: .seconds(60), limit: 10)
  }

  func queue(_ recipient: BulkRecipient) async throws {
    var record = outbound(to: recipient.address, body: recipient.body ?? "")
    record.id = recipient.messageID
    try await queue(record)
  }
}
