// What a failure of the store means to its callers.

import Postgres

public enum StorageFailure {
  /// Whether a value is one that PostgreSQL cannot hold, such as a text with U+0000 in it.
  public static func isInvalidValue(_ error: any Error) -> Bool { (error as? PostgresError)?.kind == .invalidValue }

  /// Whether the same write may succeed later, unchanged: the database is away, slow or busy, the data is not at fault.
  public static func isPassing(_ error: any Error) -> Bool {
    guard let error = error as? PostgresError else { return false }
    return error.isRetryable || error.kind == .closed
  }
}
