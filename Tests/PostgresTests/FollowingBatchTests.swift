// Batches that are begun behind the commit of the one before them.

import Synchronization
import Testing

@testable import Postgres

@Suite("A batch behind a commit")
struct FollowingBatchTests {
  /// A table whose rows with the note `slow` are committed once nobody holds the lock of their number.
  private struct Table {
    let name: String
    /// Of its locks: no other test's table has it.
    let space: Int

    static func make() async throws -> Table {
      let name = try await InsertNumbers.makeTable(constraint: "CHECK (note <> 'poison')")
      let space = try #require(name.split(separator: "_").last.flatMap { Int($0) })
      try await PostgresFixture.script(
        """
        CREATE FUNCTION wait_\(name)() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM pg_advisory_xact_lock_shared(\(space), NEW.id::int);
          IF NEW.note = 'slow poison' THEN RAISE check_violation; END IF;
          RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON \(name) DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW WHEN (NEW.note LIKE 'slow%') EXECUTE FUNCTION wait_\(name)()
        """)
      return Table(name: name, space: space)
    }
  }

  private func items(_ ids: some Sequence<Int>) -> [InsertNumbers.Item] { ids.map { .init(id: Int64($0)) } }

  /// The batch of the second item has sent its commit and waits there; behind it is begun the one of the third.
  /// - Parameter body: is given what has the second's commit go on.
  private func behindACommit(
    _ operation: NumbersInTwoSteps, _ table: Table, third deadline: Duration,
    _ body: (LaneQueue<NumbersInTwoSteps>, _ third: Task<PostgresError?, Never>, _ goOn: () throws -> Void) async throws
      -> Void
  ) async throws {
    let lane = WriteLane(configuration: try await PostgresFixture.configuration(), logger: PostgresFixture.logger)
    let queue = lane.register(operation, queueLimit: 100)
    let holder = Connection(try await PostgresFixture.configuration())
    try holder.open()
    try holder.simple("SELECT pg_advisory_lock(\(table.space), 1), pg_advisory_lock(\(table.space), 2)")
    try lane.start()
    // What it prepares, nothing behind it can.
    async let first = failure { try await queue.submit(.init(id: 1, note: "slow"), deadline: .seconds(20)) }
    #expect(await eventually { operation.commits == 1 })
    async let second = failure { try await queue.submit(.init(id: 2, note: "slow"), deadline: .seconds(20)) }
    #expect(await eventually { queue.depth == 1 })
    let third = Task { await failure { try await queue.submit(.init(id: 3), deadline: deadline) } }
    #expect(await eventually { queue.depth == 2 })
    try holder.simple("SELECT pg_advisory_unlock(\(table.space), 1)")
    #expect(await first == nil)
    #expect(await eventually { operation.log.last == "begun 1" })
    try await body(queue, third) { try holder.simple("SELECT pg_advisory_unlock(\(table.space), 2)") }
    #expect(await second == nil)
    await lane.close()
  }

  @Test("it is begun while the one before it commits, and goes on from there")
  func begins() async throws {
    let table = try await Table.make()
    let operation = NumbersInTwoSteps(table: table.name, maximumBatch: 1)
    try await behindACommit(operation, table, third: .seconds(20)) { queue, third, goOn in
      #expect(queue.depth == 1, "it waits in the queue until it is its turn")
      try goOn()
      #expect(await third.value == nil)
    }
    #expect(operation.log == ["plain 1", "commit", "plain 1", "commit", "begun 1", "went on 1", "commit"])
    #expect(try await PostgresFixture.count(table.name) == 3)
  }

  @Test("who waits for it is told at the deadline that nothing was written, which is so, and no row stays locked")
  func deadlinePasses() async throws {
    let table = try await Table.make()
    let operation = NumbersInTwoSteps(table: table.name, maximumBatch: 1)
    try await behindACommit(operation, table, third: .seconds(1)) { queue, third, goOn in
      let error = await third.value
      #expect(error?.kind == .deadlineExceeded)
      #expect(error?.outcomeUnknown == false)
      try goOn()
      #expect(await eventually { operation.log.count == 5 && queue.depth == 0 })
      // Would wait for a transaction that has inserted the same number.
      try await PostgresFixture.script("SET lock_timeout = '5s'; INSERT INTO \(table.name) VALUES (3, 'mine')")
      // The session is as good as before.
      #expect(await failure { try await queue.submit(.init(id: 4), deadline: .seconds(20)) } == nil)
    }
    #expect(!operation.log.contains("went on 1"))
    #expect(try await PostgresFixture.count(table.name) == 4)
  }

  @Test("under load most batches are begun so, and each item is written once")
  func load() async throws {
    let table = try await Table.make()
    let operation = NumbersInTwoSteps(table: table.name)
    let lane = WriteLane(configuration: try await PostgresFixture.configuration(), logger: PostgresFixture.logger)
    let queue = lane.register(operation, queueLimit: 1_000)
    async let outcome = Submissions.submit(items(0..<500), to: queue)
    #expect(await eventually { queue.depth == 500 })
    try lane.start()
    #expect(await outcome.written.count == 500)
    await lane.close()
    #expect(operation.log.count { $0.hasPrefix("went on") } >= 20)
    #expect(try await PostgresFixture.count(table.name) == 500)
  }

  @Test("where the one before it fails, its faulty item alone fails, and the batch begun behind it is written")
  func failureBefore() async throws {
    let table = try await Table.make()
    let operation = NumbersInTwoSteps(table: table.name, maximumBatch: 10)
    let lane = WriteLane(configuration: try await PostgresFixture.configuration(), logger: PostgresFixture.logger)
    let queue = lane.register(operation, queueLimit: 1_000)
    // Six batches: the third fails as it commits, the fifth before that.
    var all = items(0..<60)
    all[25].note = "slow poison"
    all[47].note = "poison"
    let wanted = all
    let outcome = Task {
      // One after the other, so that batches are as they are numbered.
      let results = Shared<[Int64: PostgresError?]>([:])
      for item in wanted {
        queue.submit(item, deadline: .seconds(20)) { result in
          let error: PostgresError? = if case .failure(let failure) = result { failure as? PostgresError } else { nil }
          results.update { $0[item.id] = .some(error) }
        }
      }
      #expect(await eventually(within: .seconds(20)) { results.value.count == 60 })
      return results.value
    }
    #expect(await eventually { queue.depth == 60 })
    try lane.start()
    let results = await outcome.value
    await lane.close()
    #expect(results.filter { $0.value != nil }.keys.sorted() == [25, 47])
    #expect(results[25]??.sqlState == .checkViolation)
    #expect(operation.log.contains { $0.hasPrefix("begun") })
    #expect(try await PostgresFixture.count(table.name) == 58)
  }

  @Test("another queue that waits has its turn before the next batch of the same one is begun")
  func othersFirst() async throws {
    let table = try await Table.make()
    let other = try await InsertNumbers.makeTable()
    let operation = NumbersInTwoSteps(table: table.name, maximumBatch: 10)
    let lane = WriteLane(configuration: try await PostgresFixture.configuration(), logger: PostgresFixture.logger)
    let queue = lane.register(operation, queueLimit: 1_000)
    let begunBefore = Shared<[Int]>([])
    let plain = InsertNumbers(table: other, maximumBatch: 1) { _ in
      begunBefore.update { $0.append(operation.log.count { $0.hasPrefix("begun") }) }
    }
    let others = lane.register(plain, queueLimit: 1_000)
    async let first = Submissions.submit(items(0..<200), to: queue)
    async let second = Submissions.submit(items(0..<10), to: others)
    #expect(await eventually { queue.depth == 200 && others.depth == 10 })
    try lane.start()
    #expect(await second.written.count == 10)
    #expect(await first.written.count == 200)
    await lane.close()
    #expect(begunBefore.value == Array(repeating: 0, count: 10))
    #expect(operation.log.contains { $0.hasPrefix("begun") }, "later, when nobody else waits")
  }

  @Test("a backend that dies with a batch behind a commit loses nothing and writes nothing twice")
  func terminated() async throws {
    let table = try await Table.make()
    let operation = NumbersInTwoSteps(table: table.name, maximumBatch: 10)
    let lane = WriteLane(configuration: try await PostgresFixture.configuration(), logger: PostgresFixture.logger)
    let queue = lane.register(operation, queueLimit: 5_000)
    try lane.start()
    async let outcome = Submissions.submit(items(0..<4_000), to: queue, deadline: .seconds(30))
    var killed: Int64 = 0
    for _ in 0..<40 where queue.depth > 0 || killed == 0 {
      killed += try await PostgresFixture.withConnection {
        try $0.execute(
          Statement(
            "kill_\(table.name)",
            """
            SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE pid <> pg_backend_pid() AND query LIKE 'INSERT INTO \(table.name) %') k
            """)
        ).single().int8(0)
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    let result = await outcome
    await lane.close()
    #expect(killed > 0)
    #expect(result.errors.isEmpty)
    #expect(operation.log.filter { $0.hasPrefix("begun") }.count > 10)
    #expect(try await PostgresFixture.count(table.name) == 4_000)
  }
}

/// Inserts numbers; sends the insertion behind the commit of the batch before it. A number that is there already counts
/// as written.
final class NumbersInTwoSteps: BatchOperation {
  let name = "numbers_in_two_steps"
  let maximumBatch: Int
  private let insert: Statement
  private let history = Mutex<[String]>([])

  init(table: String, maximumBatch: Int = 20) {
    self.maximumBatch = maximumBatch
    insert = Statement(
      "insert_\(table)",
      "INSERT INTO \(table) (id, note) SELECT i.id, i.note FROM unnest($1, $2) AS i (id, note) ON CONFLICT DO NOTHING")
  }

  /// What was done, in order: `plain N`, `begun N`, `went on N`, `commit`.
  var log: [String] { history.withLock(\.self) }
  /// Commits that were sent.
  var commits: Int { log.count { $0 == "commit" } }

  private func note(_ what: String) { history.withLock { $0.append(what) } }

  private func parameters(_ items: [InsertNumbers.Item]) -> Parameters {
    var parameters = Parameters()
    parameters.int8Array(items.map(\.id))
    parameters.textArray(items.map(\.note))
    return parameters
  }

  private func commit(_ unit: Pipeline) throws {
    try unit.send(.commit)
    note("commit")
    try unit.finish()
  }

  func execute(_ items: [InsertNumbers.Item], on connection: Connection) throws -> [Result<Int64, any Error>] {
    note("plain \(items.count)")
    try connection.unit { unit in
      try unit.send(.begin)
      try unit.send(insert, parameters(items))
      try commit(unit)
    }
    return items.map { .success($0.id) }
  }

  func start(_ items: [InsertNumbers.Item], in unit: Pipeline) throws -> Int? {
    try unit.send(.begin)
    try unit.send(insert, parameters(items))
    try unit.flush()
    note("begun \(items.count)")
    return items.count
  }

  func execute(
    _ items: [InsertNumbers.Item], from start: Int, in unit: Pipeline, on connection: Connection
  ) throws -> [Result<Int64, any Error>] {
    note("went on \(start)")
    try connection.unit(from: unit) { try commit($0) }
    return items.map { .success($0.id) }
  }
}
