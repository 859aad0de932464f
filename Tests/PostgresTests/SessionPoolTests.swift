// Lending sessions: order, bounds, deadlines, cancellation.

import Testing

@testable import Postgres

@Suite("Session pool")
struct SessionPoolTests {
  private func withPool<Value>(
    size: Int, queueLimit: Int = 10, _ body: (SessionPool) async throws -> Value
  ) async throws -> Value {
    let pool = SessionPool(
      configuration: try await PostgresFixture.configuration(), size: size, queueLimit: queueLimit,
      logger: PostgresFixture.logger)
    try pool.start()
    do {
      let value = try await body(pool)
      await pool.close(grace: .milliseconds(200))
      return value
    } catch {
      await pool.close(grace: .milliseconds(200))
      throw error
    }
  }

  private static let one = Statement("one", "SELECT 1")
  private static let sleep = Statement("sleep", "SELECT pg_sleep(60)")

  @Test("a call beyond the pool's size waits for a session, in order of arrival")
  func waits() async throws {
    let order = Shared<[Int]>([])
    try await withPool(size: 1) { pool in
      let gate = Gate()
      async let first: Void = pool.run { _ in gate.pass() }
      #expect(await eventually { gate.visitors == 1 })
      @Sendable func call(_ number: Int) async throws {
        try await pool.run { connection in
          try connection.execute(Self.one)
          order.update { $0.append(number) }
        }
      }
      async let second: Void = call(2)
      #expect(await eventually { pool.waitingCalls == 1 })
      async let third: Void = call(3)
      #expect(await eventually { pool.waitingCalls == 2 })
      async let fourth: Void = call(4)
      #expect(await eventually { pool.waitingCalls == 3 })
      let before = order.value
      #expect(before == [])
      gate.open()
      _ = try await (first, second, third, fourth)
    }
    let after = order.value
    #expect(after == [2, 3, 4])
  }

  @Test("a saturated pool refuses at once, and a waiting call fails at its deadline")
  func saturation() async throws {
    try await withPool(size: 1, queueLimit: 1) { pool in
      let gate = Gate()
      async let holder: Void = pool.run(deadline: .seconds(60)) { _ in gate.pass() }
      #expect(await eventually { gate.visitors == 1 })
      let waiter = Task { await failure { try await pool.run(deadline: .seconds(60)) { $0.isOpen } } }
      #expect(await eventually { pool.waitingCalls == 1 })
      let refused = await failure { try await pool.run { $0.isOpen } }
      #expect(refused?.kind == .poolExhausted)
      waiter.cancel()
      #expect(await waiter.value?.kind == .cancelled)

      let start = ContinuousClock.now
      let late = await failure { try await pool.run(deadline: .milliseconds(200)) { $0.isOpen } }
      let took = start.duration(to: .now)
      gate.open()
      try await holder
      #expect(late?.kind == .deadlineExceeded)
      #expect(late?.outcomeUnknown == false)
      #expect(took >= .milliseconds(200) && took < .seconds(3))
    }
  }

  @Test("a statement that outlasts its call's deadline is cancelled, and the session serves the next call")
  func runningDeadline() async throws {
    try await withPool(size: 1) { pool in
      let start = ContinuousClock.now
      let error = await failure {
        try await pool.run(deadline: .milliseconds(150)) { try $0.execute(Self.sleep).count }
      }
      #expect(error?.kind == .deadlineExceeded)
      #expect(start.duration(to: .now) < .seconds(5))
      let answers = try await pool.run { try $0.execute(Self.one).count }
      #expect(answers == 1)
    }
  }

  @Test("cancelling the task ends a wait, and cancels a statement that runs")
  func cancellation() async throws {
    try await withPool(size: 1) { pool in
      let process = try await pool.run { $0.backendProcess }
      let runs = Task {
        await failure { try await pool.run(deadline: .seconds(30)) { try $0.execute(Self.sleep).count } }
      }
      #expect(
        await eventually {
          let count = try? await PostgresFixture.withConnection { connection in
            var parameters = Parameters()
            parameters.int4(process)
            let sql = "SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%pg_sleep%'"
            return try connection.execute(Statement("active", sql), parameters).count
          }
          return count == 1
        })
      let waits = Task { await failure { try await pool.run(deadline: .seconds(30)) { $0.isOpen } } }
      waits.cancel()
      #expect(await waits.value?.kind == .cancelled)
      let start = ContinuousClock.now
      runs.cancel()
      #expect(await runs.value?.kind == .cancelled)
      #expect(start.duration(to: .now) < .seconds(5))
      let answers = try await pool.run { try $0.execute(Self.one).count }
      #expect(answers == 1)
    }
  }

  @Test("a task that is cancelled before its call gets no session")
  func cancelledBefore() async throws {
    try await withPool(size: 1) { pool in
      let gate = Gate()
      let holder = Task { try await pool.run { _ in gate.pass() } }
      #expect(await eventually { gate.visitors == 1 })
      let call = Task {
        // Until the cancel is there.
        while !Task.isCancelled { await Task.yield() }
        return await failure { try await pool.run(deadline: .seconds(20)) { $0.isOpen } }
      }
      call.cancel()
      let error = await call.value
      gate.open()
      try await holder.value
      #expect(error?.kind == .cancelled)
      #expect(gate.visitors == 1)
    }
  }

  @Test("a transaction left open is rolled back before the session is lent again")
  func leftOpen() async throws {
    try await withPool(size: 1) { pool in
      _ = try await pool.run { connection in
        try connection.execute(.begin)
        try connection.execute(Statement("temporary", "CREATE TEMP TABLE left_open (id int)"))
        return 0
      }
      let tables = try await pool.run { connection in
        try connection.execute(Statement("tables", "SELECT FROM pg_class WHERE relname = 'left_open'")).count
      }
      #expect(tables == 0)
    }
  }

  @Test("a session whose backend was terminated while idle is replaced without an error")
  func staleSession() async throws {
    try await withPool(size: 1) { pool in
      let process = try await pool.run { $0.backendProcess }
      try await PostgresFixture.script("SELECT pg_terminate_backend(\(process), 5000)")
      let next = try await pool.run { connection in
        try connection.execute(Self.one)
        return connection.backendProcess
      }
      #expect(next != process)
    }
  }

  @Test("closing fails those who wait, cancels those who run past the grace, and refuses the rest")
  func closing() async throws {
    let pool = SessionPool(
      configuration: try await PostgresFixture.configuration(), size: 1, queueLimit: 5,
      logger: PostgresFixture.logger)
    try pool.start()
    let gate = Gate()
    gate.open()
    async let running = failure {
      try await pool.run(deadline: .seconds(60)) { connection in
        gate.pass()
        return try connection.execute(Self.sleep).count
      }
    }
    #expect(await eventually { gate.visitors == 1 })
    async let waiting = failure { try await pool.run(deadline: .seconds(60)) { $0.isOpen } }
    #expect(await eventually { pool.waitingCalls == 1 })
    let start = ContinuousClock.now
    await pool.close(grace: .milliseconds(100))
    #expect(start.duration(to: .now) < .seconds(3))
    #expect(await running?.kind == .cancelled)
    #expect(await waiting?.kind == .closed)
    #expect(await failure { try await pool.run { $0.isOpen } }?.kind == .closed)
  }
}
