// How much waits: to be sent, by sender, and in the journal; for `/metrics`.

import ChannelProtocol
import Logging
import Metrics
import Storage

/// Reads the backlog at an interval: a scrape must not wait for the database.
struct BacklogGauge: Sendable {
  let store: any MessageStore
  let senders: [SenderLane]
  let metrics: any MetricsFactory
  let journal: Journal
  let logger: Logger
  var interval: Duration = .seconds(5)

  func run() async throws {
    var gauges: [String: Gauge] = [:]
    let configured = Set(senders.map(\.key))
    var orphaned: Set<String> = []
    let journalBytes = Gauge(label: "fractal_journal_bytes", dimensions: [], factory: metrics)
    while !Task.isCancelled {
      journalBytes.record(journal.bytes)
      if let backlog = try? await store.backlog() {
        for key in configured.union(gauges.keys).union(backlog.keys) {
          let gauge =
            gauges[key] ?? Gauge(label: "fractal_sender_backlog", dimensions: [("sender", key)], factory: metrics)
          gauges[key] = gauge
          gauge.record(backlog[key] ?? 0)
        }
        // Another node may have the sender still; if none has, somebody must be told.
        for key in Set(backlog.keys).subtracting(configured).subtracting(orphaned) {
          logger.warning(
            "messages wait for a sender that no channel of this node has", metadata: ["count": "\(backlog[key] ?? 0)"])
          orphaned.insert(key)
        }
      }
      try await Task.sleep(for: interval)
    }
  }
}
