// The log's promise: nothing ever appears below a number that a reader has seen. And the proof that the test can fail.

import ChannelProtocol
import GatewayTesting
import Postgres
import Synchronization
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("The event log's order")
  struct EventLogOrderTests {
    enum Numbering: Sendable { case locked, plain }

    @Test("a reader that follows the log by number gets every committed event, once and in order")
    func lockedNumbering() async throws {
      try await StoreFixture.run(sessions: 1) { fixture in
        let round = try await Self.race(.locked, on: fixture)
        #expect(round.committed.count > 500)
        #expect(round.rolledBack > 10)
        #expect(round.read.map(\.seq) == round.read.map(\.seq).sorted())
        #expect(Set(round.read.map(\.seq)).count == round.read.count)
        #expect(Set(round.read.map(\.id)) == round.committed)
        #expect(round.read.count == round.committed.count)
      }
    }

    @Test("the same race without the lock makes the reader skip events: the test above can fail")
    func plainNumbering() async throws {
      try await StoreFixture.run(sessions: 1) { fixture in
        var skipped = 0
        for _ in 0..<5 where skipped == 0 {
          let round = try await Self.race(.plain, on: fixture)
          skipped = round.committed.subtracting(round.read.map(\.id)).count
        }
        #expect(skipped > 0)
      }
    }

    struct Round: Sendable {
      var committed: Set<Identifier> = []
      var rolledBack = 0
      var read: [Event] = []
    }

    private static let writers = 16
    private static let transactions = 32

    /// Writers whose transactions start early and end late, and a reader that follows them all the while.
    private static func race(_ numbering: Numbering, on fixture: StoreFixture) async throws -> Round {
      let pool = SessionPool(
        configuration: fixture.database.configuration, size: writers, queueLimit: writers,
        logger: ThrowawayDatabase.silentLogger)
      try pool.start()
      let start = try await fixture.store.bounds().newest
      let areWriting = Atomic(true)
      async let reading = read(after: start, from: fixture.store) { areWriting.load(ordering: .sequentiallyConsistent) }
      var round = Round()
      try await withThrowingTaskGroup(of: Round.self) { group in
        for writer in 0..<writers {
          group.addTask {
            try await pool.run(deadline: .seconds(60)) { try write(numbering, writer: writer, on: $0) }
          }
        }
        for try await part in group {
          round.committed.formUnion(part.committed)
          round.rolledBack += part.rolledBack
        }
      }
      areWriting.store(false, ordering: .sequentiallyConsistent)
      round.read = try await reading
      await pool.close(grace: .milliseconds(100))
      return round
    }

    private static let sleep = Statement("early_sleep", "SELECT pg_sleep($1)")
    private static let append = Statement(
      "append", "SELECT append_events($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[])")
    private static let appendPlain = Statement(
      "append_plain",
      """
      INSERT INTO events (seq, id, type, at, data)
      SELECT nextval('event_seq'), i, 'test', now(), '{}' FROM unnest($1::uuid[]) AS i
      """)
    /// Gives the transaction its number long before its events get theirs.
    private static let takeNumber = Statement("take_number", "SELECT pg_current_xact_id()::text")

    private static func write(_ numbering: Numbering, writer: Int, on connection: Connection) throws -> Round {
      let clock = SystemClock()
      var round = Round()
      for _ in 0..<transactions {
        let ids = (0..<Int.random(in: 1...3)).map { _ in clock.makeIdentifier() }
        let rollsBack = Int.random(in: 0..<10) == 0
        var events = Parameters()
        events.identifierArray(ids)
        if numbering == .locked {
          events.textArray(ids.map { _ in "test" })
          events.timestampArray(ids.map { _ in clock.now() })
          events.identifierArray(ids.map { _ in nil as Identifier? })
          events.textArray(ids.map { _ in nil as String? })
          events.textArray(ids.map { _ in "{}" })
        }
        _ = try connection.pipeline([
          (.begin, Parameters()), (takeNumber, Parameters()), (sleep, pause(upTo: 0.004)),
          (numbering == .locked ? append : appendPlain, events),
          (sleep, pause(upTo: numbering == .locked ? 0.001 : 0.004)),
          (rollsBack ? .rollback : .commit, Parameters()),
        ])
        if rollsBack { round.rolledBack += 1 } else { round.committed.formUnion(ids) }
      }
      return round
    }

    private static func pause(upTo seconds: Double) -> Parameters {
      var parameters = Parameters()
      parameters.double(.random(in: 0...seconds))
      return parameters
    }

    /// Follows the log as a node's tail reader does: it never looks back.
    private static func read(
      after start: Int64, from store: PostgresMessageStore, while isWriting: @Sendable () -> Bool
    ) async throws -> [Event] {
      var events: [Event] = []
      while true {
        let mayBeMore = isWriting()
        let page = try await store.events(after: events.last?.seq ?? start, limit: 200)
        events += page
        if page.isEmpty && !mayBeMore { return events }
      }
    }
  }
}
