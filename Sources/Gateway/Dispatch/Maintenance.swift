// What must be looked after from time to time, on every node.

import ChannelProtocol
import Logging
import Storage

struct Maintenance: Sendable {
  let store: any MessageStore
  /// How long the event log goes back.
  let events: Duration
  /// How long deliveries are kept that have ended.
  let deliveries: Duration
  let logger: Logger
  /// How long deposited content is remembered that no message uses. Longer than any message waits.
  static let deposits: Duration = .seconds(90 * 86_400)
  var interval: Duration = .seconds(5)

  func run() async throws {
    var nextExpiry = ContinuousClock.now
    while !Task.isCancelled {
      do {
        try await store.maintainEventLog()
        try await adoptParkedReports()
        if nextExpiry <= .now {
          try await store.expireParkedReports()
          try await store.expireIdempotencyKeys()
          try await store.expireDeliveries(olderThan: deliveries)
          try await store.expireEvents(olderThan: events)
          try await store.expireDeposits(olderThan: Self.deposits)
          nextExpiry = .now + .seconds(3_600)
        }
      } catch {
        logger.warning("maintenance waits for the database", metadata: ["error": "\(error)"])
      }
      try await Task.sleep(for: interval * Double.random(in: 0.8..<1.2))
    }
  }

  /// Reports that were parked on one node while another wrote down the message they are about.
  private func adoptParkedReports() async throws {
    for update in try await store.parkedReports(limit: 256) {
      if try await store.apply(update, deadline: .seconds(5)) == .applied { try await store.dropParked(update) }
    }
  }
}
