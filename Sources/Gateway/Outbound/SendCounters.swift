// How calls to providers went, counted.

import ChannelProtocol
import Metrics

struct SendCounters: Sendable {
  let adopted: Counter
  private let accepted: Counter
  private let latency: Timer
  private let failures: [String: Counter]

  init(_ factory: any MetricsFactory) {
    func counter(_ outcome: String) -> Counter {
      Counter(label: "fractal_sends_total", dimensions: [("outcome", outcome)], factory: factory)
    }
    adopted = counter("adopted")
    accepted = counter("accepted")
    latency = Timer(label: "fractal_send_duration", dimensions: [], factory: factory)
    failures = Dictionary(
      uniqueKeysWithValues: ["rejected", "transient", "throttled", "opted_out", "misconfigured", "unknown"].map {
        ($0, counter($0))
      })
  }

  func sent(_ duration: Duration) {
    accepted.increment()
    latency.record(duration: duration)
  }

  func failed(_ kind: SendFailure.Kind) {
    let word =
      switch kind {
      case .rejected: "rejected"
      case .transient: "transient"
      case .throttled: "throttled"
      case .optedOut: "opted_out"
      case .misconfigured: "misconfigured"
      case .unknownOutcome: "unknown"
      }
    failures[word]?.increment()
  }
}
