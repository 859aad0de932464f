// Group commit and what it does when things fail.

import Testing

@testable import Postgres

@Suite("Write lane")
struct WriteLaneTests {
  private func lane(
    options: WriteLane.Options = .init(), onError: (@Sendable (PostgresError, Connection) -> Bool)? = nil
  ) async throws -> WriteLane {
    let configuration = try await PostgresFixture.configuration()
    return WriteLane(
      configuration: configuration, options: options, logger: PostgresFixture.logger, onError: onError)
  }

  private func items(_ ids: some Sequence<Int>) -> [InsertNumbers.Item] { ids.map { .init(id: Int64($0)) } }

  @Test("a thousand concurrent submits are few batches, each item once")
  func groupCommit() async throws {
    let table = try await InsertNumbers.makeTable()
    let lane = try await lane()
    let operation = InsertNumbers(table: table, maximumBatch: 256)
    let queue = lane.register(operation, queueLimit: 1_000)
    try lane.start()
    let result = await Submissions.submit(items(1...1_000), to: queue)
    await lane.close()
    #expect(result.written == (1...1_000).map(Int64.init))
    #expect(operation.attempts.reduce(0, +) == 1_000)
    #expect(operation.attempts.count < 200)
    #expect(try await PostgresFixture.count(table) == 1_000)
  }

  @Test(
    "one poisonous row of a hundred fails alone",
    arguments: [
      "poison",  // The table's constraint refuses it: the server's word.
      "p\0ison",  // It cannot even be sent.
    ])
  func poison(note: String) async throws {
    let table = try await InsertNumbers.makeTable(constraint: "CHECK (note <> 'poison')")
    let lane = try await lane()
    let queue = lane.register(InsertNumbers(table: table, maximumBatch: 100), queueLimit: 100)
    var items = items(1...100)
    items[41].note = note
    let all = items
    // Queued before the start, so that they are one batch.
    async let outcome = Submissions.submit(all, to: queue)
    #expect(await eventually { queue.depth == 100 })
    try lane.start()
    let result = await outcome
    await lane.close()
    #expect(Array(result.errors.keys) == [42])
    #expect(result.errors[42]?.kind == (note == "poison" ? .server(sqlState: .checkViolation) : .invalidValue))
    #expect(result.written.count == 99)
    #expect(try await PostgresFixture.count(table) == 99)
  }

  @Test("an item that is in flight at its deadline is answered then, with an unknown outcome")
  func inFlightDeadline() async throws {
    let table = try await InsertNumbers.makeTable()
    let lane = try await lane()
    let gate = Gate()
    let queue = lane.register(InsertNumbers(table: table) { _ in gate.pass() }, queueLimit: 10)
    try lane.start()
    #expect(await eventually { lane.isConnected })
    let start = ContinuousClock.now
    let error = await failure { try await queue.submit(.init(id: 1), deadline: .milliseconds(500)) }
    let took = start.duration(to: .now)
    let waiting = await failure { try await queue.submit(.init(id: 2), deadline: .milliseconds(50)) }
    gate.open()
    await lane.close()
    #expect(error?.kind == .deadlineExceeded)
    #expect(error?.outcomeUnknown == true)
    #expect(took < .seconds(3))
    #expect(waiting?.kind == .deadlineExceeded)
    #expect(waiting?.outcomeUnknown == false, "it never left the queue")
  }

  @Test("an attempt whose outcome is unknown is not forgotten when the next one fails for certain")
  func unknownStaysUnknown() async throws {
    let table = try await InsertNumbers.makeTable()
    let lane = try await lane()
    let attempts = Shared(0)
    let operation = InsertNumbers(table: table) { _ in
      attempts.update { $0 += 1 }
      if attempts.value == 1 { throw PostgresError(.connectionLost, "lost at its commit", outcomeUnknown: true) }
      throw PostgresError(.unexpectedResult, "for certain")
    }
    let queue = lane.register(operation, queueLimit: 10)
    try lane.start()
    let error = await failure { try await queue.submit(.init(id: 1), deadline: .seconds(20)) }
    await lane.close()
    #expect(attempts.value == 2)
    #expect(error?.kind == .unexpectedResult)
    #expect(error?.outcomeUnknown == true)
  }

  @Test("who was written is told while the next batch is stuck, and while it fails")
  func answersDoNotWait() async throws {
    let table = try await InsertNumbers.makeTable(constraint: "CHECK (note <> 'poison')")
    let holder = Connection(try await PostgresFixture.configuration())
    try holder.open()
    // The second item waits for this row.
    try holder.simple("BEGIN; INSERT INTO \(table) VALUES (2, 'held')")
    let lane = try await lane()
    let queue = lane.register(InsertNumbers(table: table, maximumBatch: 1), queueLimit: 10)
    async let first = queue.submit(.init(id: 1), deadline: .seconds(20))
    #expect(await eventually { queue.depth == 1 })
    async let second = queue.submit(.init(id: 2), deadline: .seconds(20))
    #expect(await eventually { queue.depth == 2 })
    try lane.start()
    _ = try await first
    #expect(try await PostgresFixture.count(table) == 1, "the second is not written when the first is answered")
    async let third = failure { try await queue.submit(.init(id: 3, note: "poison"), deadline: .seconds(20)) }
    #expect(await eventually { queue.depth == 1 })
    try holder.simple("ROLLBACK")
    _ = try await second
    #expect(await third?.kind == .server(sqlState: .checkViolation))
    await lane.close()
    #expect(try await PostgresFixture.count(table) == 2)
  }

  @Test("a full queue refuses at once")
  func queueFull() async throws {
    let lane = try await lane()
    let queue = lane.register(InsertNumbers(table: "none"), queueLimit: 3)
    async let waiting = Submissions.submit(items(1...3), to: queue, deadline: .milliseconds(500))
    #expect(await eventually { queue.depth == 3 })
    let error = await failure { try await queue.submit(.init(id: 4), deadline: .seconds(60)) }
    await lane.close()
    let others = await waiting
    #expect(error?.kind == .unavailable)
    #expect(others.errors.count == 3)
  }

  @Test("a backend that is terminated between batches and within one loses nothing and writes nothing twice")
  func terminatedBackend() async throws {
    let table = try await InsertNumbers.makeTable()
    let lane = try await lane()
    let configuration = try await PostgresFixture.configuration()
    let killings = Shared(0)
    let session = Shared<Int32>(0)
    let operation = InsertNumbers(table: table, maximumBatch: 50) { connection in
      let own = connection.backendProcess
      session.update { $0 = own }
      let round = killings.update { count in
        count += 1
        return count
      }
      guard round % 3 == 1, round < 12 else { return }
      // The session dies under an open transaction that has written already.
      try connection.execute(.begin)
      try connection.simple("INSERT INTO \(table) VALUES (-\(round), 'lost')")
      let killer = Connection(configuration)
      try killer.open()
      try killer.simple("SELECT pg_terminate_backend(\(connection.backendProcess), 5000)")
      try connection.execute(.commit)
    }
    let queue = lane.register(operation, queueLimit: 1_000)
    try lane.start()
    let first = await Submissions.submit(items(1...300), to: queue)
    let idle = session.value
    let victims = try await PostgresFixture.terminate(idle)
    let second = await Submissions.submit(items(301...600), to: queue)
    await lane.close()
    #expect(victims == 1)
    #expect(session.value != idle)
    #expect(first.errors.isEmpty && second.errors.isEmpty)
    let attempts = killings.value
    #expect(attempts > 12)
    #expect(try await PostgresFixture.count(table) == 600)
  }

  @Test("what was queued is written before the lane closes, and nothing is taken afterwards")
  func closeDrains() async throws {
    let table = try await InsertNumbers.makeTable()
    let lane = try await lane()
    let queue = lane.register(InsertNumbers(table: table, maximumBatch: 7), queueLimit: 100)
    async let outcome = Submissions.submit(items(1...100), to: queue)
    #expect(await eventually { queue.depth == 100 })
    try lane.start()
    await lane.close()
    let late = await failure { try await queue.submit(.init(id: 101), deadline: .seconds(1)) }
    #expect(await outcome.written.count == 100)
    #expect(late?.kind == .closed)
  }

  @Test("several operations share the lane, and the failure of one is not the other's")
  func severalOperations() async throws {
    let table = try await InsertNumbers.makeTable()
    let lane = try await lane()
    let good = lane.register(InsertNumbers(table: table), queueLimit: 100)
    let bad = lane.register(InsertNumbers(table: "no_such_table"), queueLimit: 100)
    try lane.start()
    async let failed = Submissions.submit(items(1...20), to: bad)
    async let written = Submissions.submit(items(1...20), to: good)
    let outcome = await (failed, written)
    await lane.close()
    #expect(outcome.0.errors.values.allSatisfy { $0.sqlState == .undefinedTable })
    #expect(outcome.0.errors.count == 20)
    #expect(outcome.1.written.count == 20)
  }

  @Test("the owner mends what is missing and the batch is written")
  func mending() async throws {
    let table = PostgresFixture.uniqueName("numbers")
    let mended = Shared(0)
    let lane = try await lane { error, connection in
      guard error.sqlState == .undefinedTable else { return false }
      mended.update { $0 += 1 }
      return (try? connection.simple("CREATE TABLE \(table) (id int8 PRIMARY KEY, note text)")) != nil
    }
    let queue = lane.register(InsertNumbers(table: table), queueLimit: 10)
    try lane.start()
    let result = await Submissions.submit(items(1...10), to: queue)
    await lane.close()
    #expect(result.written.count == 10)
    #expect(mended.value == 1)
  }

  @Test("an operation that leaves its transaction open fails, and does not poison the next batch")
  func openTransaction() async throws {
    let table = try await InsertNumbers.makeTable()
    let lane = try await lane()
    let first = Shared(true)
    let leaky = LeaksTransaction(leaks: {
      first.update { isFirst in
        defer { isFirst = false }
        return isFirst
      }
    })
    let queue = lane.register(leaky, queueLimit: 10)
    let numbers = lane.register(InsertNumbers(table: table), queueLimit: 10)
    try lane.start()
    let error = await failure { try await queue.submit(1, deadline: .seconds(5)) }
    let result = await Submissions.submit(items(1...3), to: numbers)
    await lane.close()
    #expect(error?.kind == .unexpectedResult)
    #expect(result.written == [1, 2, 3])
    #expect(try await PostgresFixture.count(table) == 3)
  }
}

private struct LeaksTransaction: BatchOperation {
  let name = "leaks"
  let maximumBatch = 10
  let leaks: @Sendable () -> Bool

  func execute(_ items: [Int], on connection: Connection) throws -> [Result<Void, any Error>] {
    if leaks() { try connection.execute(.begin) }
    return items.map { _ in .success(()) }
  }
}
