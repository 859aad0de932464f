// How many statements a session keeps prepared.

import Testing

@testable import Postgres

@Suite("Prepared statements")
struct PreparedStatementsTests {
  @Test("a session keeps those of its prepared statements that were used last, and prepares the others anew")
  func preparedAndForgotten() async throws {
    var configuration = try await PostgresFixture.configuration()
    configuration.preparedStatements = 8
    let (counts, kept, answers) = try await PostgresFixture.withConnection(to: configuration) { connection in
      func prepared() throws -> [String] {
        try connection.execute(Statement("p", "SELECT name FROM pg_prepared_statements")).map { try $0.text(0) }
      }
      func answer(_ number: Int) throws -> Int32 {
        try connection.execute(Statement("it's \"number\" \(number)", "SELECT \(number)")).single().int4(0)
      }
      var counts: [Int] = []
      var answers: [Int32] = []
      for number in 0..<40 {
        answers += [try answer(number), try answer(0)]
        counts.append(try prepared().count)
      }
      let kept = try prepared()
      answers += try (0..<40).map { try answer($0) }
      // More in one unit than are kept.
      let steps = (0..<30).map { (Statement("step \($0)", "SELECT \($0)"), Parameters()) }
      answers += try connection.pipeline(steps).map { try $0.single().int4(0) }
      // Of a transaction none is forgotten before it ends.
      answers += try connection.transaction { _ in try (0..<30).map { try answer($0) } }
      counts.append(try prepared().count)
      return (counts, kept, answers)
    }
    #expect(counts.allSatisfy { $0 <= 11 } && counts.max() ?? 0 > 8, "\(counts)")
    for number in [0, 38, 39] { #expect(kept.contains { $0.hasPrefix("it's \"number\" \(number)/") }, "\(kept)") }
    let expected = (0..<40).flatMap { [$0, 0] } + (0..<40) + (0..<30) + (0..<30)
    #expect(answers == expected.map { Int32($0) })
  }

  @Test("what somebody else has deallocated does no harm when it is forgotten")
  func forgottenTwice() async throws {
    var configuration = try await PostgresFixture.configuration()
    configuration.preparedStatements = 4
    let answers = try await PostgresFixture.withConnection(to: configuration) { connection in
      let statements = (0..<12).map { Statement("own \($0)", "SELECT \($0)") }
      for statement in statements.prefix(5) { try connection.execute(statement) }
      try connection.simple("DEALLOCATE ALL")
      return try statements.dropFirst(5).map { try connection.execute($0).single().int4(0) }
    }
    #expect(answers == Array(5..<12))
  }
}
