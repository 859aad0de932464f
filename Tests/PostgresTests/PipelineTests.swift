// A unit whose statements are made while the server works.

import Testing

@testable import Postgres

@Suite("Pipeline")
struct PipelineTests {
  private static func inserting(into table: String, _ id: Int32) -> (Statement, Parameters) {
    var parameters = Parameters()
    parameters.int4(id)
    return (Statement("insert_into_\(table)", "INSERT INTO \(table) VALUES ($1) RETURNING id * 10"), parameters)
  }

  private func makeTable() async throws -> String {
    let table = PostgresFixture.uniqueName("pipelined")
    try await PostgresFixture.script("CREATE TABLE \(table) (id int PRIMARY KEY)")
    return table
  }

  @Test("an answer is had while the server is still at work on the next statement of the same unit")
  func answersBeforeTheEnd() async throws {
    let table = try await makeTable()
    let configuration = try await PostgresFixture.configuration()
    let result = try await PostgresFixture.withConnection { connection in
      let holder = Connection(configuration)
      try holder.open()
      try holder.simple("BEGIN; INSERT INTO \(table) VALUES (2)")
      return try connection.unit { unit in
        try unit.send(.begin)
        let (statement, one) = Self.inserting(into: table, 1)
        let first = try unit.send(statement, one)
        try unit.flush()
        // Waits for the holder.
        let second = try unit.send(statement, Self.inserting(into: table, 2).1)
        try unit.flush()
        let early = try unit.answer(to: first).single().int4(0)
        try holder.simple("ROLLBACK")
        let late = try unit.answer(to: second).single().int4(0)
        try unit.send(.commit)
        return (early, late, try unit.finish().count, connection.isInTransaction)
      }
    }
    #expect(result == (10, 20, 4, false))
    #expect(try await PostgresFixture.count(table) == 2)
  }

  @Test("the error of a statement is thrown by whoever asks for a later answer; nothing is left of the unit")
  func errorInTheMiddle() async throws {
    let table = try await makeTable()
    let result = try await PostgresFixture.withConnection { connection in
      var reached: Int32?
      let error = caught {
        try connection.unit { unit in
          try unit.send(.begin)
          let first = try unit.send(Self.inserting(into: table, 1).0, Self.inserting(into: table, 1).1)
          let again = try unit.send(Self.inserting(into: table, 1).0, Self.inserting(into: table, 1).1)
          try unit.send(.commit)
          try unit.flush()
          reached = try unit.answer(to: first).single().int4(0)
          _ = try unit.answer(to: again)
        }
      }
      return (error, reached, connection.isInTransaction, try connection.execute(Statement("one", "SELECT 1")).count)
    }
    #expect(result.0?.sqlState == .uniqueViolation)
    #expect(result.0?.statement == "insert_into_\(table)")
    #expect(result.0?.outcomeUnknown == false)
    #expect(result.1 == 10)
    #expect(result.2 == false)
    #expect(result.3 == 1)
    #expect(try await PostgresFixture.count(table) == 0)
  }

  @Test(
    "whoever breaks off undoes what was sent, with a transaction of the unit's own and without; an outer one goes on",
    arguments: ["own", "implicit", "outer"])
  func brokenOff(kind: String) async throws {
    struct Stop: Error {}
    let table = try await makeTable()
    let result = try await PostgresFixture.withConnection { connection in
      if kind == "outer" { try connection.execute(.begin) }
      var wasThrown = false
      do {
        try connection.unit { unit in
          if kind == "own" { try unit.send(.begin) }
          try unit.send(Self.inserting(into: table, 1).0, Self.inserting(into: table, 1).1)
          try unit.flush()
          throw Stop()
        }
      } catch is Stop { wasThrown = true }
      let isInTransaction = connection.isInTransaction
      if kind == "outer" { try connection.execute(.commit) }
      return (wasThrown, isInTransaction)
    }
    #expect(result.0)
    #expect(result.1 == (kind == "outer"))
    #expect(try await PostgresFixture.count(table) == (kind == "outer" ? 1 : 0))
  }

  @Test("an answer that does not come by the deadline is a cancelled statement, and the connection lives on")
  func deadlineInTheMiddle() async throws {
    let result = try await PostgresFixture.withConnection { connection in
      connection.ownCancelGrace = .seconds(10)
      connection.deadline = .now + .milliseconds(100)
      let error = caught {
        try connection.unit { unit in
          try unit.send(.begin)
          let sleep = try unit.send(Statement("sleep", "SELECT pg_sleep(60)"))
          try unit.flush()
          _ = try unit.answer(to: sleep)
        }
      }
      connection.deadline = .now + .seconds(5)
      return (error, connection.isInTransaction, try connection.execute(Statement("one", "SELECT 1")).count)
    }
    #expect(result.0?.kind == .deadlineExceeded)
    #expect(result.0?.outcomeUnknown == false)
    #expect(result.1 == false)
    #expect(result.2 == 1)
  }

  @Test(
    "a connection that is lost leaves the outcome unknown once the commit is on its way, and not before",
    arguments: [false, true])
  func lostInTheMiddle(afterCommit: Bool) async throws {
    let table = try await makeTable()
    let configuration = try await PostgresFixture.configuration()
    let error = try await PostgresFixture.withConnection { killer in
      let victim = Connection(configuration)
      try victim.open()
      return caught {
        try victim.unit { unit in
          try unit.send(.begin)
          let insert = try unit.send(Self.inserting(into: table, 1).0, Self.inserting(into: table, 1).1)
          try unit.flush()
          _ = try unit.answer(to: insert)
          var process = Parameters()
          process.int4(victim.backendProcess)
          try killer.execute(Statement("kill", "SELECT pg_terminate_backend($1, 5000)"), process)
          let next = try unit.send(afterCommit ? .commit : Statement("one", "SELECT 1"))
          try unit.flush()
          _ = try unit.answer(to: next)
        }
      }
    }
    #expect(error?.kind == .connectionLost)
    #expect(error?.outcomeUnknown == afterCommit)
    #expect(try await PostgresFixture.count(table) == 0)
  }

  @Test("what cannot be sent fails the unit in its middle, and the connection goes on")
  func invalidValue() async throws {
    let result = try await PostgresFixture.withConnection { connection in
      let error = caught {
        try connection.unit { unit in
          try unit.send(.begin)
          try unit.flush()
          var parameters = Parameters()
          parameters.text("a\0b")
          try unit.send(Statement("echo", "SELECT $1"), parameters)
        }
      }
      return (error, connection.isInTransaction, try connection.execute(Statement("one", "SELECT 1")).count)
    }
    #expect(result.0?.kind == .invalidValue)
    #expect(result.0?.statement == "echo")
    #expect(result.1 == false)
    #expect(result.2 == 1)
  }

  @Test("an error that the body swallows is thrown all the same, and no other statement comes in between")
  func swallowed() async throws {
    let table = try await makeTable()
    let errors = try await PostgresFixture.withConnection { connection in
      let swallowed = caught {
        try connection.unit { unit in
          try unit.send(.begin)
          let broken = try unit.send(Statement("broken", "SELECT 1/0"))
          try unit.flush()
          _ = try? unit.answer(to: broken)
        }
      }
      let foreign = caught {
        try connection.unit { unit in
          try unit.send(.begin)
          try unit.send(Self.inserting(into: table, 1).0, Self.inserting(into: table, 1).1)
          try connection.execute(Statement("one", "SELECT 1"))
        }
      }
      return [swallowed, foreign, caught { try connection.execute(Statement("one", "SELECT 1")) }]
    }
    #expect(errors[0]?.sqlState == "22012")
    #expect(errors[1]?.kind == .unexpectedResult)
    #expect(errors[2] == nil)
    #expect(try await PostgresFixture.count(table) == 0)
  }

  @Test("what was postponed is done while the server works, and without a statement when asked for")
  func errands() async throws {
    let order = try await PostgresFixture.withConnection { connection in
      var order: [String] = []
      connection.postpone { order.append("while it works") }
      try connection.execute(Statement("one", "SELECT 1"))
      order.append("answered")
      connection.postpone { order.append("asked for") }
      let hadSome = connection.runErrands()
      return order + [hadSome && !connection.runErrands() ? "none left" : "some left"]
    }
    #expect(order == ["while it works", "answered", "asked for", "none left"])
  }
}
