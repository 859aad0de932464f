// Lists that are drawn from several conversations, and searches that more contacts have than an index is asked for.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Lists over several conversations")
  struct SeveralConversationsTests {
    /// When the messages below begin, and what their ids begin with.
    private static let base = Timestamp(rfc3339: "2024-06-10T02:35:18Z")

    @Test(
      "the messages of a contact with six conversations come in the order of all, page by page",
      arguments: [false, true], [nil, "needle"])
    func interleaved(endsEarly: Bool, search: String?) async throws {
      try await StoreFixture.run { fixture in
        let contact = try await fixture.make(ContactProfile(name: "six"), [])
        // Which conversation has which message follows no order; some were recovered.
        try await fixture.script(
          """
          INSERT INTO conversations
              (id, contact_id, channel, channel_type, address, line, last_activity_at, created_at, updated_at)
            SELECT ('01900000-0000-7000-8000-0000000000' || lpad(to_hex(n), 2, '0'))::uuid, '\(contact.id)', 'sms', 'sms',
              'a', 'l' || n, now(), now(), now() FROM generate_series(1, 6) n;
          INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body,
              status, recovered, created_at)
            SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
              ('01900000-0000-7000-8000-0000000000' || lpad(to_hex(1 + (n * n + n / 7) % 6), 2, '0'))::uuid,
              '\(contact.id)', 'sms', 'sms', true, 'a', 'b', CASE WHEN n % 3 = 0 THEN 'a needle' ELSE 'hay' END, 60,
              n % 10 = 0, timestamptz '2024-06-10T02:35:18Z' + n * interval '1 s'
            FROM generate_series(1, 120) n
          """)
        let wanted = try await fixture.texts(
          """
          SELECT id::text FROM messages WHERE true \(endsEarly ? "AND created_at < '2024-06-10T02:36:58Z'" : "")
            \(search == nil ? "" : "AND body = 'a needle'") ORDER BY id DESC
          """)
        #expect(wanted.count == (search == nil ? 120 : 40) - (endsEarly ? (search == nil ? 21 : 7) : 0))
        #expect(try await fixture.number("SELECT count(DISTINCT conversation_id) FROM messages") == 6)
        var query = MessageQuery()
        query.contact = contact.id
        query.search = search
        query.until = endsEarly ? Self.base.map { $0 + .seconds(100) } : nil
        var found: [String] = []
        var page = PageRequest(limit: 3)
        repeat {
          let answer = try await fixture.store.messages(query, page: page)
          found += answer.items.map(\.id.description)
          page.cursor = answer.next
        } while page.cursor != nil && found.count <= wanted.count
        #expect(found == wanted)
      }
    }

    @Test(
      "a conversation search that more contacts have than are asked for looks through the inbox's part, or the channel")
    func crowd() async throws {
      try await StoreFixture.run(sessions: 1) { fixture in
        try await fixture.script(
          """
          INSERT INTO contacts (id, name, created_at, updated_at)
            SELECT gen_random_uuid(), CASE WHEN n <= 150 THEN 'hay ' ELSE 'crowd ' END || n, now(), now()
            FROM generate_series(1, 1300) n;
          INSERT INTO conversations
              (id, contact_id, channel, channel_type, address, line, last_activity_at, created_at, updated_at)
            SELECT gen_random_uuid(), c.id, t.type, t.type, c.name, 'l',
              now() - substring(c.name from '\\d+$')::int * interval '1 minute', now(), now()
            FROM contacts c, LATERAL (SELECT CASE WHEN c.name > 'crowd 1299' AND c.name < 'crowd 16' THEN 'rcs' ELSE 'sms' END) t(type)
          """)
        var query = ConversationQuery()
        (query.search, query.status) = ("crowd", .open)
        let open = try await fixture.store.conversations(query, page: PageRequest(limit: 3))
        #expect(open.items.map(\.contact.name) == ["crowd 151", "crowd 152", "crowd 153"])
        (query.channel, query.status) = ("rcs", nil)
        let few = try await fixture.store.conversations(query, page: PageRequest(limit: 20))
        let names = try await fixture.texts(
          """
          SELECT c.name FROM conversations v JOIN contacts c ON c.id = v.contact_id WHERE v.channel = 'rcs'
          ORDER BY v.last_activity_at DESC
          """)
        #expect(few.items.map(\.contact.name) == names && names.count == 10, "\(names)")
        let used = try await fixture.store.run { connection in
          try connection.execute(Statement("names", "SELECT name FROM pg_prepared_statements")).map { try $0.text(0) }
        }
        for name in ["conversations_part_search_newest_4000", "conversations_channel_search_few_2000"] {
          #expect(used.contains { $0.hasPrefix(name + "/") }, "\(used)")
        }
      }
    }
  }
}
