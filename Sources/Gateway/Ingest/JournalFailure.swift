// Why the journal did not do what it was asked.

/// A failure of the journal. `timedOut` leaves open whether the entry was kept; a repeat is harmless.
enum JournalFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// As many bytes are kept as may be, or the disk has no room.
  case full
  /// The disk is too slow for what comes in: as many bytes wait for it as may wait.
  case busy
  /// The entry is larger than any may be, in bytes.
  case tooLarge(Int)
  /// The disk did not answer within the journal's patience.
  case timedOut
  case closed
  /// Another process, or another journal of this one, has the directory.
  case locked(directory: String)
  case alreadyDraining
  /// The operating system refused: what was tried, the path, and `errno`.
  case system(operation: String, path: String, code: Int32, reason: String)

  var description: String {
    switch self {
    case .full: "the journal is full"
    case .busy: "the journal's disk is too slow: too much waits for it"
    case .tooLarge(let bytes): "an entry of \(bytes) bytes is too large for the journal"
    case .timedOut: "the journal's disk did not answer in time"
    case .closed: "the journal is closed"
    case .locked(let directory): "the journal in \(directory) is in use by another process"
    case .alreadyDraining: "the journal is being drained already"
    case .system(let operation, let path, _, let reason): "cannot \(operation) \(path): \(reason)"
    }
  }
}
