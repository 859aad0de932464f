// People with several names on one channel: a phone number, a user's id, the number in another national form.

import ChannelProtocol
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Aliases of contacts")
  struct AliasTests {
    private static let phone = "+447700900123"
    private static let id = "GB.9F3K2L7Q0X4V8Z1M"

    @Test("who wrote by number and later hides it is the same contact, with both addresses")
    func numberThenID() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.whatsApp("SM1", from: Self.phone, aliases: [Self.id]))
        try await fixture.receive(fixture.whatsApp("SM2", from: Self.id))
        try await fixture.receive(fixture.whatsApp("SM3", from: Self.phone, aliases: [Self.id]))
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
        #expect(
          try await fixture.texts("SELECT address FROM contact_channels ORDER BY id") == [Self.phone, Self.id])
        #expect(try await fixture.number("SELECT count(*) FROM conversations") == 2)
        let told = try await fixture.events(.contactUpdated).map { try $0.json["channels"]?.arrayValue?.count }
        #expect(told == [1, 2], "a new contact, and its second address")
      }
    }

    @Test("who wrote by id first is known again by number, on every node; what was remembered of them is not used")
    func idThenNumber() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        try await fixture.receive(fixture.whatsApp("SM1", from: Self.id), on: 0)
        try await fixture.receive(fixture.whatsApp("SM2", from: Self.phone, aliases: [Self.id]), on: 1)
        try await fixture.receive(fixture.whatsApp("SM3", from: Self.id), on: 0)
        try await fixture.receive(fixture.whatsApp("SM4", from: Self.id, aliases: ["GB.ENT.1"]), on: 1)
        try await fixture.receive(fixture.whatsApp("SM5", from: "GB.ENT.1"), on: 0)
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
        let contacts = try await fixture.store.contacts(ContactQuery(), page: PageRequest()).items
        #expect(contacts.first?.channels.map(\.address) == [Self.id, Self.phone, "GB.ENT.1"])
        let last = try #require(try await fixture.events(.messageNew).last)
        #expect(try last.json["contactId"]?.stringValue == contacts.first?.id.description)
      }
    }

    @Test("several new people under several names in one batch are as many contacts as there are people")
    func oneBatch() async throws {
      try await StoreFixture.run { fixture in
        let records = [
          fixture.whatsApp("SM1", from: Self.phone, aliases: [Self.id]), fixture.whatsApp("SM2", from: Self.id),
          fixture.whatsApp("SM3", from: "+5511987654321", aliases: ["+551187654321"]),
          fixture.whatsApp("SM4", from: "+447700900999", aliases: ["GB.OTHER"]),
        ]
        let context = fixture.store.writing
        try await fixture.store.run { connection in
          _ = try ReceiveInbound(maximumBatch: 9, context: context).execute(records, on: connection)
        }
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 3)
        #expect(try await fixture.number("SELECT count(*) FROM contact_channels") == 4)
        #expect(try await fixture.number("SELECT count(*) FROM contact_aliases") == 3)
        let told = try await fixture.events(.contactUpdated).compactMap { try $0.json["channels"]?.arrayValue?.count }
        #expect(told.sorted() == [1, 1, 2])
      }
    }

    @Test("a message of ours to another name of a contact is theirs")
    func outbound() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.whatsApp("SM1", from: Self.phone, aliases: [Self.id]))
        let sent = try await fixture.queue(fixture.outbound(to: Self.id, type: .whatsapp, channel: "whatsapp"))
        let known = try await fixture.store.messages(MessageQuery(), page: PageRequest()).items
        #expect(Set(known.map(\.contactID)) == [sent.contactID])
      }
    }

    @Test("names go over with a merge, and go with a deleted contact")
    func mergedAndDeleted() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.whatsApp("SM1", from: Self.phone, aliases: [Self.id]))
        try await fixture.receive(fixture.inbound("SM2"))
        let contacts = try await fixture.store.contacts(ContactQuery(), page: PageRequest()).items
        let (other, first) = (contacts[0].id, contacts[1].id)
        _ = try await fixture.store.mergeContact(first, into: other)
        try await fixture.receive(fixture.whatsApp("SM3", from: Self.id))
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
        _ = try await fixture.store.deleteContact(other)
        #expect(try await fixture.number("SELECT count(*) FROM contact_aliases") == 0)
      }
    }
  }
}

extension StoreFixture {
  fileprivate func whatsApp(_ sid: String, from: String, aliases: [String] = []) -> InboundRecord {
    var record = inbound(
      sid, from: from, to: "+14155238886", type: .whatsapp, channel: "whatsapp", profileName: "Alex")
    record.message.aliases = aliases
    return record
  }
}
