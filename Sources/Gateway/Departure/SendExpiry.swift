// Ends messages that have waited with us for too long, on every node.

import ChannelProtocol
import Logging
import Storage

struct SendExpiry: Sendable {
  let store: any MessageStore
  let clock: any WallClock
  let logger: Logger
  /// How often it is looked whether one has ended.
  var interval: Duration = .seconds(1)
  var batch = 256

  func run() async throws {
    while !Task.isCancelled {
      do {
        try await endWhatIsOver()
      } catch {
        logger.warning("expired messages wait for the database", metadata: ["error": "\(error)"])
      }
      try await Task.sleep(for: interval * Double.random(in: 0.8..<1.2))
    }
  }

  /// A read first: looking must not cost the lane a transaction.
  func endWhatIsOver() async throws {
    while let next = try await store.nextExpiry(), next <= clock.now() {
      let ended = try await store.expireSends(limit: batch, deadline: .seconds(10))
      if ended > 0 { logger.info("messages expired", metadata: ["count": "\(ended)"]) }
      // Fewer: the rest is another node's, or being sent.
      if ended < batch { return }
    }
  }
}
