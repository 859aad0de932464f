// The metrics registry and its text.

import Foundation
import Metrics
import Testing

@testable import Gateway

@Suite("Metrics")
struct ObservabilityPrometheusTests {
  let registry = PrometheusRegistry()

  /// The exposition without the figures of the process and of the registry itself.
  private var lines: [String] {
    String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n").map(String.init)
      .filter { !$0.contains("process_") && !$0.contains("fractal_metrics_refused") }
  }

  private func value(_ series: String) -> String? {
    String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix(series + " ") }.map { String($0.dropFirst(series.count + 1)) }
  }

  @Test("counters, gauges and meters are exposed by name and label, with help and type")
  func exposition() {
    registry.describe("fractal_sends_total", as: "Sends, by outcome.\nOne per call.")
    Counter(label: "fractal.sends", dimensions: [("outcome", "failed")], factory: registry).increment(by: 2)
    Counter(label: "fractal_sends_total", dimensions: [("outcome", "accepted")], factory: registry).increment()
    Gauge(label: "fractal-queue.depth", factory: registry).record(17)
    let meter = Meter(label: "a", dimensions: [("b", "2"), ("a", "1")], factory: registry)
    meter.set(1.5)
    meter.increment(by: 2)
    meter.decrement()
    FloatingPointCounter(label: "cost", factory: registry).increment(by: 0.25)
    #expect(
      lines == [
        "# HELP a a",
        "# TYPE a gauge",
        #"a{a="1",b="2"} 2.5"#,
        "# HELP cost_total cost total",
        "# TYPE cost_total counter",
        "cost_total 0.25",
        "# HELP fractal_queue_depth fractal queue depth",
        "# TYPE fractal_queue_depth gauge",
        "fractal_queue_depth 17",
        #"# HELP fractal_sends_total Sends, by outcome.\nOne per call."#,
        "# TYPE fractal_sends_total counter",
        #"fractal_sends_total{outcome="accepted"} 1"#,
        #"fractal_sends_total{outcome="failed"} 2"#,
      ])
  }

  @Test("a timer is a cumulative histogram in seconds, a bound belonging to its bucket")
  func timer() {
    let timer = Timer(label: "fractal_send_duration", dimensions: [("channel", "sms")], factory: registry)
    timer.recordMicroseconds(500)
    timer.recordMilliseconds(3)
    timer.recordSeconds(31)
    let name = "fractal_send_duration_seconds"
    #expect(value(#"\#(name)_bucket{channel="sms",le="0.0005"}"#) == "1")
    #expect(value(#"\#(name)_bucket{channel="sms",le="0.0025"}"#) == "1")
    #expect(value(#"\#(name)_bucket{channel="sms",le="0.005"}"#) == "2")
    #expect(value(#"\#(name)_bucket{channel="sms",le="30"}"#) == "2")
    #expect(value(#"\#(name)_bucket{channel="sms",le="+Inf"}"#) == "3")
    #expect(value(#"\#(name)_count{channel="sms"}"#) == "3")
    #expect(value(#"\#(name)_sum{channel="sms"}"#) == "31.0035")
    #expect(lines.contains("# TYPE \(name) histogram"))
  }

  @Test("a recorder that aggregates is a histogram of sizes by powers of two")
  func recorder() {
    let recorder = Recorder(label: "batch_items", factory: registry)
    for size in [1, 2, 3, 5, 5_000_000] { recorder.record(size) }
    recorder.record(Double.nan)
    #expect(value(#"batch_items_bucket{le="1"}"#) == "1")
    #expect(value(#"batch_items_bucket{le="4"}"#) == "3")
    #expect(value(#"batch_items_bucket{le="8"}"#) == "4")
    #expect(value(#"batch_items_bucket{le="1048576"}"#) == "4")
    #expect(value("batch_items_count") == "5")
    #expect(value("batch_items_sum") == "5000011")
  }

  @Test("label values and names come out as Prometheus takes them")
  func labels() {
    let hostile = "a\"b\\c\nd é"
    Counter(
      label: "9 lives", dimensions: [("wo-rd", hostile), ("le", "x"), ("wo_rd", "second")], factory: registry
    ).increment()
    #expect(lines.last == #"_9_lives_total{exported_le="x",wo_rd="a\"b\\c\nd é"} 1"#)
  }

  @Test("two instruments of one name and the same labels, in any order, are one series")
  func shared() {
    Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
    Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
    #expect(value(#"c_total{a="1",b="2"}"#) == "2")
    #expect(lines.count == 3)
  }

  @Test("concurrent increments are all counted")
  func concurrent() async {
    let counter = Counter(label: "c", factory: registry)
    let meter = Meter(label: "m", factory: registry)
    let timer = Timer(label: "t", factory: registry)
    await withTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<5_000 {
            counter.increment()
            meter.increment(by: 1.0)
            timer.recordSeconds(1)
          }
        }
      }
    }
    #expect(value("c_total") == "40000")
    #expect(value("m") == "40000")
    #expect(value("t_seconds_count") == "40000")
    #expect(value("t_seconds_sum") == "40000")
  }

  @Test("beyond the limit new series are refused and counted, and old ones go on")
  func limit() {
    let registry = PrometheusRegistry(seriesLimit: 3)
    let counters = (0..<5).map { Counter(label: "c", dimensions: [("n", "\($0)")], factory: registry) }
    for counter in counters { counter.increment(by: 7) }
    registry.gauge("g") { 1 }
    let text = String(decoding: registry.exposition(), as: UTF8.self)
    #expect(text.contains("c_total{n=\"2\"} 7\n"))
    #expect(!text.contains("n=\"3\""))
    #expect(text.contains("fractal_metrics_refused_series_total 3\n"))
    counters[0].destroy()
    Counter(label: "c", dimensions: [("n", "9")], factory: registry).increment()
    let next = String(decoding: registry.exposition(), as: UTF8.self)
    #expect(next.contains("c_total{n=\"9\"} 1\n"))
    #expect(!next.contains("n=\"0\""))
  }

  @Test("a name keeps its first type")
  func conflictingType() {
    Gauge(label: "x_total", factory: registry).record(5)
    Counter(label: "x", factory: registry).increment()
    #expect(lines == ["# HELP x_total x total", "# TYPE x_total gauge", "x_total 5"])
    #expect(value("fractal_metrics_refused_series_total") == "1")
  }

  @Test("a gauge with a callback is read at each scrape, and its successor replaces it")
  func callbacks() {
    let depth = PrometheusGauge(id: PrometheusSeriesID(name: "unregistered"))
    registry.gauge("depth", labels: [("lane", "0")]) { 3 }
    #expect(value(#"depth{lane="0"}"#) == "3")
    registry.gauge("depth", labels: [("lane", "0")]) { .infinity }
    #expect(value(#"depth{lane="0"}"#) == "+Inf")
    registry.counter("dropped") { 12 }
    #expect(value("dropped_total") == "12")
    depth.set(1.0)
    #expect(value("unregistered") == nil)
  }

  @Test("the process's own figures are there and plausible")
  func process() throws {
    let memory = try #require(value("process_resident_memory_bytes").flatMap(Double.init))
    #expect(memory > 1e6 && memory < 1e11)
    let start = try #require(value("process_start_time_seconds").flatMap(Double.init))
    #expect(abs(Date().timeIntervalSince1970 - start) < 3_600)
    let descriptors = try #require(value("process_open_fds").flatMap(Double.init))
    #expect(descriptors >= 3)
    #expect(value("process_cpu_seconds_total").flatMap(Double.init) != nil)
  }

  @Test("a program's name may hold brackets and blanks")
  func statLine() throws {
    let numbers = (4...52).map(String.init).joined(separator: " ")
    let figures = try #require(
      ProcessFigures(stat: "1 (a) b (c) S \(numbers)", ticksPerSecond: 100, pageBytes: 4_096, bootTime: 1_000))
    #expect(figures.cpuSeconds == 0.29)
    #expect(figures.startTime == 1_000.22)
    #expect(figures.virtualBytes == 23)
    #expect(figures.residentBytes == 24 * 4_096)
    #expect(ProcessFigures(stat: "1 (a) S 4", ticksPerSecond: 100, pageBytes: 4_096, bootTime: 0) == nil)
  }

  @Test("several registries of one process may ask to be the process's; one is")
  func bootstrap() {
    let outcomes = (0..<3).map { _ in PrometheusRegistry().bootstrapOnce() }
    #expect(outcomes.count { $0 } <= 1)
    #expect(!registry.bootstrapOnce())
    #expect(MetricsSystem.factory is PrometheusRegistry)
  }
}
