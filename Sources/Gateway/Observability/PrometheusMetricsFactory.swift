// The registry as a backend of swift-metrics.

import Metrics
import Synchronization

/// Counters end in `_total` and timers in `_seconds`; both suffixes are added where they are missing.
extension PrometheusRegistry: MetricsFactory {
  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    let id = PrometheusSeriesID(name: PrometheusName.counter(label), labels: dimensions)
    return series(id, kind: .counter, make: PrometheusCounter.init(id:)) ?? NOOPMetricsHandler.instance
  }

  func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
    let id = PrometheusSeriesID(name: PrometheusName.counter(label), labels: dimensions)
    return series(id, kind: .counter, make: PrometheusFloatingPointCounter.init(id:)) ?? NOOPMetricsHandler.instance
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    let id = PrometheusSeriesID(name: PrometheusName.metric(label), labels: dimensions)
    return series(id, kind: .gauge, make: PrometheusGauge.init(id:)) ?? NOOPMetricsHandler.instance
  }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    let id = PrometheusSeriesID(name: PrometheusName.metric(label), labels: dimensions)
    guard aggregate else {
      return series(id, kind: .gauge, make: PrometheusGauge.init(id:)) ?? NOOPMetricsHandler.instance
    }
    return series(id, kind: .histogram) { PrometheusHistogram(id: $0, buckets: .sizes) } ?? NOOPMetricsHandler.instance
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    let id = PrometheusSeriesID(name: PrometheusName.timer(label), labels: dimensions)
    return series(id, kind: .histogram) { PrometheusHistogram(id: $0, buckets: .durations) }
      ?? NOOPMetricsHandler.instance
  }

  func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }
  func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { destroy(handler) }
  func destroyMeter(_ handler: any MeterHandler) { destroy(handler) }
  func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }
  func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }

  private func destroy(_ handler: AnyObject) {
    if let series = handler as? any PrometheusSeries { remove(series) }
  }
}

// MARK: The process-wide factory

extension PrometheusRegistry {
  private static let isBootstrapped = Mutex(false)

  /// Makes this the registry of instruments that name no factory: those of libraries.
  ///
  /// swift-metrics takes one factory per process and traps at a second, so the first call counts and all later ones do
  /// nothing: a process that runs several gateways has the libraries' figures in the first one's registry.
  ///
  /// - Returns: whether this call was the first.
  @discardableResult
  func bootstrapOnce() -> Bool {
    Self.isBootstrapped.withLock { isBootstrapped in
      guard !isBootstrapped, MetricsSystem.factory is NOOPMetricsHandler else { return false }
      MetricsSystem.bootstrap(self)
      isBootstrapped = true
      return true
    }
  }
}
