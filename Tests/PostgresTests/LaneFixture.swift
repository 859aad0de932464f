// Operations for lanes under test.

import Synchronization

@testable import Postgres

/// Inserts numbers; a number that is there already counts as written. Knows how often it ran, and with how many.
final class InsertNumbers: BatchOperation {
  struct Item: Sendable {
    let id: Int64
    var note = "n"
  }

  let name: String
  let maximumBatch: Int
  let table: String
  /// Runs on the lane's thread before each attempt.
  let before: @Sendable (Connection) throws -> Void
  private let log = Mutex<[Int]>([])
  private let statement: Statement

  init(
    table: String, maximumBatch: Int = 64, before: @escaping @Sendable (Connection) throws -> Void = { _ in }
  ) {
    self.name = "insert_numbers"
    self.table = table
    self.maximumBatch = maximumBatch
    self.before = before
    self.statement = Statement(
      "insert_numbers",
      """
      INSERT INTO \(table) (id, note) SELECT i.id, i.note FROM unnest($1, $2) AS i (id, note)
      WHERE NOT EXISTS (SELECT FROM \(table) AS t WHERE t.id = i.id)
      """)
  }

  /// Batch sizes, one per attempt.
  var attempts: [Int] { log.withLock(\.self) }

  func execute(_ items: [Item], on connection: Connection) throws -> [Result<Int64, any Error>] {
    log.withLock { $0.append(items.count) }
    try before(connection)
    var parameters = Parameters()
    parameters.int8Array(items.map(\.id))
    parameters.textArray(items.map(\.note))
    try connection.pipeline([(.begin, Parameters()), (statement, parameters), (.commit, Parameters())])
    return items.map { .success($0.id) }
  }

  static func makeTable(constraint: String = "") async throws -> String {
    let table = PostgresFixture.uniqueName("numbers")
    try await PostgresFixture.script("CREATE TABLE \(table) (id int8 PRIMARY KEY, note text NOT NULL \(constraint))")
    return table
  }
}

/// What became of many submissions: the ids that were written, and the errors by id.
struct Submissions: Sendable {
  var written: [Int64] = []
  var errors: [Int64: PostgresError] = [:]

  static func submit(
    _ items: [InsertNumbers.Item], to queue: LaneQueue<InsertNumbers>, deadline: Duration = .seconds(10)
  ) async -> Submissions {
    await withTaskGroup(of: (Int64, PostgresError?).self) { group in
      for item in items {
        group.addTask { (item.id, await failure { try await queue.submit(item, deadline: deadline) }) }
      }
      var result = Submissions()
      for await (id, error) in group {
        if let error { result.errors[id] = error } else { result.written.append(id) }
      }
      result.written.sort()
      return result
    }
  }
}
