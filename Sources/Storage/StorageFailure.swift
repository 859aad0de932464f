// What a failure of the store means to its callers.

import Postgres

public enum StorageFailure {
  /// Whether the same write may succeed later, unchanged: the database is away, slow or busy, the data is not at fault.
  public static func isPassing(_ error: any Error) -> Bool {
    guard let error = error as? PostgresError else { return false }
    return error.isRetryable || error.kind == .closed
  }
}
