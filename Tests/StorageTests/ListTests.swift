// Lists: filters, order, and pages that hold still.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Lists")
  struct ListTests {
    @Test("pages of messages show each message once although new ones come in between")
    func stablePaging() async throws {
      try await StoreFixture.run { fixture in
        var expected: [Identifier] = []
        for index in 0..<25 {
          let record = fixture.inbound(
            "SM\(index)", media: index == 3 ? [InboundMedia(url: "u", contentType: nil)] : [])
          try await fixture.receive(record)
          expected.insert(record.id, at: 0)
        }
        var seen: [Identifier] = []
        var cursor: PageCursor?
        repeat {
          let page = try await fixture.store.messages(MessageQuery(), page: PageRequest(limit: 7, cursor: cursor))
          seen += page.items.map(\.id)
          // Through its text, as a client carries it.
          cursor = page.next.flatMap { PageCursor($0.description) }
          #expect(page.next == cursor)
          try await fixture.receive(fixture.inbound("SM-late-\(seen.count)"))
        } while cursor != nil
        #expect(seen == expected)
        let whole = try await fixture.store.messages(MessageQuery(), page: PageRequest(limit: 100))
        #expect(whole.items.count == 25 + 4 && whole.next == nil)
        #expect(whole.items.filter { !$0.media.isEmpty }.count == 1)
        let exact = try await fixture.store.messages(MessageQuery(), page: PageRequest(limit: 29))
        #expect(exact.items.count == 29 && exact.next == nil)
      }
    }

    @Test("every filter of the message list selects what it names")
    func messageFilters() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1"))
        try await fixture.receive(fixture.inbound("SM2", from: "+14155550101", type: .mms, channel: "mms-1"))
        let middle = fixture.clock.now()
        fixture.clock.advance(by: .seconds(1))
        try await fixture.send("SM3")
        try await fixture.queue(fixture.outbound(to: "+14155550101", type: .whatsapp, channel: "wa"))
        let all = try await fixture.store.messages(MessageQuery(), page: PageRequest()).items
        try #require(all.count == 4)
        func found(_ change: (inout MessageQuery) -> Void) async throws -> [String] {
          var query = MessageQuery()
          change(&query)
          let page = try await fixture.store.messages(query, page: PageRequest())
          return page.items.map { $0.providerSID ?? "none" }
        }
        #expect(try await found { _ in } == ["none", "SM3", "SM2", "SM1"])
        #expect(try await found { $0.conversation = all[1].conversationID } == ["SM3", "SM1"])
        #expect(try await found { $0.contact = all[2].contactID } == ["SM2"])
        #expect(try await found { $0.channel = "sms" } == ["SM3", "SM1"])
        #expect(try await found { $0.channel = "mms" } == ["SM2"])
        #expect(try await found { $0.channel = "mms-1" } == ["SM2"])
        #expect(try await found { $0.channel = "wa" } == ["none"])
        #expect(try await found { $0.direction = .outbound } == ["none", "SM3"])
        #expect(try await found { $0.statuses = [.received] } == ["SM2", "SM1"])
        #expect(try await found { $0.statuses = [.accepted, .queued] } == ["none", "SM3"])
        #expect(try await found { $0.providerSID = "SM2" } == ["SM2"])
        #expect(try await found { $0.since = middle } == ["none", "SM3"])
        #expect(try await found { $0.until = middle } == ["SM2", "SM1"])
        #expect(
          try await found {
            $0.since = all[1].createdAt; $0.until = all[0].createdAt
          } == ["SM3"])
        #expect(
          try await found {
            $0.conversation = all[1].conversationID
            $0.direction = .inbound
            $0.statuses = [.received]
            $0.channel = "sms"
          } == ["SM1"])
      }
    }

    @Test("conversations stand by their newest activity, with pages that follow each other")
    func conversationOrder() async throws {
      try await StoreFixture.run { fixture in
        for index in 0..<5 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index)")) }
        try await fixture.receive(fixture.inbound("SM-again", from: "+14155551001", body: "again"))
        var cursor: PageCursor?
        var seen: [String] = []
        repeat {
          let page = try await fixture.store.conversations(
            ConversationQuery(), page: PageRequest(limit: 2, cursor: cursor))
          seen += page.items.compactMap { $0.contact.channels.first?.address.suffix(1).description }
          cursor = page.next.flatMap { PageCursor($0.description) }
        } while cursor != nil
        #expect(seen == ["1", "4", "3", "2", "0"])
        let first = try await fixture.store.conversations(ConversationQuery(), page: PageRequest(limit: 1)).items.first
        #expect(first?.lastMessage?.body == "again" && first?.unreadCount == 2)
      }
    }

    @Test("every filter of the conversation list selects what it names")
    func conversationFilters() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM0", from: "+14155551000"))
        try await fixture.receive(fixture.inbound("SM1", from: "+14155551001", type: .whatsapp, channel: "wa"))
        try await fixture.queue(fixture.outbound(to: "+14155551002"))
        try await fixture.script("UPDATE conversations SET archived = true WHERE address = '+14155551001'")
        func found(_ query: ConversationQuery) async throws -> [String] {
          let page = try await fixture.store.conversations(query, page: PageRequest())
          return page.items.compactMap { $0.contact.channels.first?.address.suffix(1).description }
        }
        func query(_ change: (inout ConversationQuery) -> Void) -> ConversationQuery {
          var query = ConversationQuery()
          change(&query)
          return query
        }
        #expect(try await found(query { $0.status = .archived }) == ["1"])
        #expect(try await found(query { $0.status = .open }) == ["2", "0"])
        #expect(try await found(query { $0.channel = "wa" }) == ["1"])
        #expect(try await found(query { $0.channel = "sms" }) == ["2", "0"])
        #expect(try await found(query { $0.unread = true }) == ["1", "0"])
        #expect(try await found(query { $0.unread = false }) == ["2"])
        #expect(
          try await found(
            query {
              $0.unread = true; $0.status = .open; $0.channel = "sms"
            }) == ["0"])
      }
    }

    @Test("contacts are found by a part of their name or address, taken as it is, by type and by label")
    func contactSearch() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM0", from: "+14155551000", profileName: "Ada 100%"))
        try await fixture.receive(
          fixture.inbound("SM1", from: "ada_bot", type: .whatsapp, channel: "wa", profileName: "Bob"))
        try await fixture.receive(fixture.inbound("SM2", from: "+14155551002", profileName: "ADA"))
        try await fixture.script(
          "UPDATE contacts SET labels = '{vip,late}', attributes = '{\"n\": 1.5}' WHERE name = 'Bob'")
        func found(_ change: (inout ContactQuery) -> Void, limit: Int = 50) async throws -> [String?] {
          var query = ContactQuery()
          change(&query)
          return try await fixture.store.contacts(query, page: PageRequest(limit: limit)).items.map(\.name)
        }
        #expect(try await found { _ in } == ["ADA", "Bob", "Ada 100%"])
        #expect(try await found { $0.search = "ada" } == ["ADA", "Bob", "Ada 100%"])
        #expect(try await found { $0.search = "0%" } == ["Ada 100%"])
        #expect(try await found { $0.search = "a_b" } == ["Bob"])
        #expect(try await found { $0.search = "5551002" } == ["ADA"])
        #expect(try await found { $0.channel = "mms" } == ["ADA", "Ada 100%"])
        #expect(try await found { $0.label = "vip" } == ["Bob"])
        #expect(
          try await found {
            $0.label = "vip"; $0.search = "zzz"
          } == [])
        let first = try await fixture.store.contacts(ContactQuery(), page: PageRequest(limit: 2))
        let rest = try await fixture.store.contacts(ContactQuery(), page: PageRequest(limit: 2, cursor: first.next))
        #expect(rest.items.map(\.name) == ["Ada 100%"] && rest.next == nil)
        #expect(first.items.last?.attributes == ["n": 1.5] && first.items.last?.labels == ["vip", "late"])
      }
    }

    @Test("the channel a contact was last spoken to on is the newest of the types asked for")
    func lastChannel() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM0"))
        try await fixture.receive(fixture.inbound("SM1", type: .whatsapp, channel: "wa"))
        let store = fixture.store
        #expect(try await store.lastChannel(of: Sample.contact, types: [.sms, .mms, .whatsapp]) == "wa")
        #expect(try await store.lastChannel(of: Sample.contact, types: [.mms]) == "sms")
        #expect(try await store.lastChannel(of: "+1", types: [.sms]) == nil)
      }
    }

    @Test("a page cursor is read back from its text, and from nothing else", arguments: [nil, Int64(0), -5, .max])
    func pageCursor(microseconds: Int64?) throws {
      let cursor = PageCursor(
        id: SystemClock().makeIdentifier(), time: microseconds.map { Timestamp(microseconds: $0) })
      #expect(PageCursor(cursor.description) == cursor)
      var walk = cursor
      walk.start = microseconds
      #expect(PageCursor(walk.description) == walk)
      for text in ["", ".", "x", "\(cursor.id).", "\(cursor.id).1.2.3", "\(cursor.id).x", " \(cursor.id)"] {
        #expect(PageCursor(text) == nil, "\(text)")
      }
    }

    @Test("a key is found by its hash until it expires")
    func keys() async throws {
      try await StoreFixture.run { fixture in
        let now = SystemClock().now()
        for (index, expiry) in [nil, now + .seconds(60), now - .seconds(60)].enumerated() {
          try await fixture.store.createKey(
            APIKey(
              id: fixture.clock.makeIdentifier(), name: "k\(index)", scopes: [.read, .send], expiresAt: expiry,
              createdAt: now), hash: [UInt8(index)])
        }
        #expect(try await fixture.store.key(hash: [0])?.scopes == [.read, .send])
        #expect(try await fixture.store.key(hash: [1])?.name == "k1")
        #expect(try await fixture.store.key(hash: [2]) == nil)
        #expect(try await fixture.store.key(hash: [3]) == nil)
        let twice = APIKey(id: fixture.clock.makeIdentifier(), name: "k", scopes: [], createdAt: now)
        #expect(await failure { try await fixture.store.createKey(twice, hash: [0]) }?.sqlState == .uniqueViolation)
      }
    }
  }
}
