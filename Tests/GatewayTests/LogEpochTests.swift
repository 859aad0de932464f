// A log that is restored under a running node, and one whose notifications are lost: on a real database.

import ChannelProtocol
import GatewayTesting
import Logging
import Postgres
import Sinks
import Testing

@testable import Gateway
@testable import Storage

@Suite(.serialized) struct LogEpochTests {
  struct Fixture: Sendable {
    let store: PostgresMessageStore
    let ring: EventRing

    func run(_ sql: String) async throws { try await store.run { try $0.simple(sql) } }

    /// Writes events as another node does.
    func append(_ count: Int) async throws {
      try await run(
        """
        SELECT append_events(array_agg(gen_random_uuid()), array_agg('contact.updated'::text), array_agg(now()),
          array_agg(NULL::uuid), array_agg(NULL::text), array_agg('{}'::text)) FROM generate_series(1, \(count))
        """)
    }

    /// - Returns: false where it did not come true in time.
    func eventually(_ condition: @Sendable () -> Bool) async -> Bool {
      await GatewayTesting.eventually(within: .seconds(20)) { condition() }
    }
  }

  /// - Parameter before: what is done to the database before the node starts.
  static func following(
    before: String? = nil, logger: Logger = ThrowawayDatabase.silentLogger, _ body: (Fixture) async throws -> Void
  ) async throws {
    let database = try await ThrowawayDatabase.make()
    let store = PostgresMessageStore(
      configuration: database.configuration, context: ResourceContext(publicURL: "http://localhost", windows: [:]),
      logger: logger)
    try store.start()
    if let before { try await store.run { try $0.simple(before) } }
    let ring = EventRing()
    let tail = TailReader(
      store: store, ring: ring, revocations: PrincipalRevocations(),
      listener: Listener(configuration: database.configuration, channels: ["fractal_events"], logger: logger),
      logger: logger, metrics: PrometheusRegistry(), look: .milliseconds(50))
    try await tail.prepare()
    let task = Task { try await tail.run() }
    let result: Result<Void, any Error>
    do { result = .success(try await body(Fixture(store: store, ring: ring))) } catch { result = .failure(error) }
    task.cancel()
    _ = await task.result
    await store.close()
    try? await database.drop()
    try result.get()
  }

  static let setBack = """
    BEGIN;
    DELETE FROM events WHERE seq > 10;
    SELECT setval('event_seq', 10);
    COMMIT;
    """
  /// What a dump brings along, restored elsewhere.
  static let moved = "UPDATE log_epoch SET origin = '7310577382525465186/00000001/5/16400'"
  static let renamed = "UPDATE log_epoch SET epoch = gen_random_uuid()"

  @Test(
    "a node that lives through a restore notices, sends its readers back to the start, and goes on in the new log",
    arguments: [setBack, moved, renamed])
  func restore(sql: String) async throws {
    try await Self.following { fixture in
      try await fixture.append(50)
      #expect(await fixture.eventually { fixture.ring.position.seq == 50 })
      let epoch = fixture.ring.position.epoch
      try await fixture.run(sql)
      #expect(await fixture.eventually { fixture.ring.position.epoch != epoch })
      let bounds = try await fixture.store.bounds()
      #expect(fixture.ring.position == LogPosition(epoch: bounds.epoch, seq: bounds.newest))
      try await fixture.append(1)
      #expect(await fixture.eventually { fixture.ring.position.seq == bounds.newest + 1 })
      #expect(fixture.ring.position.epoch == bounds.epoch)
    }
  }

  @Test("while nothing is restored the epoch stays, for this node and the next one that starts")
  func stays() async throws {
    try await Self.following { fixture in
      let epoch = fixture.ring.position.epoch
      for number in 1...20 {
        try await fixture.append(3)
        #expect(await fixture.eventually { fixture.ring.position.seq == Int64(3 * number) })
        #expect(try await fixture.store.examineLog(since: fixture.ring.position).epoch == epoch)
      }
      #expect(try await fixture.store.examineLog(since: nil).epoch == epoch)
      #expect(fixture.ring.position.epoch == epoch)
    }
  }

  @Test("a database that is copied has another log, though it brings the epoch along")
  func copied() async throws {
    try await Self.following { fixture in
      let epoch = fixture.ring.position.epoch
      // As a restore from a dump does: the table is made anew, and filled with what it held.
      try await fixture.run(
        """
        BEGIN;
        CREATE TABLE log_epoch_copy (LIKE log_epoch INCLUDING ALL);
        INSERT INTO log_epoch_copy SELECT * FROM log_epoch;
        DROP TABLE log_epoch;
        ALTER TABLE log_epoch_copy RENAME TO log_epoch;
        COMMIT;
        """)
      #expect(await fixture.eventually { fixture.ring.position.epoch != epoch })
    }
  }

  /// What servers that are not quite PostgreSQL may answer.
  static func unanswerable(_ state: String) -> String {
    """
    CREATE OR REPLACE FUNCTION log_origin() RETURNS text LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'not here' USING ERRCODE = '\(state)'; END $$
    """
  }

  @Test(
    "a database that does not tell where its log is from is followed, with one warning, and found out when it is set back",
    arguments: ["XX000", "55000", "0A000", "25006"])
  func unknownOrigin(state: String) async throws {
    let log = CollectedLog()
    try await Self.following(before: Self.unanswerable(state), logger: log.logger()) { fixture in
      let epoch = fixture.ring.position.epoch
      try await fixture.append(50)
      #expect(await fixture.eventually { fixture.ring.position.seq == 50 })
      try await fixture.run(Self.setBack)
      #expect(await fixture.eventually { fixture.ring.position.epoch != epoch })
      try await fixture.append(5)
      #expect(await fixture.eventually { fixture.ring.position.seq == 15 })
    }
    let warnings = log.lines.filter { $0.level == .warning }
    #expect(warnings.count { $0.message.hasPrefix("the database does not tell") } == 1)
    #expect(warnings.first?.metadata["error"]?.contains(state) == true)
  }

  @Test("a database that tells again where its log is from is compared again")
  func knownAgain() async throws {
    try await Self.following { fixture in
      let epoch = fixture.ring.position.epoch
      try await fixture.run("ALTER FUNCTION log_origin() RENAME TO log_origin_kept;" + Self.unanswerable("XX000"))
      try await fixture.append(3)
      #expect(await fixture.eventually { fixture.ring.position.seq == 3 })
      try await fixture.run("DROP FUNCTION log_origin(); ALTER FUNCTION log_origin_kept() RENAME TO log_origin")
      try await fixture.run(Self.moved)
      #expect(await fixture.eventually { fixture.ring.position.epoch != epoch })
    }
  }

  @Test("events of another node come without any notification")
  func silence() async throws {
    try await Self.following { fixture in
      try await fixture.run(
        """
        DO $$ BEGIN
          ASSERT pg_get_functiondef('append_events'::regproc) LIKE '%PERFORM pg_notify%';
          EXECUTE replace(pg_get_functiondef('append_events'::regproc), 'PERFORM pg_notify', 'PERFORM concat');
        END $$
        """)
      for number in 1...3 {
        try await fixture.append(7)
        #expect(await fixture.eventually { fixture.ring.position.seq == Int64(7 * number) })
      }
    }
  }
}
