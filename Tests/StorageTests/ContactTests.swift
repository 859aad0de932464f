// Contacts as the API changes them: each change is whole, told once, and keeps to whom an address belongs.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Contacts")
  struct ContactTests {
    @Test("a contact is made with its addresses, and an address that is taken makes nothing")
    func creation() async throws {
      try await StoreFixture.run { fixture in
        let made = try await fixture.make(
          ContactProfile(name: "Ada", attributes: ["plan": "gold", "n": 1.5], labels: ["vip"]),
          [Address(type: .sms, value: "+14155550100"), Address(type: .whatsapp, value: "+14155550100")])
        #expect(made.name == "Ada" && made.labels == ["vip"] && made.attributes["n"] == 1.5)
        #expect(Set(made.channels.map(\.type)) == [.sms, .whatsapp])
        #expect(try await fixture.store.contact(made.id) == made)
        #expect(try await fixture.events(.contactUpdated).map { try $0.json["name"] } == ["Ada"])
        let second = try await fixture.store.createContact(
          NewContact(
            id: fixture.clock.makeIdentifier(), profile: ContactProfile(),
            addresses: [Address(type: .sms, value: "+14155550199"), Address(type: .sms, value: "+14155550100")]))
        #expect(second == .addressTaken(Address(type: .sms, value: "+14155550100"), by: made.id))
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
        #expect(try await fixture.number("SELECT count(*) FROM contact_channels") == 2)
        #expect(try await fixture.make(ContactProfile(), []).channels.isEmpty)
      }
    }

    @Test("the same address given to two new contacts at once is given to one of them")
    func creationRace() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let address = Address(type: .sms, value: "+14155550100")
        let outcomes = try await withThrowingTaskGroup(of: ContactOutcome.self) { group in
          for index in 0..<20 {
            let contact = NewContact(
              id: fixture.clock.makeIdentifier(), profile: ContactProfile(), addresses: [address])
            group.addTask { try await fixture.stores[index % 2].createContact(contact) }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        let made = outcomes.filter { if case .done = $0 { true } else { false } }
        #expect(made.count == 1 && outcomes.count == 20)
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
      }
    }

    @Test("a replaced profile empties what is left out, moves the contact's time and is seen by whoever remembers it")
    func replacement() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", profileName: "Ada"))
        let contact = try #require(try await fixture.store.contacts(ContactQuery(), page: PageRequest()).items.first)
        let outcome = try await fixture.store.replaceContact(contact.id, with: ContactProfile(labels: ["late"]))
        let replaced = try outcome.contact()
        #expect(replaced.name == nil && replaced.labels == ["late"] && replaced.attributes.isEmpty)
        #expect(replaced.updatedAt > contact.updatedAt)
        // The node that took the first message remembers the contact as it was.
        try await fixture.receive(fixture.inbound("SM2"))
        let told = try await fixture.events(.conversationUpdated).last
        #expect(try told?.json["contact"]?["labels"] == ["late"])
        let nobody = fixture.clock.makeIdentifier()
        #expect(try await fixture.store.replaceContact(nobody, with: ContactProfile()) == .notFound)
        #expect(try await fixture.events(.contactUpdated).count == 2)
      }
    }

    @Test("an address is added to one contact only, and shows an opt-out that is older than it")
    func addedAddress() async throws {
      try await StoreFixture.run { fixture in
        let address = Address(type: .whatsapp, value: "+14155550177")
        try await fixture.store.setOptOut(address, optedOut: true)
        let first = try await fixture.make(ContactProfile(name: "A"), [])
        let second = try await fixture.make(ContactProfile(name: "B"), [])
        let added = try await fixture.store.addContactChannel(address, to: first.id).contact()
        #expect(added.channels.map(\.optedOut) == [true] && added.updatedAt > first.updatedAt)
        #expect(
          try await fixture.store.addContactChannel(address, to: second.id) == .addressTaken(address, by: first.id))
        let nobody = fixture.clock.makeIdentifier()
        #expect(try await fixture.store.addContactChannel(Address(type: .sms, value: "+1"), to: nobody) == .notFound)
      }
    }

    @Test("an address without conversations goes; one with conversations becomes a contact of its own with them")
    func removedAddress() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", profileName: "Ada"))
        let ada = try #require(try await fixture.store.contacts(ContactQuery(), page: PageRequest()).items.first)
        let both = try await fixture.store.addContactChannel(Address(type: .whatsapp, value: "+1999"), to: ada.id)
          .contact()
        let spoken = try #require(both.channels.first { $0.type == .sms })
        let silent = try #require(both.channels.first { $0.type == .whatsapp })
        let left = try await fixture.store.removeContactChannel(silent.id, from: ada.id).contact()
        #expect(left.channels.map(\.id) == [spoken.id])
        #expect(try await fixture.store.removeContactChannel(silent.id, from: ada.id) == .notFound)
        #expect(try await fixture.store.removeContactChannel(spoken.id, from: ada.id).contact().channels.isEmpty)
        let message = try #require(try await fixture.store.messages(MessageQuery(), page: PageRequest()).items.first)
        #expect(message.contactID != ada.id)
        let owner = try #require(try await fixture.store.contact(message.contactID))
        #expect(owner.name == "Ada" && owner.channels.map(\.id) == [spoken.id])
        #expect(
          try await fixture.events(.conversationUpdated).last?.json["contact"]?["id"]?.stringValue == "\(owner.id)")
        // What comes in now is the new contact's.
        try await fixture.receive(fixture.inbound("SM2"))
        #expect(try await fixture.number("SELECT count(DISTINCT contact_id) FROM messages") == 1)
      }
    }

    @Test("two contacts become one that has the addresses, conversations, messages and labels of both")
    func merging() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", from: "+14155550101", profileName: "Ada"))
        try await fixture.receive(fixture.inbound("SM2", from: "+14155550102", profileName: "A. L."))
        let people = try await fixture.store.contacts(ContactQuery(), page: PageRequest()).items
        let (from, into) = (people[0], people[1])
        _ = try await fixture.store.replaceContact(
          from.id, with: ContactProfile(name: "A. L.", attributes: ["a": 1, "b": 1], labels: ["x", "y"]))
        _ = try await fixture.store.replaceContact(
          into.id, with: ContactProfile(attributes: ["b": 2], labels: ["y", "z"]))
        let merged = try await fixture.store.mergeContact(from.id, into: into.id).contact()
        #expect(merged.id == into.id && merged.name == "A. L.")
        #expect(merged.attributes == ["a": 1, "b": 2] && merged.labels == ["y", "z", "x"])
        #expect(Set(merged.channels.map(\.address)) == ["+14155550101", "+14155550102"])
        #expect(try await fixture.store.contact(from.id) == nil)
        var query = MessageQuery()
        query.contact = into.id
        #expect(try await fixture.store.messages(query, page: PageRequest()).items.count == 2)
        let gone = try await fixture.events(.contactDeleted)
        #expect(try gone.map { try $0.json["mergedInto"]?.stringValue } == ["\(into.id)"])
        #expect(try await fixture.store.mergeContact(from.id, into: into.id) == .notFound)
        // Both were remembered by this node.
        try await fixture.receive(fixture.inbound("SM3", from: "+14155550101"))
        try await fixture.receive(fixture.inbound("SM4", from: "+14155550102"))
        #expect(try await fixture.store.messages(query, page: PageRequest()).items.count == 4)
      }
    }

    @Test("a deleted contact takes its conversations, messages, files, history and sends with it; the opt-out stays")
    func deletion() async throws {
      try await StoreFixture.run { fixture in
        let file = InboundMedia(url: "u", contentType: nil)
        try await fixture.receive(fixture.inbound("SM1", media: [file]))
        try await fixture.receive(fixture.inbound("SM2", from: "+14155550102"))
        try await fixture.send("SM3")
        try await fixture.apply(.callback("sent", sid: "SM3", at: fixture.clock.now()))
        try await fixture.queue(fixture.outbound())
        let address = Address(type: .sms, value: Sample.contact)
        try await fixture.store.setOptOut(address, optedOut: true)
        let id = try #require(try await fixture.texts("SELECT contact_id FROM contact_channels WHERE opted_out").first)
        let contact = try #require(Identifier(id))
        #expect(try await fixture.store.deleteContact(contact))
        #expect(try await fixture.store.deleteContact(contact) == false)
        for (table, left) in [
          ("contacts", 1), ("conversations", 1), ("messages", 1), ("media", 0), ("status_events", 0), ("outbox", 0),
        ] { #expect(try await fixture.number("SELECT count(*) FROM \(table)") == left, "\(table)") }
        #expect(try await fixture.store.optedOutScopes(of: address) == [.account])
        #expect(try await fixture.events(.contactDeleted).map { try $0.json["id"]?.stringValue } == [id])
        // Who writes again is new, and still opted out.
        try await fixture.receive(fixture.inbound("SM4"))
        let again = try await fixture.store.contacts(ContactQuery(), page: PageRequest(limit: 1)).items[0]
        #expect(again.id != contact && again.channels[0].optedOut)
      }
    }
  }
}

extension StoreFixture {
  func make(_ profile: ContactProfile, _ addresses: [Address]) async throws -> Contact {
    try await store.createContact(
      NewContact(id: clock.makeIdentifier(), profile: profile, addresses: addresses)
    ).contact()
  }
}

extension ContactOutcome {
  /// The contact, where it was done.
  func contact() throws -> Contact {
    guard case .done(let contact) = self else { throw PostgresError(.unexpectedResult, "\(self)") }
    return contact
  }
}
