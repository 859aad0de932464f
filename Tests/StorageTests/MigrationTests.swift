// Bringing a database to the schema.

import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Migrations")
  struct MigrationTests {
    @Test("nodes that start at once run each migration once, and a later start runs none")
    func concurrentStarts() async throws {
      let database = try await ThrowawayDatabase.make(migrated: false)
      let migrator = Migrator(configuration: database.configuration, logger: ThrowawayDatabase.silentLogger)
      let runs = try await withThrowingTaskGroup(of: [String].self) { group in
        for _ in 0..<8 { group.addTask { try await migrator.run() } }
        return try await group.reduce(into: [[String]]()) { $0.append($1) }
      }
      let expected = Migration.all.map { "\($0.version) \($0.name)" }
      #expect(runs.filter { !$0.isEmpty } == [expected])
      #expect(try await migrator.run() == [])
      try await database.drop()
    }

    @Test("a schema of a newer program is refused in words, and left alone")
    func newerSchema() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.script("INSERT INTO fractal_migrations (version, name) VALUES (900, 'from the future')")
        let migrator = Migrator(configuration: fixture.database.configuration, logger: ThrowawayDatabase.silentLogger)
        let refusal = await #expect(throws: SchemaIsNewer.self) { try await migrator.run() }
        #expect(refusal?.description.contains("version 900") == true)
        #expect(refusal?.description.contains("use the newer program") == true)
        await #expect(throws: PostgresError.self) { try await fixture.store.check() }
        #expect(try await fixture.number("SELECT count(*) FROM fractal_migrations") == Migration.all.count + 1)
      }
    }

    @Test("contacts of an older schema get their addresses into their rows, a thousand at a time")
    func addressesOfOld() async throws {
      try await StoreFixture.run { fixture in
        let first = try #require(Migration.all.firstIndex { $0.sql.contains("contact_channels_moved") })
        let migrations = Migration.all[first...(first + 1)]
        try await fixture.script(
          """
          DROP FUNCTION gather_addresses(uuid[]);
          DROP FUNCTION gather_changed_addresses() CASCADE;
          DROP FUNCTION gather_moved_addresses() CASCADE;
          ALTER TABLE contacts DROP COLUMN types, DROP COLUMN addresses;
          DELETE FROM fractal_migrations WHERE version IN (\(migrations[first].version), \(migrations[first + 1].version));
          INSERT INTO contacts (id, name, created_at, updated_at)
            SELECT gen_random_uuid(), n::text, now(), now() FROM generate_series(1, 2500) n;
          INSERT INTO contact_channels (id, contact_id, type, address, created_at)
            SELECT gen_random_uuid(), c.id, t, '+1555' || c.name, now() FROM contacts c, unnest(ARRAY['whatsapp', 'sms']) t
            WHERE c.name <> '5'
          """)
        let migrator = Migrator(configuration: fixture.database.configuration, logger: ThrowawayDatabase.silentLogger)
        #expect(try await migrator.run() == migrations.map { "\($0.version) \($0.name)" })
        #expect(
          try await fixture.texts(
            "SELECT types || string_to_array(addresses, E'\\x01') FROM contacts ORDER BY name::int LIMIT 6")
            == [1, 2, 3, 4].map { "{sms,whatsapp,+1555\($0),+1555\($0)}" } + ["{}", "{sms,whatsapp,+15556,+15556}"])
        #expect(try await fixture.number("SELECT count(*) FROM contacts WHERE types = '{}'") == 1)
      }
    }

    @Test("a store on a migrated database is ready; on an empty one it says so")
    func readiness() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.store.check()
        try await fixture.script("DROP TABLE fractal_migrations")
        let error = await failure { try await fixture.store.check() }
        #expect(error?.sqlState == .undefinedTable)
      }
    }
  }
}
