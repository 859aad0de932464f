// Files that nobody needs any longer: uploads that no message took, files older than the configuration keeps them, and
// what their rows have left on the disk.

import ChannelProtocol
import Logging
import Storage

/// Every node sweeps; what one has taken, the others pass over.
struct MediaSweep: Sendable {
  let store: any MediaStore
  let disk: MediaDirectory
  let retention: GatewayConfiguration.Retention
  let logger: Logger
  var interval: Duration = .seconds(60)

  /// How many rows one statement takes: a row may have 16 MiB.
  private static let batch = 100

  func run() async throws {
    while !Task.isCancelled {
      do {
        try await sweep()
      } catch {
        if !Task.isCancelled { logger.warning("files are not swept", metadata: ["error": "\(error)"]) }
      }
      try await Task.sleep(for: interval * Double.random(in: 0.8..<1.2))
    }
  }

  func sweep() async throws {
    while try await store.removeUnusedUploads(olderThan: retention.uploads, limit: Self.batch) == Self.batch {}
    if let age = retention.media {
      while try await store.expireMedia(olderThan: age, limit: Self.batch) == Self.batch {}
    }
    try await removeDiscarded()
    try await disk.removeUnfinished(olderThan: .seconds(3_600))
  }

  /// The file first, then the note of it: whoever crashes between the two removes a file that is not there any more.
  func removeDiscarded() async throws {
    while true {
      let ids = try await store.discardedFiles(limit: Self.batch)
      guard !ids.isEmpty else { return }
      try await disk.remove(ids)
      try await store.forgetDiscarded(ids)
    }
  }
}
