// The answer to one statement, read where libpq put it.

import CLibpq

/// The rows of one answer, in PostgreSQL's binary format.
///
/// Holds libpq's memory for as long as it or one of its rows lives; values are decoded at each access.
public struct Rows: Sendable, RandomAccessCollection {
  let result: ResultMemory

  init(_ result: ResultMemory) { self.result = result }

  public var startIndex: Int { 0 }
  public var endIndex: Int { result.rowCount }
  public var columnCount: Int { result.columnCount }

  public subscript(row: Int) -> Row {
    precondition(row >= 0 && row < result.rowCount, "row \(row) of \(result.rowCount)")
    return Row(result: result, row: Int32(row))
  }

  /// What the server says it did, for example `INSERT 0 64` or `COMMIT`.
  public var commandTag: String { String(cString: PQcmdStatus(result.pointer)) }

  /// Rows inserted, updated, deleted, or selected; 0 for other commands.
  public var affectedRows: Int { Int(String(cString: PQcmdTuples(result.pointer))) ?? 0 }

  /// The only row, or an error.
  public func single() throws(PostgresError) -> Row {
    guard count == 1 else { throw PostgresError(.unexpectedResult, "expected one row, got \(count)") }
    return self[0]
  }
}

/// Owns one `PGresult`.
// Sound: a finished PGresult is read-only (libpq documentation, "Behavior in Threaded Programs"); only deinit frees it.
final class ResultMemory: @unchecked Sendable {
  let pointer: OpaquePointer
  let rowCount: Int
  let columnCount: Int

  init(_ pointer: OpaquePointer) {
    self.pointer = pointer
    self.rowCount = Int(PQntuples(pointer))
    self.columnCount = Int(PQnfields(pointer))
  }

  deinit { PQclear(pointer) }
}
