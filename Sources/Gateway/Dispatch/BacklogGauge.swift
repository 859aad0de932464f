// How much waits to be sent, by sender, for `/metrics`.

import ChannelProtocol
import Logging
import Metrics
import Storage

/// Reads the backlog at an interval: a scrape must not wait for the database.
struct BacklogGauge: Sendable {
  let store: any MessageStore
  let senders: [SenderLane]
  let metrics: any MetricsFactory
  var interval: Duration = .seconds(5)

  func run() async throws {
    let gauges = Dictionary(
      senders.map { lane in
        (lane.key, Gauge(label: "fractal_sender_backlog", dimensions: [("sender", lane.key)], factory: metrics))
      }, uniquingKeysWith: { first, _ in first })
    while !Task.isCancelled {
      if let backlog = try? await store.backlog() {
        for (key, gauge) in gauges { gauge.record(backlog[key] ?? 0) }
      }
      try await Task.sleep(for: interval)
    }
  }
}
