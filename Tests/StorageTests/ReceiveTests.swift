// The way in, through the store.

import ChannelProtocol
import Foundation
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Messages from contacts")
  struct ReceiveTests {
    @Test("a first message makes its contact and conversation, and tells all three in order")
    func firstMessage() async throws {
      try await StoreFixture.run { fixture in
        let record = fixture.inbound("SM1", body: "Grüße 👋", profileName: "Ada")
        #expect(try await fixture.receive(record) == .stored)
        let events = try await fixture.events()
        #expect(events.map(\.type) == [.contactUpdated, .messageNew, .conversationUpdated])
        #expect(events.map(\.channel) == ["sms", "sms", "sms"])
        let contact = try events[0].json
        let message = try events[1].json
        let conversation = try events[2].json
        #expect(contact["name"]?.stringValue == "Ada")
        #expect(contact["channels"]?.arrayValue?.first?["address"]?.stringValue == Sample.contact)
        #expect(
          contact["channels"]?.arrayValue?.first?["lastInboundAt"]?.stringValue == "\(record.message.receivedAt)")
        #expect(message["id"]?.stringValue == "\(record.id)")
        #expect(message["body"]?.stringValue == "Grüße 👋")
        #expect(message["status"]?.stringValue == "received")
        #expect(message["direction"]?.stringValue == "inbound")
        #expect(message["providerSid"]?.stringValue == "SM1")
        #expect(message["content"]?["kind"]?.stringValue == "text")
        #expect(message["createdAt"]?.stringValue == "\(record.message.receivedAt)")
        #expect(message["contactId"] == contact["id"])
        #expect(message["conversationId"] == conversation["id"])
        #expect(events[1].conversationID.map { "\($0)" } == conversation["id"]?.stringValue)
        #expect(conversation["unreadCount"]?.integerValue == 1)
        #expect(conversation["lastMessage"] == message)
        #expect(conversation["contact"] == contact)
        #expect(conversation["window"] == .null)
      }
    }

    @Test("a new contact is written once, with what its addresses come to")
    func newContactIsWrittenOnce() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        #expect(try await fixture.texts("SELECT ctid FROM contacts") == ["(0,1)"])
        #expect(try await fixture.texts("SELECT types FROM contacts") == ["{sms}"])
        #expect(try await fixture.texts("SELECT addresses FROM contacts") == [Sample.contact])
      }
    }

    @Test("what an event shows is what the store reads back")
    func eventEqualsRow() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(
          fixture.inbound(
            "SM1", from: "US.13491208655302741918", type: .whatsapp, channel: "wa", body: nil,
            content: Content(.location(Location(latitude: 1.5, longitude: -2, label: "x")), forwarded: true),
            media: [InboundMedia(url: "https://api.example/1", contentType: "image/png", filename: "a.png")]))
        let events = try await fixture.events()
        let id = try #require(Identifier(events[1].json["id"]?.stringValue ?? ""))
        let detail = try #require(try await fixture.store.message(id))
        var writer = JSONWriter()
        detail.message.write(to: &writer)
        #expect(writer.string == String(decoding: events[1].data, as: UTF8.self))
        #expect(detail.raw == Array("{\"MessageSid\":\"SM1\"}".utf8))
        #expect(detail.history.map(\.status) == [.received])
        let conversation = try #require(try await fixture.store.conversation(detail.message.conversationID))
        #expect(try events[2].json["window"]?["open"]?.boolValue == true)
        #expect(conversation.windowExpiresAt == detail.message.createdAt + .seconds(86_400))
        #expect(try await fixture.store.contact(detail.message.contactID) == conversation.contact)
      }
    }

    @Test("the same SID is stored, told and counted once, whatever else the second one says")
    func duplicates() async throws {
      try await StoreFixture.run { fixture in
        let first = try await fixture.receive(fixture.inbound("SM1", body: "one"))
        #expect(first == .stored)
        #expect(try await fixture.receive(fixture.inbound("SM1", body: "one")) == .duplicate)
        #expect(try await fixture.receive(fixture.inbound("SM1", body: "two")) == .duplicate)
        #expect(try await fixture.texts("SELECT body FROM messages") == ["one"])
        #expect(try await fixture.number("SELECT sum(unread_count) FROM conversations") == 1)
        #expect(try await fixture.events().count == 3)
      }
    }

    @Test("the same SIDs from two nodes at once are stored, told and counted once")
    func concurrentDuplicates() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let outcomes = try await withThrowingTaskGroup(of: InboundOutcome.self) { group in
          for index in 0..<200 {
            for node in 0..<2 {
              let record = fixture.inbound("SM\(index)", from: "+1415555\(1_000 + index % 40)")
              group.addTask { try await fixture.receive(record, on: node) }
            }
          }
          return try await group.reduce(into: [InboundOutcome]()) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == .stored }.count == 200)
        #expect(try await fixture.number("SELECT count(*) FROM messages") == 200)
        #expect(try await fixture.number("SELECT sum(unread_count) FROM conversations") == 200)
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 40)
        let told = try await fixture.events(.messageNew).map { try $0.json["providerSid"]?.stringValue }
        #expect(told.count == 200 && Set(told).count == 200)
        #expect(try await fixture.events(.contactUpdated).count == 40)
      }
    }

    @Test("four nodes that meet the same new contacts on many lines lose none of their messages")
    func racingContacts() async throws {
      try await StoreFixture.run(stores: 4) { fixture in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for index in 0..<240 {
            let record = fixture.inbound(
              "SM\(index)", from: "+1415555\(2_000 + index / 12)", to: "+1500555000\(index % 3)")
            group.addTask { try await fixture.receive(record, on: index % 4) }
          }
          try await group.waitForAll()
        }
        #expect(try await fixture.number("SELECT count(*) FROM messages") == 240)
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 20)
        #expect(try await fixture.number("SELECT count(*) FROM contact_channels") == 20)
        #expect(try await fixture.number("SELECT count(*) FROM conversations") == 60)
      }
    }

    @Test("SMS and MMS share a contact and a conversation; each message says which it was")
    func mmsSharesConversation() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        try await fixture.receive(fixture.inbound("MM1", type: .mms, channel: "mms"))
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
        #expect(try await fixture.texts("SELECT channel_type FROM conversations") == ["sms"])
        #expect(try await fixture.texts("SELECT channel_type FROM messages ORDER BY id") == ["sms", "mms"])
        let conversations = try await fixture.store.conversations(ConversationQuery(), page: PageRequest())
        #expect(conversations.items.first?.unreadCount == 2)
        #expect(conversations.items.first?.channel == "mms")
      }
    }

    @Test("two lines of ours make two conversations with one contact")
    func twoLines() async throws {
      try await StoreFixture.run { fixture in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for index in 0..<8 {
            let record = fixture.inbound("SM\(index)", to: "+1500555000\(index % 2)")
            group.addTask { try await fixture.receive(record) }
          }
          try await group.waitForAll()
        }
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
        #expect(try await fixture.texts("SELECT unread_count FROM conversations ORDER BY line") == ["4", "4"])
      }
    }

    @Test("addresses are the same only byte for byte")
    func addressesByByte() async throws {
      try await StoreFixture.run { fixture in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for (index, address) in ["caf\u{E9}", "cafe\u{301}", "CAF\u{C9}"].enumerated() {
            let record = fixture.inbound("SM\(index)", from: address)
            group.addTask { try await fixture.receive(record) }
          }
          try await group.waitForAll()
        }
        #expect(try await fixture.number("SELECT count(DISTINCT address) FROM conversations") == 3)
        let astray =
          "SELECT count(*) FROM messages m JOIN conversations v ON v.id = m.conversation_id WHERE v.address <> m.sender"
        #expect(try await fixture.number(astray) == 0)
      }
    }

    @Test("a reply finds the message it answers, and a reaction names it")
    func replies() async throws {
      try await StoreFixture.run { fixture in
        let sent = try await fixture.send("SM1")
        try await fixture.receive(fixture.inbound("SM2", replyTo: "SM1"))
        try await fixture.receive(
          fixture.inbound(
            "SM3", body: nil,
            content: Content(.reaction(emoji: "❤️", messageID: nil, providerMessageSID: "SM1")), replyTo: "SM1"))
        try await fixture.receive(fixture.inbound("SM4", replyTo: "SM-nobody"))
        let messages = try await fixture.store.messages(MessageQuery(), page: PageRequest()).items
        #expect(messages.map(\.replyTo) == [nil, sent, sent, nil])
        #expect(messages[1].content.kind == .reaction(emoji: "❤️", messageID: sent, providerMessageSID: "SM1"))
      }
    }

    @Test("files are kept in order, with where they came from")
    func media() async throws {
      try await StoreFixture.run { fixture in
        let record = fixture.inbound(
          "MM1", type: .mms, body: nil, content: Content(.media(caption: nil)),
          media: (0..<10).map { InboundMedia(url: "https://api.example/\($0)", contentType: "image/jpeg") })
        try await fixture.receive(record)
        let message = try #require(try await fixture.store.message(record.id)).message
        #expect(message.media.count == 10)
        #expect(
          message.media.allSatisfy { $0.state == .pending && $0.url == "https://gateway.example/api/media/\($0.id)" })
        let stored = try await fixture.texts("SELECT id || ' ' || provider_url FROM media ORDER BY position")
        #expect(stored == message.media.enumerated().map { "\($0.element.id) https://api.example/\($0.offset)" })
        let told = try #require(try await fixture.events(.messageNew).first).json
        #expect(told["media"]?.arrayValue?.count == 10)
      }
    }

    @Test("a message to a number that no channel names is kept, counted and passed on without a channel")
    func unnamedNumber() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", channel: nil))
        let event = try #require(try await fixture.events(.messageNew).first)
        #expect(event.channel == nil)
        #expect(try event.json["channel"] == .null)
        #expect(
          try await fixture.store.conversations(ConversationQuery(), page: PageRequest()).items.first?.channel == nil)
      }
    }

    @Test("one record that cannot be stored fails alone among a hundred")
    func poison() async throws {
      try await StoreFixture.run { fixture in
        let failures = await withTaskGroup(of: (Int, PostgresError?).self) { group in
          for index in 0..<100 {
            let record = fixture.inbound(
              "SM\(index)", from: "+1415555\(3_000 + index)", body: index == 42 ? "a\u{0}b" : "fine")
            group.addTask { (index, await failure { try await fixture.receive(record) }) }
          }
          return await group.reduce(into: [Int: PostgresError]()) { $0[$1.0] = $1.1 }
        }
        #expect(failures.keys.sorted() == [42])
        #expect(failures[42]?.kind == .invalidValue)
        #expect(failures[42].map { StorageFailure.isPassing($0) } == false)
        let stored = try await fixture.number("SELECT count(*) FROM messages")
        #expect(stored == 99)
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 99)
        #expect(try await fixture.events(.messageNew).count == 99)
      }
    }

    @Test("reading a conversation empties its unread count, once told; a new message reopens an archived one")
    func readAndReopen() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        let id = try #require(try await fixture.events(.messageNew).first?.conversationID)
        #expect(try await fixture.store.markRead(conversation: id)?.unreadCount == 0)
        #expect(try await fixture.store.markRead(conversation: id)?.unreadCount == 0)
        #expect(
          try await fixture.events(.conversationUpdated).map { try $0.json["unreadCount"]?.integerValue } == [1, 0])
        #expect(try await fixture.store.markRead(conversation: fixture.clock.makeIdentifier()) == nil)
        try await fixture.script("UPDATE conversations SET archived = true")
        try await fixture.receive(fixture.inbound("SM2"))
        let conversation = try #require(try await fixture.store.conversation(id))
        #expect(conversation.status == .open && conversation.unreadCount == 1)
      }
    }
  }
}
