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

    private struct Ways {
      var parameters: Parameters
      var rest: Statement
      var choice: ListSteps.Choice

      init?(_ search: String, contact: Identifier?) {
        var query = MessageQuery()
        (query.search, query.contact) = (search, contact)
        let filter = MessageFilter(query, page: PageRequest(limit: 20_000))
        guard case .search(_, let rest, let choice?) = filter.steps else { return nil }
        (parameters, self.rest, self.choice) = (filter.parameters, rest, choice)
      }

      /// Of a contact's messages there are more.
      var names: [String] { choice.ways.count == 4 ? ["through", "inside", "ending", "whole"] : ["ending", "whole"] }
    }

    /// What each way finds, sorted.
    private func found(
      _ search: String, contact: Identifier? = nil, _ fixture: StoreFixture
    ) async throws -> [String: [String]] {
      let ways = try #require(Ways(search, contact: contact))
      var found: [String: [String]] = [:]
      for (way, statement) in [("rest", ways.rest)] + zip(ways.names, ways.choice.ways) {
        found[way] = try await fixture.store.run { connection in
          try connection.execute(statement, ways.parameters).map { try $0.text(8) }.sorted()
        }
      }
      return found
    }

    private func chosen(
      _ search: String, contact: Identifier? = nil, _ fixture: StoreFixture
    ) async throws -> String {
      let ways = try #require(Ways(search, contact: contact))
      let way = try await fixture.store.run { connection in
        try connection.execute(ways.choice.statement, ways.parameters).single().int4OrNil(0)
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
          for way in ["ending", "whole"] { #expect(found[way] == rest, "\(search), \(way)") }
        }
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
      }
    }

    @Test("which way is taken follows the newest messages, how many a contact has, and how many texts are mixed")
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
        try await fixture.script("UPDATE pg_class SET reltuples = 1e6 WHERE oid = 'messages'::regclass")
        #expect(try await chosen("order friday", contact: contact, fixture) == "through")
        try await fixture.script(
          "UPDATE messages SET body = 'SMSка' WHERE id IN (SELECT id FROM messages ORDER BY id LIMIT 1001)")
        #expect(try await chosen("order friday", fixture) == "rest")
        try await fixture.script(
          "UPDATE messages SET body = 'ok👍' WHERE id = (SELECT id FROM messages ORDER BY id LIMIT 1)")
        #expect(try await chosen("order friday", fixture) == "ending")
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
          """, fixture)
        for (search, query) in [
          ("order+deliver", "order <-> deliver:*"), ("order;deliveries", "order <-> deliveries:*"),
          ("an/order;deliver", "'an/order' <-> deliver:*"),
          ("order-deliveries", "'order-deliveries':* <-> order <-> deliveries:*"),
        ] {
          let expected = try await fixture.texts(
            "SELECT body FROM messages WHERE to_tsvector('simple', body) @@ '\(query.replacing("'", with: "''"))'")
          #expect(expected.isEmpty == search.hasPrefix("an/"))
          for (way, found) in try await found(search, fixture) where way != "ending" || !search.hasPrefix("an/") {
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
