// Counters and gauges: one atomic word each.

import Metrics
import Synchronization

/// A whole number that only rises.
final class PrometheusCounter: PrometheusSeries, CounterHandler {
  let id: PrometheusSeriesID
  private let value = Atomic<Int64>(0)

  init(id: PrometheusSeriesID) { self.id = id }

  func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }

  func reset() { value.store(0, ordering: .relaxed) }

  func append(to text: inout PrometheusText) {
    text.sample(id, value: Double(value.load(ordering: .relaxed)))
  }
}

/// A number that only rises.
final class PrometheusFloatingPointCounter: PrometheusSeries, FloatingPointCounterHandler {
  let id: PrometheusSeriesID
  private let value = AtomicNumber()

  init(id: PrometheusSeriesID) { self.id = id }

  func increment(by amount: Double) { if amount > 0 { value.add(amount) } }

  func reset() { value.set(0) }

  func append(to text: inout PrometheusText) { text.sample(id, value: value.current) }
}

/// The last value that was set.
final class PrometheusGauge: PrometheusSeries, MeterHandler, RecorderHandler {
  let id: PrometheusSeriesID
  private let value = AtomicNumber()

  init(id: PrometheusSeriesID) { self.id = id }

  func set(_ value: Int64) { self.value.set(Double(value)) }
  func set(_ value: Double) { self.value.set(value) }
  func increment(by amount: Double) { value.add(amount) }
  func decrement(by amount: Double) { value.add(-amount) }
  func record(_ value: Int64) { self.value.set(Double(value)) }
  func record(_ value: Double) { self.value.set(value) }

  func append(to text: inout PrometheusText) { text.sample(id, value: value.current) }
}

/// A value that is kept elsewhere.
final class PrometheusReading: PrometheusSeries {
  let id: PrometheusSeriesID
  private let read: @Sendable () -> Double

  init(id: PrometheusSeriesID, read: @escaping @Sendable () -> Double) {
    self.id = id
    self.read = read
  }

  func append(to text: inout PrometheusText) { text.sample(id, value: read()) }
}

/// A `Double` in an atomic word.
private final class AtomicNumber: Sendable {
  private let bits = Atomic<UInt64>(0)

  var current: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

  func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  func add(_ amount: Double) {
    var seen = bits.load(ordering: .relaxed)
    while true {
      let sum = Double(bitPattern: seen) + amount
      let (isExchanged, original) = bits.weakCompareExchange(
        expected: seen, desired: sum.bitPattern, ordering: .relaxed)
      if isExchanged { return }
      seen = original
    }
  }
}
