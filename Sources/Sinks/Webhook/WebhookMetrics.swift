// What the webhook sink counts.

import ChannelProtocol
import CoreMetrics
import Metrics
import Synchronization

/// Counters and timers of outbound webhooks: over all endpoints, and for each of a hundred, those with the oldest
/// deliveries among them.
struct WebhookMetrics: Sendable {
  private let attempts: [String: Counter]
  private let latency = Timer(label: "fractal_webhook_attempt_seconds", preferredDisplayUnit: .seconds)
  private let lag = Timer(label: "fractal_webhook_lag_seconds", preferredDisplayUnit: .seconds)
  private let inFlight: Gauge
  private let pending: Gauge
  private let oldest: Gauge
  private let materialised: Counter
  private let abandoned: Counter
  private let withoutSeries: Gauge
  private let endpoints: EndpointSeries

  init(factory: any MetricsFactory = MetricsSystem.factory) {
    let words = ["delivered", "refused"] + WebhookFailure.allCases.map(\.rawValue)
    attempts = Dictionary(
      uniqueKeysWithValues: words.map {
        ($0, Counter(label: "fractal_webhook_attempts_total", dimensions: [("outcome", $0)], factory: factory))
      })
    inFlight = Gauge(label: "fractal_webhook_in_flight", factory: factory)
    pending = Gauge(label: "fractal_webhook_pending", factory: factory)
    oldest = Gauge(label: "fractal_webhook_oldest_pending_seconds", factory: factory)
    materialised = Counter(label: "fractal_webhook_materialised_total", factory: factory)
    abandoned = Counter(label: "fractal_webhook_outcomes_abandoned_total", factory: factory)
    withoutSeries = Gauge(label: "fractal_webhook_endpoints_without_series", factory: factory)
    endpoints = EndpointSeries(factory)
  }

  /// - Parameter age: the time between the event and the end of the attempt.
  func attempted(_ result: WebhookResult, at endpoint: Identifier, age: Duration) {
    attempts[result.outcome]?.increment()
    latency.recordNanoseconds(result.attempt.latency.wholeNanoseconds)
    if result.isDelivered { lag.recordNanoseconds(max(0, age.wholeNanoseconds)) }
    endpoints.of(endpoint)?.attempted(isDelivered: result.isDelivered, age: age)
  }

  func underWay(_ count: Int) { inFlight.record(count) }

  /// Events read from the log and made into deliveries.
  func materialised(_ events: Int) { materialised.increment(by: events) }

  /// Outcomes that could not be written in time; their deliveries are made again.
  func abandoned(_ outcomes: Int) { abandoned.increment(by: outcomes) }

  /// What waits now, whether anything is being delivered or not.
  func waiting(_ backlog: [EndpointBacklog], at now: Timestamp) {
    func age(_ oldest: Timestamp?) -> Double { oldest.map { max(0, (now - $0).inSeconds) } ?? 0 }
    pending.record(backlog.reduce(0) { $0 + $1.pending })
    oldest.record(backlog.map { age($0.oldest) }.max() ?? 0)
    let shown = endpoints.keep(backlog)
    withoutSeries.record(backlog.count - shown.count)
    for entry in shown { endpoints.of(entry.endpoint)?.waiting(entry.pending, age(entry.oldest)) }
  }
}

/// The series of single endpoints. Their number is bounded: an endpoint more costs a scrape five lines.
private final class EndpointSeries: Sendable {
  struct Series: Sendable {
    private let delivered: Counter
    private let failed: Counter
    private let lag: Gauge
    private let pending: Gauge
    private let oldest: Gauge

    init(_ id: Identifier, _ factory: any MetricsFactory) {
      let label = ("endpoint", id.description)
      func attempts(_ outcome: String) -> Counter {
        Counter(
          label: "fractal_webhook_endpoint_attempts_total", dimensions: [label, ("outcome", outcome)], factory: factory)
      }
      func gauge(_ name: String) -> Gauge { Gauge(label: name, dimensions: [label], factory: factory) }
      delivered = attempts("delivered")
      failed = attempts("failed")
      lag = gauge("fractal_webhook_endpoint_lag_seconds")
      pending = gauge("fractal_webhook_endpoint_pending")
      oldest = gauge("fractal_webhook_endpoint_oldest_pending_seconds")
    }

    func attempted(isDelivered: Bool, age: Duration) {
      if isDelivered {
        delivered.increment()
        lag.record(max(0, age.inSeconds))
      } else {
        failed.increment()
      }
    }

    func waiting(_ count: Int, _ age: Double) {
      pending.record(count)
      oldest.record(age)
    }

    func destroy() {
      delivered.destroy()
      failed.destroy()
      lag.destroy()
      pending.destroy()
      oldest.destroy()
    }
  }

  private static let limit = 100
  private let series = Mutex<[Identifier: Series]>([:])
  private let factory: any MetricsFactory

  init(_ factory: any MetricsFactory) { self.factory = factory }

  func of(_ id: Identifier) -> Series? {
    series.withLock { series in
      if let known = series[id] { return known }
      guard series.count < Self.limit else { return nil }
      let made = Series(id, factory)
      series[id] = made
      return made
    }
  }

  /// Forgets those that are no more, and those that others need a place of more.
  /// - Returns: those that have one.
  func keep(_ backlog: [EndpointBacklog]) -> ArraySlice<EndpointBacklog> {
    let (shown, gone) = series.withLock { series in
      let shown = EndpointBacklog.worstFirst(backlog) { series[$0] != nil }.prefix(Self.limit)
      let ids = Set(shown.map(\.endpoint))
      let gone = series.filter { !ids.contains($0.key) }
      for id in gone.keys { series[id] = nil }
      return (shown, gone)
    }
    for series in gone.values { series.destroy() }
    return shown
  }
}

extension EndpointBacklog {
  /// The longest waiting first; of equals those that are shown, so that idle ones do not come and go.
  static func worstFirst(_ backlog: [EndpointBacklog], isShown: (Identifier) -> Bool) -> [EndpointBacklog] {
    let ranked = backlog.map {
      (entry: $0, oldest: $0.oldest?.microseconds ?? .max, shown: isShown($0.endpoint) ? 0 : 1)
    }
    return ranked.sorted { ($0.oldest, $0.shown) < ($1.oldest, $1.shown) }.map(\.entry)
  }
}

extension WebhookSink {
  /// Reads the backlog at an interval: a receiver that is stuck must show while nothing is delivered.
  func measure() async {
    while !Task.isCancelled {
      if let backlog = try? await context.deliveries.deliveryBacklog(node: node) {
        metrics.waiting(backlog, at: context.clock.now())
      }
      try? await Task.sleep(for: .seconds(5))
    }
  }
}

extension Duration {
  fileprivate var wholeNanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}
