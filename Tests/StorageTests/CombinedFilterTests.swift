// Filters of which each has much and all together have little, and what stands behind all that is looked at first.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Combined filters")
  struct CombinedFilterTests {
    @Test(
      "a part of one letter or two is found in names, addresses and attributes, beyond the newest contacts",
      arguments: [
        ("zq", ["Zqaż", "b", nil]), ("Z", ["Zqaż", "b", nil]), ("aż", ["Zqaż"]), ("АЖ", ["аж"]), ("_", ["a_c"]),
        ("a_", ["a_c"]), ("q-z", []), ("%", []),
      ] as [(String, [String?])])
    func shortSearch(search: String, found: [String?]) async throws {
      try await StoreFixture.run { fixture in
        _ = try await fixture.make(ContactProfile(), [Address(type: .messenger, value: "zq")])
        _ = try await fixture.make(ContactProfile(name: "b", attributes: ["x": "ZQ"]), [])
        for name in ["Zqaż", "аж", "a_c"] { _ = try await fixture.make(ContactProfile(name: name), []) }
        // More than are looked at before the index is asked.
        try await fixture.script(
          """
          INSERT INTO contacts (id, name, created_at, updated_at)
            SELECT ('ffffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'hey', now(), now()
            FROM generate_series(1, 2600) n
          """)
        var query = ContactQuery()
        query.search = search
        let names = try await fixture.store.contacts(query, page: PageRequest()).items.map(\.name)
        #expect(Set(names) == Set(found) && names.count == found.count, "\(names)")
      }
    }

    @Test("filters that each have much and together little find all of it, beyond what is looked at first")
    func combinations() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.script(
          """
          INSERT INTO contacts (id, name, labels, created_at, updated_at)
            SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END,
              CASE WHEN n % 2 = 0 OR n = 1 THEN ARRAY['late'] ELSE '{}' END, now(), now() FROM generate_series(1, 7000) n;
          INSERT INTO contact_channels (id, contact_id, type, address, created_at)
            SELECT gen_random_uuid(), c.id, CASE WHEN c.name = 'odd' THEN 'messenger' ELSE 'sms' END, 'a' || c.id, now()
            FROM contacts c;
          """)
        func found(_ change: (inout ContactQuery) -> Void) async throws -> Int {
          var query = ContactQuery()
          change(&query)
          return try await fixture.store.contacts(query, page: PageRequest()).items.count
        }
        #expect(try await found { ($0.label, $0.channel) = ("late", "messenger") } == 1)
        #expect(try await found { ($0.label, $0.search) = ("late", "odd") } == 1)
        #expect(try await found { ($0.channel, $0.search) = ("messenger", "even") } == 0)
        #expect(try await found { ($0.label, $0.channel, $0.search) = ("late", "messenger", "odd") } == 1)
        #expect(try await found { ($0.label, $0.search) = ("none", "odd") } == 0)
        #expect(try await found { $0.channel = "rcs" } == 0)
      }
    }

    @Test("who is found by two addresses is one of a page, not two: the search is walked to its end")
    func twoAddresses() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.script(
          """
          INSERT INTO contacts (id, name, created_at, updated_at)
            SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'two', now(), now()
            FROM generate_series(1, 60) n;
          INSERT INTO contact_channels (id, contact_id, type, address, created_at)
            SELECT gen_random_uuid(), c.id, t, '+1415555' || right(c.id::text, 4), now()
            FROM contacts c, unnest(ARRAY['sms', 'whatsapp']) AS t;
          INSERT INTO contacts (id, name, created_at, updated_at)
            SELECT ('ffffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'hey', now(), now()
            FROM generate_series(1, 2600) n
          """)
        var query = ContactQuery()
        query.search = "1415555"
        var found: [Identifier] = []
        var page = PageRequest(limit: 50)
        repeat {
          let answer = try await fixture.store.contacts(query, page: page)
          found += answer.items.map(\.id)
          page.cursor = answer.next
        } while page.cursor != nil && found.count < 200
        #expect(found.count == 60 && Set(found).count == 60)
      }
    }

    @Test("a channel that few messages and conversations have is found by its id or its type, behind all others")
    func fewOfAChannel() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", type: .whatsapp, channel: "wa-support"))
        try await fixture.receive(fixture.inbound("SM2", from: "+14155559998", type: .mms, channel: "mms"))
        try await fixture.script(
          """
          INSERT INTO contacts (id, name, created_at, updated_at)
            SELECT gen_random_uuid(), 'hay ' || n, now(), now() FROM generate_series(1, 3000) n;
          INSERT INTO conversations
              (id, contact_id, channel, channel_type, address, line, last_activity_at, created_at, updated_at)
            SELECT gen_random_uuid(), c.id, 'sms', 'sms', c.name, 'l', now() + interval '1 hour', now(), now()
            FROM contacts c WHERE c.name LIKE 'hay %';
          INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body,
            status, created_at)
          SELECT ('ffffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, m.conversation_id, m.contact_id, 'sms',
            'sms', true, 'a', 'b', 'hello', 60, now() FROM messages m, generate_series(1, 3000) n WHERE m.provider_sid = 'SM1'
          """)
        for (channel, sids) in [
          ("whatsapp", ["SM1"]), ("wa-support", ["SM1"]), ("mms", ["SM2"]), ("rcs", []),
        ] {
          var messages = MessageQuery()
          messages.channel = channel
          #expect(
            try await fixture.store.messages(messages, page: PageRequest()).items.map(\.providerSID) == sids,
            "\(channel)")
          messages.search = "hello"
          #expect(
            try await fixture.store.messages(messages, page: PageRequest()).items.map(\.providerSID) == sids,
            "\(channel)")
          messages.direction = .inbound
          messages.statuses = [.received]
          #expect(
            try await fixture.store.messages(messages, page: PageRequest()).items.map(\.providerSID) == sids,
            "\(channel)")
          var conversations = ConversationQuery()
          conversations.channel = channel
          #expect(
            try await fixture.store.conversations(conversations, page: PageRequest()).items.count == sids.count,
            "\(channel)")
        }
      }
    }

    @Test("messages of the type that most have are found also where few have it, by the type and by an id of that name")
    func fewOfTheUsual() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", type: .mms, channel: "sms"))
        for sid in ["SM2", "SM3"] { try await fixture.receive(fixture.inbound(sid, from: "+14155559998")) }
        try await fixture.receive(fixture.inbound("SM4", type: .whatsapp, channel: "sms"))
        try await fixture.receive(fixture.inbound("SM5", type: .whatsapp, channel: "wa"))
        try await fixture.script(
          """
          INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body,
            status, created_at)
          SELECT ('ffffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, m.conversation_id, m.contact_id, 'wa',
            'whatsapp', true, 'a', 'b', 'hello', 60, now() FROM messages m, generate_series(1, 3000) n
          WHERE m.provider_sid = 'SM5'
          """)
        var query = MessageQuery()
        query.channel = "sms"
        var found: [String?] = []
        var page = PageRequest(limit: 3)
        repeat {
          let answer = try await fixture.store.messages(query, page: page)
          found += answer.items.map(\.providerSID)
          page.cursor = answer.next
        } while page.cursor != nil
        #expect(found == ["SM4", "SM3", "SM2", "SM1"])
        query.direction = .inbound
        query.until = fixture.clock.now() + .seconds(60)
        #expect(
          try await fixture.store.messages(query, page: PageRequest()).items.map(\.providerSID) == found)
      }
    }

    @Test("a page of several parts of the inbox leaves out none that is newer than its last, whatever part that is in")
    func partsOfTheInbox() async throws {
      try await StoreFixture.run { fixture in
        // Two archived ones that are old, as many as fill a page and show that there is another; then open ones: more of
        // them before the first needle than are looked at first.
        try await fixture.script(
          """
          INSERT INTO contacts (id, name, created_at, updated_at)
            SELECT gen_random_uuid(), CASE WHEN n <= 600 AND n > 0 THEN 'hay ' ELSE 'needle ' END || n, now(), now()
            FROM generate_series(0, 603) n;
          INSERT INTO conversations (id, contact_id, channel, channel_type, address, line, archived, last_activity_at,
              created_at, updated_at)
            SELECT gen_random_uuid(), c.id, 'sms', 'sms', c.name, 'l', c.name IN ('needle 0', 'needle 603'),
              now() - substring(c.name from '\\d+$')::int * interval '1 minute'
                - CASE WHEN c.name IN ('needle 0', 'needle 603') THEN interval '1 day' ELSE '0' END, now(), now()
            FROM contacts c
          """)
        var query = ConversationQuery()
        query.search = "needle"
        let page = try await fixture.store.conversations(query, page: PageRequest(limit: 1))
        #expect(page.items.map(\.contact.name) == ["needle 601"])
        let rest = try await fixture.store.conversations(query, page: PageRequest(limit: 5, cursor: page.next))
        #expect(rest.items.map(\.contact.name) == ["needle 602", "needle 0", "needle 603"])
      }
    }

    @Test("who got, gave or lost an address is found by what there is of it now, and by its kind")
    func addresses() async throws {
      try await StoreFixture.run { fixture in
        let first = try await fixture.make(ContactProfile(name: "first"), [Address(type: .sms, value: "+1001")])
        let second = try await fixture.make(
          ContactProfile(name: "second"), [Address(type: .messenger, value: "page-2")])
        func found(_ search: String, _ channel: String? = nil) async throws -> [String?] {
          var query = ContactQuery()
          (query.search, query.channel) = (search, channel)
          return try await fixture.store.contacts(query, page: PageRequest()).items.map(\.name)
        }
        #expect(try await found("+1001", "sms") == ["first"])
        #expect(try await found("+1001", "messenger") == [])
        _ = try await fixture.store.addContactChannel(Address(type: .whatsapp, value: "+1002"), to: first.id)
        #expect(try await found("+1002", "whatsapp") == ["first"])
        _ = try await fixture.store.mergeContact(first.id, into: second.id)
        #expect(try await found("+100", "sms") == ["second"])
        #expect(try await found("page-2", "whatsapp") == ["second"])
        let channels = try #require(try await fixture.store.contact(second.id)).channels
        let lost = try #require(channels.first { $0.address == "+1002" })
        _ = try await fixture.store.removeContactChannel(lost.id, from: second.id)
        #expect(try await found("+1002") == [])
        #expect(try await found("page-2", "whatsapp") == [])
        #expect(try await found("+1001", "messenger") == ["second"])
      }
    }

    @Test("a page that takes several looks at the rows sees them all at one moment")
    func snapshot() async throws {
      try await StoreFixture.run { fixture in
        var contacts = ContactQuery()
        contacts.search = "needle"
        var messages = MessageQuery()
        messages.search = "needle"
        let (people, texts) = (
          ContactFilter(contacts, page: PageRequest()), MessageFilter(messages, page: PageRequest())
        )
        for (steps, parameters) in [(people.steps, people.parameters), (texts.steps, texts.parameters)] {
          let isolation = try await fixture.store.run { connection in
            _ = try steps.rows(parameters, wanted: 51, on: connection)
            return try connection.execute(Statement("isolation", "SHOW transaction_isolation")).single().text(0)
          }
          #expect(isolation == "repeatable read")
        }
      }
    }
  }
}
