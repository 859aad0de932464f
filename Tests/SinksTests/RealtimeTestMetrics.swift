// Metrics that a test can read.

import CoreMetrics
import Synchronization

/// Keeps what counters and meters were last told, by label and `reason`.
final class RealtimeTestMetrics: MetricsFactory, Sendable {
  private let values = Mutex<[String: Int64]>([:])

  /// `fractal_realtime_closed_total/slow_reader`, `fractal_realtime_connections`.
  subscript(name: String) -> Int64 { values.withLock { $0[name] ?? 0 } }

  private static func name(_ label: String, _ dimensions: [(String, String)]) -> String {
    ([label] + dimensions.map(\.1)).joined(separator: "/")
  }

  private final class Handler: CounterHandler, RecorderHandler, TimerHandler, Sendable {
    let name: String
    let owner: RealtimeTestMetrics
    init(_ name: String, _ owner: RealtimeTestMetrics) {
      self.name = name
      self.owner = owner
    }
    func increment(by amount: Int64) { owner.values.withLock { $0[name, default: 0] += amount } }
    func reset() { owner.values.withLock { $0[name] = 0 } }
    func record(_ value: Int64) { owner.values.withLock { $0[name] = value } }
    func record(_ value: Double) { record(Int64(value)) }
    func recordNanoseconds(_ duration: Int64) { record(duration) }
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    Handler(Self.name(label, dimensions), self)
  }
  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    Handler(Self.name(label, dimensions), self)
  }
  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    Handler(Self.name(label, dimensions), self)
  }
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}

/// A count that several tasks raise.
final class RealtimeTally: Sendable {
  private let value = Mutex(0)
  var count: Int { value.withLock { $0 } }
  func add() { value.withLock { $0 += 1 } }
}
