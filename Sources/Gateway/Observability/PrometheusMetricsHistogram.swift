// Histograms: durations in seconds, and sizes.

import Metrics
import Synchronization

/// How many observations fell below each of a row of bounds, their number and their sum.
final class PrometheusHistogram: PrometheusSeries, TimerHandler, RecorderHandler {
  private struct State {
    /// One per bound, then one for what lies above them all; not cumulative.
    var counts: [UInt64]
    var sum = 0.0
  }

  let id: PrometheusSeriesID
  private let buckets: PrometheusBuckets
  private let state: Mutex<State>

  init(id: PrometheusSeriesID, buckets: PrometheusBuckets) {
    self.id = id
    self.buckets = buckets
    state = Mutex(State(counts: Array(repeating: 0, count: buckets.bounds.count + 1)))
  }

  func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }
  func record(_ value: Int64) { observe(Double(value)) }
  func record(_ value: Double) { observe(value) }

  private func observe(_ value: Double) {
    guard value.isFinite else { return }
    let bucket = buckets.index(of: value)
    state.withLock { state in
      state.counts[bucket] += 1
      state.sum += value
    }
  }

  func append(to text: inout PrometheusText) {
    let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
    var total: UInt64 = 0
    for (count, label) in zip(counts, buckets.labels) {
      total += count
      text.sample(id, suffix: "_bucket", extraLabel: label, value: Double(total))
    }
    text.sample(id, suffix: "_sum", value: sum)
    text.sample(id, suffix: "_count", value: Double(total))
  }
}

/// The upper bounds of a histogram, rising; each belongs to its bucket.
struct PrometheusBuckets: Sendable {
  let bounds: [Double]
  /// `le="…"` for each bound and for infinity.
  let labels: [[UInt8]]

  init(bounds: [Double]) {
    self.bounds = bounds
    labels = (bounds + [.infinity]).map { Array("le=\"\(PrometheusText.number($0))\"".utf8) }
  }

  /// Half a millisecond to half a minute, in seconds.
  static let durations = Self(
    bounds: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30])

  /// One to a mebi, by powers of two: items of a batch, bytes of a body.
  static let sizes = Self(bounds: (0...20).map { Double(1 << $0) })

  /// The position of the first bound that is not below `value`; the number of bounds where there is none.
  func index(of value: Double) -> Int {
    var low = 0
    var high = bounds.count
    while low < high {
      let middle = (low + high) / 2
      if bounds[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
