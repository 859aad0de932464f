// Has what is old go from the log, and says what keeps it.

import ChannelProtocol
import Logging
import Metrics
import Storage
import Synchronization

final class EventLogExpiry: Sendable {
  private let expire: @Sendable () async throws -> EventExpiry
  private let logger: Logger
  /// How old the oldest event is that a webhook keeps beyond its time; 0: none.
  private let held: Gauge
  private let warned = Mutex<ContinuousClock.Instant?>(nil)

  init(
    logger: Logger, metrics: any MetricsFactory, expire: @escaping @Sendable () async throws -> EventExpiry
  ) {
    self.expire = expire
    self.logger = logger
    held = Gauge(label: "fractal_event_log_held_seconds", dimensions: [], factory: metrics)
  }

  func run(now: Timestamp, at instant: ContinuousClock.Instant = .now) async throws {
    let expiry = try await expire()
    if let obstacle = expiry.obstacle {
      logger.warning("a partition of old events cannot be dropped", metadata: ["error": "\(obstacle)"])
    }
    held.record(expiry.hold.map { max(0, (now - $0.at).inSeconds) } ?? 0)
    guard let hold = expiry.hold, isWorthAWarning(instant) else { return }
    logger.warning(
      """
      the event log is not removed as far as retention.events says: a webhook has still to get what is older. \
      Where no sink of the type webhook runs, or the webhook is paused, that does not end by itself
      """, metadata: ["webhook": "\(hold.webhook)", "seq": "\(hold.seq)", "since": "\(hold.at)"])
  }

  /// Once a day.
  private func isWorthAWarning(_ instant: ContinuousClock.Instant) -> Bool {
    warned.withLock { warned in
      if let warned, instant - warned < .seconds(86_400) { return false }
      warned = instant
      return true
    }
  }
}
