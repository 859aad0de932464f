// Searches, filters that an index of their own serves, and pages that hold still while rows come in.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Searches and pages")
  struct SearchTests {
    @Test(
      "a search's words are quoted, and what has neither letter nor digit is no search",
      arguments: [
        ("Hello", ["'Hello':*"], ["%Hello%"]), ("two  words", ["'two'", "'words':*"], ["%two%", "%words%"]),
        ("I'm a\\b", ["'I''m'", "'a\\\\b':*"], ["%I%m%", "%a%b%"]),
        ("ada@example.com", ["'ada@example.com':*"], ["%ada%example%com%"]),
        ("a b c de f", ["'a'", "'b'", "'c'", "'de' & 'f':*"], ["%a%", "%b%", "%c%", "%de%"]),
        ("👍", nil, nil), (" - ' ", nil, nil), ("👍 ok", ["'ok':*"], ["%ok%"]),
      ] as [(String, [String]?, [String]?)])
    func words(text: String, queries: [String]?, patterns: [String]?) {
      #expect(WordSearch(text)?.words.map(\.query) == queries)
      #expect(WordSearch(text)?.words.map(\.pattern) == patterns)
    }

    private static let texts = [
      "Your order 4711 is on its way", "ORDER now: it's 3.50 at shop.example.com", "Пожалуйста, перезвоните",
      "I'm ada@example.com", "re-order the well-known blue one", "nothing", "100% a_b\\c",
    ]

    @Test(
      "messages are found by whole words and their beginnings, in either case, whatever punctuation is among them",
      arguments: [
        ("order", [4, 1, 0]), ("ord", [4, 1, 0]), ("order wa", [0]), ("WAY ord", [0]), ("wa order", []), ("rder", []),
        ("4711", [0]),
        ("3.50", [1]), ("shop.example.com", [1]), ("пожал", [2]), ("ada@example.com", [3]), ("i'm", [3]),
        ("well-known", [4]), ("well-kno", [4]), ("wel-known", []), ("way;order", []), ("order;47", [0]), ("ord;47", []),
        ("re-order wel", [4]), ("re-ord wel", []), ("its way order on is 47", [0]), ("its way order on is way", [0]),
        ("nothing everything", []), ("100%", [6]), ("zzz", []), ("' | !", nil), ("order:*", []),
      ] as [(String, [Int]?)])
    func messageSearch(search: String, found: [Int]?) async throws {
      guard let found else { return #expect(WordSearch(search) == nil) }
      try await StoreFixture.run { fixture in
        for (index, text) in Self.texts.enumerated() {
          try await fixture.receive(fixture.inbound("SM\(index)", body: text))
        }
        var query = MessageQuery()
        query.search = search
        let items = try await fixture.store.messages(query, page: PageRequest()).items
        if search == "order:*" {
          // The signs are none of the words.
          #expect(items.count == 3)
        } else {
          #expect(items.map(\.providerSID) == found.map { "SM\($0)" })
        }
        query.conversation = try await fixture.store.messages(MessageQuery(), page: PageRequest()).items.first?
          .conversationID
        #expect(try await fixture.store.messages(query, page: PageRequest()).items.map(\.id) == items.map(\.id))
        query.direction = .outbound
        #expect(try await fixture.store.messages(query, page: PageRequest()).items.isEmpty)
      }
    }

    @Test("what the newest messages do not hold is found by the index, with every filter and over pages")
    func indexedSearch() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", body: "the needle of old"))
        // More than are searched before the index is asked.
        try await fixture.script(
          """
          INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body,
            status, created_at)
          SELECT ('ffffffff' || substr(m.id::text, 9, 16) || lpad(to_hex(n), 12, '0'))::uuid, m.conversation_id, m.contact_id, 'sms', 'sms',
            true, 'a', 'b', CASE WHEN n <= 3 THEN 'another needle' ELSE 'hay ' || n END, 60, now()
          FROM messages m, generate_series(1, 12000) n
          """)
        var query = MessageQuery()
        query.search = "needle"
        var found: [String] = []
        var cursor: PageCursor?
        repeat {
          let page = try await fixture.store.messages(query, page: PageRequest(limit: 3, cursor: cursor))
          found += page.items.compactMap(\.body)
          cursor = page.next
        } while cursor != nil
        #expect(found.count == 4 && found.last == "the needle of old")
        query.channel = "whatsapp"
        #expect(try await fixture.store.messages(query, page: PageRequest()).items.isEmpty)
      }
    }

    @Test(
      "words that are frequent, each by itself, are found together however rarely they meet, the last by its beginning",
      arguments: [
        ("alpha beta", 4), ("beta alpha", 4), ("alpha be", 4), ("alpha+beta", 3), ("alpha+be", 3), ("beta+alpha", 1),
        ("alpha beta gamma del", 1), ("alpha beta gamma delta epsi", 1), ("alpha nowhere", 0), ("nowhere alp", 0),
        ("meets beta", 1), ("meet alpha", 3), ("alpha+beta meet", 3), ("beta meet+alp", 0),
      ])
    func frequentWords(search: String, count: Int) async throws {
      try await StoreFixture.run { fixture in
        for (index, text) in [
          "alpha beta meet", "Alpha, beta: meets", "beta alpha meet", "alpha beta gamma delta epsilon meet",
        ].enumerated() {
          try await fixture.receive(fixture.inbound("SM\(index)", body: text))
        }
        try await fixture.script(
          """
          INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body,
            status, created_at)
          SELECT ('ffffffff' || substr(m.id::text, 9, 16) || lpad(to_hex(n), 12, '0'))::uuid, m.conversation_id,
            m.contact_id, 'sms', 'sms', true, 'a', 'b',
            (ARRAY['alpha', 'beta', 'gamma', 'delta', 'epsilon'])[1 + n % 5] || ' ' || n, 60, now()
          FROM messages m, generate_series(1, 3000) n WHERE m.provider_sid = 'SM0'
          """)
        var query = MessageQuery()
        query.search = search
        for contact in [nil, try await fixture.store.messages(query, page: PageRequest()).items.first?.contactID] {
          query.contact = contact
          var found: [String] = []
          var page = PageRequest(limit: 2)
          repeat {
            let answer = try await fixture.store.messages(query, page: page)
            found += answer.items.compactMap(\.providerSID)
            page.cursor = answer.next
          } while page.cursor != nil
          #expect(found.count == count && Set(found).count == count, "\(found)")
          #expect(found == found.sorted(by: >))
        }
      }
    }

    @Test("statuses are found by their stage, alone, together and with what came in")
    func statuses() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM0"))
        try await fixture.send("SM1")
        try await fixture.send("SM2")
        try await fixture.send("SM3")
        try await fixture.queue(fixture.outbound())
        try await fixture.apply(.callback("delivered", sid: "SM2", at: fixture.clock.now()))
        try await fixture.apply(.callback("failed", sid: "SM3", error: "30003", at: fixture.clock.now()))
        func found(_ statuses: [DeliveryStatus], _ direction: Direction? = nil) async throws -> [String] {
          var query = MessageQuery()
          query.statuses = statuses
          query.direction = direction
          return try await fixture.store.messages(query, page: PageRequest()).items.map { $0.providerSID ?? "none" }
        }
        #expect(try await found([.accepted]) == ["SM1"])
        #expect(try await found([.sent]) == [])
        #expect(try await found([.delivered]) == ["SM2"])
        #expect(try await found([.failed, .queued, .accepted]) == ["none", "SM3", "SM1"])
        #expect(try await found([.received]) == ["SM0"])
        #expect(try await found([.received, .delivered]) == ["SM2", "SM0"])
        #expect(try await found([.received], .outbound) == [])
        #expect(try await found([], .outbound) == ["none", "SM3", "SM2", "SM1"])
        #expect(try await found([.delivered], .inbound) == [])
      }
    }

    @Test("a list that ends at a time holds what was recovered later, and one that begins at a time what came at it")
    func times() async throws {
      try await StoreFixture.run { fixture in
        let start = fixture.clock.now()
        try await fixture.receive(fixture.inbound("SM1"))
        fixture.clock.advance(by: .seconds(40 * 86_400))
        var late = fixture.inbound("SM-late")
        late.message.recovered = true
        late.message.receivedAt = start + .seconds(3_600)
        try await fixture.receive(late)
        try await fixture.receive(fixture.inbound("SM2"))
        func found(_ change: (inout MessageQuery) -> Void) async throws -> [String] {
          var query = MessageQuery()
          change(&query)
          return try await fixture.store.messages(query, page: PageRequest()).items.compactMap(\.providerSID)
        }
        let middle = start + .seconds(20 * 86_400)
        #expect(try await found { $0.until = middle } == ["SM-late", "SM1"])
        #expect(try await found { $0.since = middle } == ["SM2"])
        #expect(
          try await found {
            $0.since = start + .seconds(60); $0.until = middle
          } == ["SM-late"])
        #expect(
          try await found {
            $0.until = middle; $0.direction = .outbound
          } == [])
        #expect(
          try await found {
            $0.until = middle; $0.search = "hello"; $0.statuses = [.received]
          } == ["SM-late", "SM1"])
      }
    }

    @Test("attributes are searched by their values, not by their names")
    func attributes() async throws {
      try await StoreFixture.run { fixture in
        _ = try await fixture.make(
          ContactProfile(name: "Ada", attributes: ["plan": "gold", "deep": ["list": ["sil\"ver", 42]]]), [])
        _ = try await fixture.make(ContactProfile(), [])
        for (search, count) in [("GOLD", 1), ("sil\"ver", 1), ("42", 1), ("plan", 0), ("deep", 0), ("ada", 1)] {
          var query = ContactQuery()
          query.search = search
          #expect(try await fixture.store.contacts(query, page: PageRequest()).items.count == count, "\(search)")
        }
      }
    }

    @Test("conversations are found by who they are with, also beyond the newest ones")
    func conversationSearch() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", from: "+14155559999", profileName: "Needle"))
        try await fixture.script(
          """
          INSERT INTO contacts (id, name, created_at, updated_at)
            SELECT gen_random_uuid(), 'hay ' || n, now(), now() FROM generate_series(1, 1200) n;
          INSERT INTO conversations
              (id, contact_id, channel, channel_type, address, line, last_activity_at, created_at, updated_at)
            SELECT gen_random_uuid(), c.id, 'sms', 'sms', c.name, 'l', now() + interval '1 hour', now(), now()
            FROM contacts c WHERE c.name LIKE 'hay %'
          """)
        func found(_ change: (inout ConversationQuery) -> Void) async throws -> Int {
          var query = ConversationQuery()
          change(&query)
          return try await fixture.store.conversations(query, page: PageRequest(limit: 200)).items.count
        }
        #expect(try await found { $0.search = "needle" } == 1)
        #expect(
          try await found {
            $0.search = "5559999"; $0.unread = true; $0.status = .open
          } == 1)
        #expect(
          try await found {
            $0.search = "needle"; $0.status = .archived
          } == 0)
        #expect(
          try await found {
            $0.search = "needle"; $0.channel = "whatsapp"
          } == 0)
        #expect(try await found { $0.search = "hay 12" } == 2 + 10)
      }
    }

    @Test("a walk through contacts or conversations sees each old row once while new ones come in")
    func stablePages() async throws {
      try await StoreFixture.run { fixture in
        for index in 0..<23 {
          try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555\(1_000 + index)"))
        }
        let contacts = try await fixture.texts("SELECT id FROM contacts ORDER BY id DESC")
        let conversations = try await fixture.texts(
          "SELECT id FROM conversations ORDER BY last_activity_at DESC, id DESC")
        var walked: (contacts: [String], conversations: [String]) = ([], [])
        var cursors: (contacts: PageCursor?, conversations: PageCursor?) = (nil, nil)
        repeat {
          let people = try await fixture.store.contacts(
            ContactQuery(), page: PageRequest(limit: 5, cursor: cursors.contacts))
          let threads = try await fixture.store.conversations(
            ConversationQuery(), page: PageRequest(limit: 5, cursor: cursors.conversations))
          walked.contacts += people.items.map { "\($0.id)" }
          walked.conversations += threads.items.map { "\($0.id)" }
          cursors = (people.next, threads.next)
          let number = walked.contacts.count
          try await fixture.receive(fixture.inbound("SM-late-\(number)", from: "+1415556\(1_000 + number)"))
        } while cursors.contacts != nil
        #expect(cursors.conversations == nil)
        #expect(walked.contacts == contacts && walked.conversations == conversations)
      }
    }
  }
}
