// A server that is there and does not answer: SIGSTOP.

import Glibc
import Testing

@testable import Postgres

@Suite("Stopped server", .serialized, .timeLimit(.minutes(1)))
struct StoppedServerTests {
  /// A server of the test's own with a table `numbers`.
  private static func clusterWithNumbers() async throws -> (EmbeddedCluster, PostgresConfiguration) {
    let cluster = try await PostgresFixture.startCluster()
    try await PostgresFixture.withConnection(to: cluster.configuration) {
      try $0.simple("CREATE TABLE numbers (id int8 PRIMARY KEY, note text NOT NULL)")
    }
    return (cluster, cluster.configuration)
  }

  @Test("with the server stopped everybody gets an answer in time, and once it goes on everything recovers")
  func stopAndGoOn() async throws {
    let (cluster, configuration) = try await Self.clusterWithNumbers()
    let lane = WriteLane(configuration: configuration, logger: PostgresFixture.logger)
    let queue = lane.register(InsertNumbers(table: "numbers"), queueLimit: 1_000)
    try lane.start()
    let pool = SessionPool(configuration: configuration, size: 2, queueLimit: 50, logger: PostgresFixture.logger)
    try pool.start()
    _ = try await queue.submit(.init(id: 0), deadline: .seconds(5))
    let one = Statement("one", "SELECT 1")
    _ = try await pool.run { try $0.execute(one).count }

    cluster.signalProcesses(SIGSTOP)
    let start = ContinuousClock.now
    let limit = Duration.milliseconds(400)
    async let lanes = Submissions.submit((1...100).map { .init(id: Int64($0)) }, to: queue, deadline: limit)
    async let calls = withTaskGroup(of: PostgresError?.self) { group in
      for _ in 0..<20 {
        group.addTask { await failure { try await pool.run(deadline: limit) { try $0.execute(one).count } } }
      }
      return await group.reduce(into: [PostgresError?]()) { $0.append($1) }
    }
    async let connects = failure {
      try await DedicatedThread.run(name: "test-connect") {
        let connection = Connection(configuration)
        connection.deadline = .now + limit
        try connection.open()
      }
    }
    let (laneResult, callResults, connectResult) = await (lanes, calls, connects)
    let took = start.duration(to: .now)
    cluster.signalProcesses(SIGCONT)

    #expect(took < .seconds(5))
    #expect(laneResult.errors.count == 100)
    #expect(laneResult.errors.values.allSatisfy { $0.kind == .deadlineExceeded })
    #expect(laneResult.errors.values.contains { $0.outcomeUnknown }, "the batch in flight")
    #expect(callResults.allSatisfy { $0?.kind == .deadlineExceeded })
    #expect(connectResult?.kind == .deadlineExceeded)

    // The same items again: those that were committed after all are not written twice.
    let again = await Submissions.submit((0...100).map { .init(id: Int64($0)) }, to: queue)
    #expect(again.errors.isEmpty)
    #expect(try await PostgresFixture.count("numbers", on: configuration) == 101)
    #expect(try await pool.run { try $0.execute(one).count } == 1)
    await lane.close()
    await pool.close()
    await cluster.stop()
  }

  @Test("whoever was told at the deadline that nothing was written, while the lane connected, is right")
  func deadlineWhileConnecting() async throws {
    let (cluster, configuration) = try await Self.clusterWithNumbers()
    let lane = WriteLane(configuration: configuration, logger: PostgresFixture.logger)
    let attempts = Shared(0)
    let operation = InsertNumbers(table: "numbers") { connection in
      attempts.update { $0 += 1 }
      guard attempts.value == 1 else { return }
      // The next attempt connects to a server that does not answer.
      cluster.signalProcesses(SIGSTOP)
      connection.close()
    }
    let queue = lane.register(operation, queueLimit: 10)
    async let first = failure { try await queue.submit(.init(id: 1), deadline: .seconds(2)) }
    async let second = failure { try await queue.submit(.init(id: 2), deadline: .seconds(20)) }
    #expect(await eventually { queue.depth == 2 })
    try lane.start()
    let error = await first
    cluster.signalProcesses(SIGCONT)
    #expect(error?.kind == .deadlineExceeded)
    #expect(error?.outcomeUnknown == false)
    #expect(await second == nil)
    #expect(operation.attempts == [2, 1])
    #expect(try await PostgresFixture.count("numbers", on: configuration) == 1)
    await lane.close()
    await cluster.stop()
  }

  @Test("a lane waits out a server that is down while its items' deadlines allow")
  func restart() async throws {
    let (cluster, configuration) = try await Self.clusterWithNumbers()
    let lane = WriteLane(configuration: configuration, logger: PostgresFixture.logger)
    let queue = lane.register(InsertNumbers(table: "numbers"), queueLimit: 1_000)
    try lane.start()
    _ = try await queue.submit(.init(id: 1), deadline: .seconds(5))
    #expect(lane.isConnected)

    // Every session is ended, as in a crash of one backend.
    let backends = RunningPostmaster.processes(of: cluster.postmasterProcess).dropFirst().filter(isClientBackend)
    #expect(!backends.isEmpty)
    for process in backends { kill(process, SIGKILL) }
    let result = await Submissions.submit((2...50).map { .init(id: Int64($0)) }, to: queue)
    #expect(result.errors.isEmpty)
    #expect(try await PostgresFixture.count("numbers", on: configuration) == 50)

    await cluster.stop()
    let error = await failure { try await queue.submit(.init(id: 51), deadline: .milliseconds(300)) }
    #expect(error?.kind == .deadlineExceeded)
    #expect(error?.outcomeUnknown == false, "nothing was ever sent")
    #expect(!lane.isConnected)
    await lane.close(deadline: .milliseconds(100))
  }

  private func isClientBackend(_ process: Int32) -> Bool {
    FileSystem.read("/proc/\(process)/cmdline")?.contains("[local]") ?? false
  }
}
