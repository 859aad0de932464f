// One connection: units, errors, deadlines, and what survives what.

import Testing

@testable import Postgres

@Suite("Connection")
struct ConnectionTests {
  @Test("a pipelined unit larger than the socket buffers both ways does not deadlock")
  func largePipeline() async throws {
    let lengths = try await PostgresFixture.withConnection { connection in
      let steps = (0..<16).map { index in
        var parameters = Parameters()
        parameters.bytes([UInt8](repeating: UInt8(index), count: 512 * 1_024))
        return (Statement("echo", "SELECT $1 AS echo"), parameters)
      }
      connection.deadline = .now + .seconds(20)
      return try connection.pipeline(steps).map { try $0.single().bytes(0).count }
    }
    #expect(lengths == [Int](repeating: 512 * 1_024, count: 16))
  }

  @Test("a unit is one transaction: a failing step undoes the ones before it and skips those after")
  func unitIsAtomic() async throws {
    let table = PostgresFixture.uniqueName("atomic")
    try await PostgresFixture.script("CREATE TABLE \(table) (id int PRIMARY KEY)")
    let insert = Statement("insert", "INSERT INTO \(table) VALUES ($1)")
    let error = await failure {
      try await PostgresFixture.withConnection { connection in
        try connection.pipeline(
          [1, 2, 1, 3].map { id in
            var parameters = Parameters()
            parameters.int4(Int32(id))
            return (insert, parameters)
          })
        return ()
      }
    }
    #expect(error?.kind == .server(sqlState: .uniqueViolation))
    #expect(error?.constraint == "\(table)_pkey")
    #expect(error?.table == table)
    #expect(error?.statement == "insert")
    #expect(error?.outcomeUnknown == false)
    #expect(error?.description.contains("(1)") == false, "row data is kept out of the description")
    #expect(try await PostgresFixture.count(table) == 0)
  }

  @Test("a unit with its own BEGIN that fails leaves no transaction open, and the connection goes on")
  func failedBeginIsRolledBack() async throws {
    let answer = try await PostgresFixture.withConnection { connection in
      let broken = Statement("broken", "SELECT 1/0")
      let error = caught {
        try connection.pipeline([(.begin, Parameters()), (broken, Parameters()), (.commit, Parameters())])
      }
      let wasOpen = connection.isInTransaction
      let one = try connection.execute(Statement("one", "SELECT 1")).single().int4(0)
      return (error?.sqlState, wasOpen, one)
    }
    #expect(answer.0 == "22012")
    #expect(answer.1 == false)
    #expect(answer.2 == 1)
  }

  @Test("a constraint that fails at the unit's own commit fails the unit")
  func deferredConstraint() async throws {
    let table = PostgresFixture.uniqueName("deferred")
    try await PostgresFixture.script(
      "CREATE TABLE \(table) (id int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO \(table) VALUES (1)")
    let result = try await PostgresFixture.withConnection { connection in
      let error = caught {
        try connection.execute(Statement("again", "INSERT INTO \(table) VALUES (1)"))
      }
      return (error?.sqlState, try connection.execute(Statement("one", "SELECT 1")).count)
    }
    #expect(result.0 == .uniqueViolation)
    #expect(result.1 == 1)
    #expect(try await PostgresFixture.count(table) == 1)
  }

  @Test("an error that a transaction's body swallows is not taken for a commit")
  func swallowedError() async throws {
    let error = await failure {
      try await PostgresFixture.withConnection { connection in
        try connection.transaction { inner in
          _ = try? inner.execute(Statement("broken", "SELECT 1/0"))
        }
      }
    }
    #expect(error?.kind == .unexpectedResult)
  }

  @Test("text with NUL fails before anything is sent, inside a transaction that goes on")
  func invalidValueSendsNothing() async throws {
    let answer = try await PostgresFixture.withConnection { connection in
      try connection.transaction { inner in
        var parameters = Parameters()
        parameters.text("a\0b")
        let error = caught {
          try inner.execute(Statement("echo", "SELECT $1"), parameters)
        }
        return (error?.kind, try inner.execute(Statement("one", "SELECT 1")).count)
      }
    }
    #expect(answer.0 == .invalidValue)
    #expect(answer.1 == 1)
  }

  @Test("a statement at its deadline is cancelled in time, and the connection lives on")
  func deadlineCancels() async throws {
    let result = try await PostgresFixture.withConnection { connection in
      let process = connection.backendProcess
      let start = ContinuousClock.now
      // Cancelling takes a new process of the server's: give it time where the machine is busy.
      connection.ownCancelGrace = .seconds(10)
      connection.deadline = start + .milliseconds(100)
      let error = caught { try connection.execute(Statement("sleep", "SELECT pg_sleep(60)")) }
      let took = start.duration(to: .now)
      connection.deadline = .now + .seconds(5)
      let one = try connection.execute(Statement("one", "SELECT 1")).count
      return (error, took, one, connection.backendProcess == process)
    }
    #expect(result.0?.kind == .deadlineExceeded)
    #expect(result.0?.outcomeUnknown == false)
    #expect(result.1 < .seconds(10))
    #expect(result.2 == 1)
    #expect(result.3)
  }

  @Test("a backend killed in a transaction is a lost connection whose outcome is known, until the commit is under way")
  func killedBackend() async throws {
    let table = PostgresFixture.uniqueName("killed")
    try await PostgresFixture.script("CREATE TABLE \(table) (id int)")
    let configuration = try await PostgresFixture.configuration()
    let errors = try await PostgresFixture.withConnection { killer in
      let kill = Statement("kill", "SELECT pg_terminate_backend($1, 5000)")
      func errorAfterKill(_ body: (Connection) throws -> Void) throws -> PostgresError? {
        let victim = Connection(configuration)
        try victim.open()
        try victim.execute(.begin)
        try victim.execute(Statement("insert", "INSERT INTO \(table) VALUES (1)"))
        var parameters = Parameters()
        parameters.int4(victim.backendProcess)
        try killer.execute(kill, parameters)
        do { try body(victim) } catch let error as PostgresError {
          return victim.isOpen ? nil : error
        }
        return nil
      }
      return [
        try errorAfterKill { try $0.execute(Statement("insert", "INSERT INTO \(table) VALUES (1)")) },
        try errorAfterKill { try $0.execute(.commit) },
        try errorAfterKill { try $0.simple("SELECT 1") },
      ]
    }
    #expect(errors[0]?.kind == .connectionLost)
    #expect(errors[0]?.sqlState == .adminShutdown)
    #expect(errors[0]?.isRetryable == true)
    #expect(errors.map { $0?.outcomeUnknown } == [false, true, true])
    #expect(try await PostgresFixture.count(table) == 0)
  }

  @Test("prepared statements are prepared anew after a reconnect")
  func reconnect() async throws {
    let values = try await PostgresFixture.withConnection { connection in
      let statement = Statement("twice", "SELECT $1 * 2")
      var parameters = Parameters()
      parameters.int4(21)
      let first = try connection.execute(statement, parameters).single().int4(0)
      let process = connection.backendProcess
      try connection.open()
      let second = try connection.execute(statement, parameters).single().int4(0)
      let prepared = try connection.execute(Statement("p", "SELECT count(*) FROM pg_prepared_statements")).single()
      return (first, second, process != connection.backendProcess, try prepared.int8(0))
    }
    #expect(values == (42, 42, true, 2))
  }

  @Test("a statement is prepared once per combination of parameter types, also within one unit")
  func preparedOnce() async throws {
    let count = try await PostgresFixture.withConnection { connection in
      let statement = Statement("echo", "SELECT $1")
      for round in 0..<3 {
        var number = Parameters()
        number.int4(Int32(round))
        var text = Parameters()
        text.text("x")
        try connection.pipeline([(statement, number), (statement, number), (statement, text)])
      }
      return try connection.execute(
        Statement("p", "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'echo/%'")
      )
      .single().int8(0)
    }
    #expect(count == 2)
  }

  @Test("a statement whose table has changed under it works at the next try")
  func changedTable() async throws {
    let table = PostgresFixture.uniqueName("changed")
    let columns = try await PostgresFixture.withConnection { connection in
      try connection.simple("CREATE TABLE \(table) (a int); INSERT INTO \(table) VALUES (1)")
      let all = Statement("all", "SELECT * FROM \(table)")
      try connection.execute(all)
      try connection.simple("ALTER TABLE \(table) ADD b text")
      let error = caught { try connection.execute(all) }
      return (error?.sqlState, try connection.execute(all).columnCount)
    }
    #expect(columns.0 == .featureNotSupported)
    #expect(columns.1 == 2)
  }

  @Test("a script runs all its statements, and an error in it undoes them")
  func script() async throws {
    let table = PostgresFixture.uniqueName("script")
    let state = try await PostgresFixture.withConnection { connection in
      try connection.simple(
        "CREATE TABLE \(table) (id int); INSERT INTO \(table) VALUES (1); INSERT INTO \(table) VALUES (2)")
      let error = caught {
        try connection.simple("BEGIN; DELETE FROM \(table); SELECT nonsense; COMMIT")
      }
      return error?.sqlState
    }
    #expect(state == "42703")
    #expect(try await PostgresFixture.count(table) == 2)
  }

  @Test("COPY is refused without hanging")
  func copy() async throws {
    let error = await failure {
      try await PostgresFixture.withConnection { try $0.simple("COPY (SELECT 1) TO STDOUT") }
    }
    #expect(error?.kind == .unexpectedResult)
  }

  @Test("session settings reach the server")
  func settings() async throws {
    var configuration = try await PostgresFixture.configuration()
    configuration.sessionSettings = ["plan_cache_mode": "force_generic_plan", "fractal.word": "with blank \\ and"]
    configuration.lockTimeout = .milliseconds(1_234)
    let values = try await PostgresFixture.withConnection(to: configuration) { connection in
      let row = try connection.execute(
        Statement(
          "s",
          "SELECT current_setting('plan_cache_mode'), current_setting('lock_timeout'), current_setting('fractal.word')")
      ).single()
      return [try row.text(0), try row.text(1), try row.text(2)]
    }
    #expect(values == ["force_generic_plan", "1234ms", "with blank \\ and"])
  }

  @Test(
    "a password never shows",
    arguments: [
      "postgresql://bob:sesame@db.example/x", "host=db user=bob password=sesame", "postgresql://bob:sesame@[nonsense",
    ])
  func redaction(url: String) {
    let configuration = PostgresConfiguration(url: url)
    var dumped = ""
    dump(configuration, to: &dumped)
    var words = "\(configuration) \(String(reflecting: configuration)) \(dumped)"
    do { try configuration.validate() } catch { words += "\(error)" }
    #expect(!words.contains("sesame"))
  }

  @Test("a server that is not there is unavailable, with libpq's words")
  func unreachable() async throws {
    let error = await failure {
      try await PostgresFixture.withConnection(
        to: PostgresConfiguration(url: "host=/nonexistent user=nobody dbname=x")
      ) { $0.isOpen }
    }
    #expect(error?.kind == .unavailable)
    #expect(error?.isRetryable == true)
  }
}
