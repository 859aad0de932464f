// The ways to messages with certain words: all of them find the same, and the shortest is taken.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Word endings")
  struct WordEndingTests {
    /// As many messages as the text has rows, of one contact and newer than what was there.
    private func insert(_ texts: String, _ fixture: StoreFixture) async throws {
      try await fixture.receive(fixture.inbound("SM0", body: "hay"))
      try await fixture.script(
        """
        INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body,
          status, created_at)
        SELECT ('ffffffff' || substr(m.id::text, 9, 16) || lpad(to_hex(row_number() OVER ()), 12, '0'))::uuid,
          m.conversation_id, m.contact_id, 'sms', 'sms', true, 'a', 'b', t.body, 60, now()
        FROM messages m, (\(texts)) AS t(body) WHERE m.provider_sid = 'SM0'
        """)
    }

    /// More than there are.
    private static let limit = 100_000

    private struct Ways {
      var parameters: Parameters
      var rest: Statement
      var choice: ListSteps.Choice

      init?(
        _ search: String, contact: Identifier?, page: PageRequest = PageRequest(limit: WordEndingTests.limit),
        narrow: (inout MessageQuery) -> Void = { _ in }
      ) {
        var query = MessageQuery()
        (query.search, query.contact) = (search, contact)
        narrow(&query)
        let filter = MessageFilter(query, page: page)
        guard case .search(_, let rest, let choice?) = filter.steps else { return nil }
        (parameters, self.rest, self.choice) = (filter.parameters, rest, choice)
      }

      /// Of a contact's messages there are more.
      var names: [String] { choice.ways.count == 4 ? ["through", "inside", "ending", "whole"] : ["ending", "whole"] }
    }

    /// What each way finds, sorted.
    private func found(
      _ search: String, contact: Identifier? = nil, _ fixture: StoreFixture
    ) async throws -> [String: [String]] { try await found(try #require(Ways(search, contact: contact)), fixture) }

    private func found(_ ways: Ways, _ fixture: StoreFixture) async throws -> [String: [String]] {
      var found: [String: [String]] = [:]
      for (way, statement) in [("rest", ways.rest)] + zip(ways.names, ways.choice.ways) {
        found[way] = try await fixture.store.run { connection in
          try connection.execute(statement, ways.parameters).map { try $0.text(8) }.sorted()
        }
      }
      return found
    }

    private func chosen(
      _ search: String, contact: Identifier? = nil, role: String = "none", _ fixture: StoreFixture
    ) async throws -> String {
      let ways = try #require(Ways(search, contact: contact))
      let way = try await fixture.store.run { connection in
        try connection.simple("SET ROLE \(role)")
        let way = try connection.execute(ways.choice.statement, ways.parameters).single().int4OrNil(0)
        try connection.simple("RESET ROLE")
        return way
      }
      return way.map { ways.names[Int($0)] } ?? "rest"
    }

    @Test("whatever letter or sign follows a word, the word is found by its endings as it is by its beginning")
    func everyLetter() async throws {
      try await StoreFixture.run { fixture in
        let letters = """
          SELECT chr(n) FROM generate_series(33, 12543) n UNION ALL SELECT chr(n) FROM generate_series(64256, 65510) n
          UNION ALL SELECT chr(n) FROM generate_series(127232, 129791) n
          """
        try await insert(
          """
          SELECT 'order Friday' || c.chr || 'x' FROM (\(letters)) c UNION ALL SELECT 'order friday' || c.chr FROM (\(letters)) c
          UNION ALL SELECT 'friday or' || c.chr || 'der' FROM (\(letters)) c
          UNION ALL SELECT 'order Chalk' || c.chr || 'x' FROM (\(letters)) c
          UNION ALL VALUES ('order FRIDAY'), ('order;friday'), ('Friday order'), ('order friday.example.com'),
            ('order friday@shop.example.com'), ('order http://friday/x'), ('order chal\u{212A}я'), ('ORDER FR\u{130}DAY')
          """, fixture)
        for search in [
          "order friday", "order frida", "order f", "order+friday", "friday or", "order chalk", "order well-friday",
        ] {
          let found = try await found(search, fixture)
          let rest = try #require(found["rest"])
          #expect(rest.isEmpty == (search == "order well-friday"), "\(search)")
          #expect(rest.count < Self.limit)
          for way in ["ending", "whole"] { #expect(found[way] == rest, "\(search), \(way)") }
        }
      }
    }

    @Test("what people write in Europe, and with emoji, is no text of mixed alphabets")
    func ordinary() async throws {
      try await StoreFixture.run { fixture in
        let ordinary = [
          "1\u{FE0F}\u{20E3} ok", "n\u{BA} 1\u{AA} 1\u{BA}", "m\u{B2} 1\u{BD}", "12\u{202F}000 \u{20AC}",
          "Brand\u{2122}", "ok\u{2B50}",
          "ok\u{23F0}", "ok\u{25B6}\u{FE0F}", "5\u{2212}3", "ok\u{3002}", "ok\u{3001}", "cafe\u{301}", "garc\u{327}on",
          "ok\u{1F469}\u{200D}\u{1F469}", "ok\u{1F1E9}\u{1F1EA}", "m\u{259}n S\u{18F}N", "d\u{1E81}r",
          "\u{2068}ok\u{2069}", "20\u{2103}",
          "\u{202A}+1 555\u{202C}", "ok\u{200F}", "stra\u{DF}e STRA\u{1E9E}E", "Привет", "5\u{20AC}", "ok\u{FF01}",
        ]
        let mixed = ["LINE\u{3067}", "SMS\u{43A}\u{430}", "x\u{130}\u{43A}"]
        let values = (ordinary + mixed).map { "('\($0)')" }.joined(separator: ", ")
        try await insert("VALUES \(values)", fixture)
        let found = try await fixture.texts("SELECT body FROM messages WHERE \(MixedText.condition(of: ""))")
        #expect(found.sorted() == mixed.sorted())
      }
    }

    @Test("a conversation's messages, and a contact's of several, are the same by every way")
    func inside() async throws {
      try await StoreFixture.run { fixture in
        try await insert(
          "SELECT (ARRAY['order', 'friday', 'order fridays', 'hay'])[1 + n % 4] FROM generate_series(1, 400) n", fixture
        )
        let contact = try #require(
          try await fixture.store.messages(MessageQuery(), page: PageRequest()).items.first?.contactID)
        try await fixture.script(
          """
          INSERT INTO conversations
            (id, contact_id, channel, channel_type, address, line, last_activity_at, created_at, updated_at)
          SELECT gen_random_uuid(), contact_id, 'w' || n, 'whatsapp', 'w' || n, 'l', now(), now(), now()
          FROM conversations, generate_series(1, 3) n;
          INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body,
            status, created_at)
          SELECT gen_random_uuid(), id, contact_id, 'whatsapp', 'whatsapp', true, 'a', 'b', 'an order for friday', 60, now()
          FROM conversations WHERE channel_type = 'whatsapp'
          """)
        let found = try await found("order fri", contact: contact, fixture)
        #expect(found["rest"]?.count == 103)
        for way in ["inside", "ending", "whole", "through"] { #expect(found[way] == found["rest"], "\(way)") }
        try await pages("order fri", contact: contact, fixture)
      }
    }

    /// A page behind another, and what lies between two times, is by every way what it is by the usual one.
    private func pages(_ search: String, contact: Identifier, _ fixture: StoreFixture) async throws {
      var query = MessageQuery()
      (query.search, query.contact) = (search, contact)
      let first = try await fixture.store.messages(query, page: PageRequest(limit: 40))
      let cursor = try #require(first.next)
      let second = PageRequest(limit: 20, cursor: cursor)
      let (oldest, newest) = (try #require(first.items.last?.createdAt), try #require(first.items.first?.createdAt))
      for (ways, count) in [
        (Ways(search, contact: contact, page: second), 21),
        (Ways(search, contact: contact) { $0.since = newest + .seconds(1) }, 0),
        (Ways(search, contact: contact) { ($0.since, $0.until) = (oldest, newest + .seconds(1)) }, nil),
        (Ways(search, contact: contact) { $0.until = oldest }, nil),
      ] as [(Ways?, Int?)] {
        let found = try await found(try #require(ways), fixture)
        if let count { #expect(found["rest"]?.count == count) }
        for (way, texts) in found { #expect(texts == found["rest"], "\(way)") }
      }
    }

    @Test("which way is taken follows the newest messages, how many a contact has, how many are mixed, and the role")
    func choice() async throws {
      try await StoreFixture.run { fixture in
        try await insert(
          """
          SELECT CASE WHEN n % 4 = 0 THEN 'order friday' WHEN n % 4 = 1 THEN 'пятница friday' ELSE 'order hay' END
          FROM generate_series(1, 3000) n
          """, fixture)
        let contact = try await fixture.store.messages(MessageQuery(), page: PageRequest()).items.first?.contactID
        #expect(try await chosen("order friday", fixture) == "ending")
        #expect(try await chosen("order rare", fixture) == "rest")
        // Most that begin with it are longer.
        #expect(try await chosen("order frid", fixture) == "rest")
        #expect(try await chosen("rare friday", fixture) == "whole")
        #expect(try await chosen("order friday", contact: contact, fixture) == "inside")
        #expect(try await chosen("rare friday", contact: contact, fixture) == "whole")
        // What is typed is not of ASCII.
        #expect(try await chosen("friday пятница", fixture) == "rest")
        try await fixture.script("ALTER TABLE messages SET (autovacuum_enabled = false)")
        try await fixture.script("UPDATE pg_class SET reltuples = 1e6 WHERE oid = 'messages'::regclass")
        #expect(try await chosen("order friday", contact: contact, fixture) == "through")
        try await fixture.script(
          "UPDATE messages SET body = 'SMSка' WHERE id IN (SELECT id FROM messages ORDER BY id LIMIT 1001)")
        #expect(try await chosen("order friday", fixture) == "rest")
        try await fixture.script(
          "UPDATE messages SET body = 'ok👍' WHERE id = (SELECT id FROM messages ORDER BY id LIMIT 1)")
        #expect(try await chosen("order friday", fixture) == "ending")
        // Who may not sort the index.
        try await fixture.script("CREATE ROLE reader; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        #expect(try await chosen("order friday", role: "reader", fixture) == "rest")
      }
    }

    @Test("whatever stands between two words, they are found as a phrase where PostgreSQL takes them for one")
    func everySign() async throws {
      try await StoreFixture.run { fixture in
        try await insert(
          """
          SELECT 'An ORDER' || a.b || 'Deliveries' FROM (
            SELECT chr(n) FROM generate_series(32, 591) n UNION ALL SELECT chr(n) FROM generate_series(8192, 8491) n
            UNION ALL SELECT chr(n) || chr(m) FROM generate_series(32, 126) n, generate_series(32, 126) m
            UNION ALL VALUES (' <b> '), ('<a href="x y">'), (' &amp; '), (' &x '), (' http://'), (' and '), (': x '), ('://x '),
              (' ' || repeat('x', 3000) || ' '), (' ' || repeat('x', 2100) || ' '), (' x@y.example '), (' www.x.example/y '),
              ('-x-'), (' a-b '), (' 3.5'), (' 3.5 '), (' /x/'), (' 1e5 '), (' \u{212A} '), ('\u{301} '), (' 👍 ')) AS a(b)
          UNION ALL VALUES ('$12.50/kg'), ('12.5/kg'), ('12.5 kg'), ('shop.example.com, friday'), ('Shop.example;fridays'),
            ('shop.example x friday'), ('415-555-0199'), ('415-55-01'), ('415 55 01'), ('1e-50/kg'), ('an/order.txt deliveries'),
            ('an/order deliver'), ('a well-known, deliver'), ('well-knowns deliver'), ('shop.example/pathway friday'),
            ('ann@shop.example.com friday'), ('my-beta12/x'), ('my-beta1/x')
          """, fixture)
        for (search, query) in [
          ("order+deliver", "order <-> deliver:*"), ("order;deliveries", "order <-> deliveries:*"),
          ("an/order;deliver", "'an/order':* <-> deliver:*"),
          ("order-deliveries", "'order-deliveries':* <-> order <-> deliveries:*"),
          ("12.5/kg", "'12.5':* <-> '/kg':*"), ("1e-5/kg", "'1e-5':* <-> '/kg':*"),
          ("shop.example,friday", "'shop.example':* <-> friday:*"), ("415-55-01", "415 <-> '-55':* <-> '-01':*"),
          ("well-known;deliver", "'well-known':* <-> well <-> known <-> deliver:*"),
          ("ann@shop.example;friday", "'ann@shop.example':* <-> friday:*"),
        ] {
          let isKnown = !["12.5/kg", "1e-5/kg", "415-55-01"].contains(search)
          let expected = try await fixture.texts(
            "SELECT body FROM messages WHERE to_tsvector('simple', body) @@ '\(query.replacing("'", with: "''"))'")
          #expect(!expected.isEmpty, "\(search)")
          for (way, found) in try await found(search, fixture) where way != "ending" || isKnown {
            #expect(found == expected.sorted(), "\(search), \(way)")
          }
        }
      }
    }

    @Test("a contact with more conversations than are merged is not asked for by them")
    func manyConversations() async throws {
      try await StoreFixture.run { fixture in
        try await insert("SELECT 'order friday' FROM generate_series(1, 3000) n", fixture)
        let contact = try await fixture.store.messages(MessageQuery(), page: PageRequest()).items.first?.contactID
        for number in 0..<4 {
          #expect(try await chosen("order friday", contact: contact, fixture) == "inside", "\(number)")
          try await fixture.script(
            """
            INSERT INTO conversations
              (id, contact_id, channel, channel_type, address, line, last_activity_at, created_at, updated_at)
            SELECT gen_random_uuid(), contact_id, 'w', 'whatsapp', 'w\(number)', 'l', now(), now(), now() FROM conversations LIMIT 1
            """)
        }
        #expect(try await chosen("order friday", contact: contact, fixture) == "ending")
      }
    }
  }
}
