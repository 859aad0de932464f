// What the webhook sink counts.

import ChannelProtocol
import Metrics

/// Counters and timers of outbound webhooks, made once.
struct WebhookMetrics: Sendable {
  private let attempts: [String: Counter]
  private let latency = Timer(label: "fractal_webhook_attempt_seconds", preferredDisplayUnit: .seconds)
  private let lag = Timer(label: "fractal_webhook_lag_seconds", preferredDisplayUnit: .seconds)
  private let inFlight = Gauge(label: "fractal_webhook_in_flight")
  private let materialised = Counter(label: "fractal_webhook_materialised_total")
  private let abandoned = Counter(label: "fractal_webhook_outcomes_abandoned_total")

  init() {
    let words = ["delivered", "refused"] + WebhookFailure.allCases.map(\.rawValue)
    attempts = Dictionary(
      uniqueKeysWithValues: words.map {
        ($0, Counter(label: "fractal_webhook_attempts_total", dimensions: [("outcome", $0)]))
      })
  }

  func attempted(_ result: WebhookResult) {
    attempts[result.outcome]?.increment()
    latency.recordNanoseconds(result.attempt.latency.wholeNanoseconds)
  }

  /// - Parameter age: the time between the event and its delivery.
  func delivered(age: Duration) { lag.recordNanoseconds(max(0, age.wholeNanoseconds)) }

  func underWay(_ count: Int) { inFlight.record(count) }

  /// Events read from the log and made into deliveries.
  func materialised(_ events: Int) { materialised.increment(by: events) }

  /// Outcomes that could not be written before their lease ran out; their deliveries are made again.
  func abandoned(_ outcomes: Int) { abandoned.increment(by: outcomes) }
}

extension Duration {
  fileprivate var wholeNanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}
