// What must be looked after from time to time, on every node.

import ChannelProtocol
import Logging
import Metrics
import Storage

/// What is urgent has a task of its own; the rest is done in turn, so that it leaves sessions to those who wait.
struct Maintenance: Sendable {
  let store: any MessageStore
  /// How long the event log goes back.
  let events: Duration
  /// How long deliveries are kept that have ended.
  let deliveries: Duration
  let clock: any WallClock
  let metrics: any MetricsFactory
  let logger: Logger
  /// How long deposited content is remembered that no message uses. Longer than any message waits.
  static let deposits: Duration = .seconds(90 * 86_400)
  var interval: Duration = .seconds(5)
  private static let sortInterval: Duration = .milliseconds(250)
  private static let expiryInterval: Duration = .seconds(3_600)

  func run() async {
    await withDiscardingTaskGroup { group in
      for job in jobs { group.addTask { [logger] in await job.run(logger) } }
    }
  }

  private var jobs: [RecurringJob] {
    let log = EventLogExpiry(logger: logger, metrics: metrics) { try await store.expireEvents(olderThan: events) }
    return [
      RecurringJob(
        interval: interval,
        steps: [
          .init(name: "event log") { try await store.maintainEventLog() },
          .init(name: "parked reports") { try await adoptParkedReports() },
        ]),
      RecurringJob(
        interval: interval, steps: [.init(name: "removed webhooks") { try await store.finishRemovals() }]),
      RecurringJob(
        interval: Self.sortInterval, steps: [.init(name: "search indexes") { try await store.sortSearchIndexes() }]),
      RecurringJob(
        interval: Self.expiryInterval,
        steps: [
          .init(name: "old parked reports") { try await store.expireParkedReports() },
          .init(name: "idempotency keys") { try await store.expireIdempotencyKeys() },
          .init(name: "deliveries") { try await store.expireDeliveries(olderThan: deliveries) },
          .init(name: "events") { try await log.run(now: clock.now()) },
          .init(name: "deposits") { try await store.expireDeposits(olderThan: Self.deposits) },
        ]),
    ]
  }

  /// Reports that were parked on one node while another wrote down the message they are about.
  private func adoptParkedReports() async throws {
    for update in try await store.parkedReports(limit: 256) {
      if try await store.apply(update, deadline: .seconds(5)) == .applied { try await store.dropParked(update) }
    }
  }
}
