// What is counted about realtime connections.

internal import CoreMetrics
internal import Metrics

struct RealtimeMetrics: Sendable {
  /// Why a connection ended, as the `reason` label.
  enum CloseReason: String, CaseIterable {
    /// The client closed.
    case client
    /// The transport went away.
    case lost
    case slowReader = "slow_reader"
    case noPong = "no_pong"
    case unauthorized
    case forbidden
    case protocolError = "protocol_error"
    case tooBig = "too_big"
    case shutdown
    case unavailable
  }

  private let connections: Gauge
  private let eventsSent: Counter
  private let lag: Timer
  private let logReads: Counter
  private let resets: Counter
  private let closed: [CloseReason: Counter]

  init(factory: any MetricsFactory = MetricsSystem.factory) {
    connections = Gauge(label: "fractal_realtime_connections", factory: factory)
    eventsSent = Counter(label: "fractal_realtime_events_sent_total", factory: factory)
    lag = Timer(label: "fractal_realtime_lag_seconds", factory: factory)
    logReads = Counter(label: "fractal_realtime_log_reads_total", factory: factory)
    resets = Counter(label: "fractal_realtime_resets_total", factory: factory)
    closed = Dictionary(
      uniqueKeysWithValues: CloseReason.allCases.map {
        (
          $0,
          Counter(label: "fractal_realtime_closed_total", dimensions: [("reason", $0.rawValue)], factory: factory)
        )
      })
  }

  func connections(_ count: Int) { connections.record(count) }
  func sent(_ events: Int) { eventsSent.increment(by: events) }
  /// The time between an event and its way to the socket; taken once per wake-up of a loop, not per connection.
  func lagged(microseconds: Int64) { lag.recordMicroseconds(max(0, microseconds)) }
  func readLog() { logReads.increment() }
  func reset() { resets.increment() }
  func closed(_ reason: CloseReason) { closed[reason]?.increment() }
}
