// How often a file is asked for, and what follows from a fetch that did not succeed: a table, without I/O.

import ChannelProtocol
import Storage

/// The times and numbers of fetching files.
struct MediaPolicy: Sendable {
  /// Fetches of one file, some minutes in all.
  var maximumAttempts = 9
  /// The pause before the second attempt; doubled with each further one, up to `maximumBackoff`.
  var backoff: Duration = .seconds(1)
  var maximumBackoff: Duration = .seconds(120)
  /// How many files this node fetches at once.
  var concurrency = 4
  /// Longer than the longest fetch (two hops, `MediaShelf.takingDeadline` each) and the writing down of what it gave.
  var lease: Duration = .seconds(120)
  /// How long files may go unlooked at when nobody says that there are some.
  var poll: Duration = .seconds(5)

  init() {}

  /// - Parameters:
  ///   - attempts: made so far, this one included.
  ///   - jitter: 0 ..< 1.
  func after(_ failure: MediaFailure, attempts: Int, jitter: Double) -> MediaOutcome {
    let words = "\(failure.code): \(failure.message)"
    guard case .transient(let retryAfter) = failure.kind, attempts < maximumAttempts else {
      return .failed(error: words)
    }
    let bound = min(backoff * (1 << min(max(attempts - 1, 0), 20)), maximumBackoff)
    // Between half the bound and the bound: files of one message do not come back together.
    return .retry(after: max(bound * (0.5 + jitter / 2), min(retryAfter ?? .zero, maximumBackoff)), error: words)
  }
}
