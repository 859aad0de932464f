// All series of one gateway: what instruments write to and what a scrape reads.

import Metrics
import Synchronization

/// A set of Prometheus series. One per gateway, handed to whatever measures as its `MetricsFactory`.
///
/// Series are made on first use and kept by name and labels, so that two instruments of the same name and labels are
/// one series. At most `seriesLimit` exist: what comes later measures into nothing, and is counted in
/// `fractal_metrics_refused_series_total`.
final class PrometheusRegistry: Sendable {
  /// The media type of ``exposition()``.
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"
  static let defaultSeriesLimit = 10_000

  private struct State {
    var families: [String: PrometheusFamily] = [:]
    var help: [String: String] = [:]
    var seriesCount = 0
  }

  private let state = Mutex(State())
  private let seriesLimit: Int
  private let refused = PrometheusCounter(id: PrometheusSeriesID(name: "fractal_metrics_refused_series_total"))

  init(seriesLimit: Int = PrometheusRegistry.defaultSeriesLimit) {
    self.seriesLimit = seriesLimit
    describe(
      refused.id.name, as: "Requests for a series that were refused: too many series, or a name of another type.")
  }

  // MARK: Text for people

  /// Sets a metric's `HELP` line; without one it is the name in words.
  ///
  /// - Parameter name: the name as it is exposed.
  func describe(_ name: String, as help: String) {
    state.withLock { $0.help[name] = help }
  }

  // MARK: Values read at scrape time

  /// A gauge that is read when it is scraped: a queue's depth. A second one of the same name and labels replaces it.
  ///
  /// - Parameter read: called from the scrape, on any thread; it must not block.
  func gauge(_ name: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Double) {
    let id = PrometheusSeriesID(name: PrometheusName.metric(name), labels: labels)
    add(PrometheusReading(id: id, read: read), kind: .gauge)
  }

  /// A counter that is kept elsewhere and read when it is scraped. A second one of the same name and labels replaces
  /// it.
  ///
  /// - Parameter read: called from the scrape, on any thread; it must not block, and never falls.
  func counter(_ name: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Double) {
    let id = PrometheusSeriesID(name: PrometheusName.counter(name), labels: labels)
    add(PrometheusReading(id: id, read: read), kind: .counter)
  }

  private func add(_ reading: PrometheusReading, kind: PrometheusKind) {
    let isAdded = state.withLock { state in
      let existing = state.families[reading.id.name]
      guard existing.map({ $0.kind == kind }) ?? true else { return false }
      let isNew = existing?.series[reading.id.labels] == nil
      guard !isNew || state.seriesCount < seriesLimit else { return false }
      state.families[reading.id.name, default: PrometheusFamily(kind: kind)].series[reading.id.labels] = reading
      if isNew { state.seriesCount += 1 }
      return true
    }
    if !isAdded { refused.increment(by: 1) }
  }

  // MARK: Series

  /// The series of this id, made by `make` where it is new.
  ///
  /// - Returns: nil where the name has another type or the limit is reached.
  func series<Series: PrometheusSeries>(
    _ id: PrometheusSeriesID, kind: PrometheusKind, make: (PrometheusSeriesID) -> Series
  ) -> Series? {
    let found: Series? = state.withLock { state in
      let family = state.families[id.name]
      if let existing = family?.series[id.labels] { return existing as? Series }
      guard state.seriesCount < seriesLimit, family.map({ $0.kind == kind }) ?? true else { return nil }
      let series = make(id)
      state.families[id.name, default: PrometheusFamily(kind: kind)].series[id.labels] = series
      state.seriesCount += 1
      return series
    }
    if found == nil { refused.increment(by: 1) }
    return found
  }

  /// Forgets a series; instruments that still hold it measure into nothing.
  func remove(_ series: any PrometheusSeries) {
    state.withLock { state in
      let id = series.id
      guard state.families[id.name]?.series[id.labels] === series else { return }
      state.families[id.name]?.series[id.labels] = nil
      if state.families[id.name]?.series.isEmpty == true { state.families[id.name] = nil }
      state.seriesCount -= 1
    }
  }

  // MARK: The scrape

  /// All series in the text format 0.0.4, by name and labels, the process's own figures among them.
  ///
  /// Reads a few files below `/proc`.
  func exposition() -> [UInt8] {
    var (families, help) = state.withLock { ($0.families, $0.help) }
    families[refused.id.name] = PrometheusFamily(kind: .counter, series: [[]: refused])
    for figure in ProcessFigures.current()?.readings ?? [] {
      families[figure.id.name] = PrometheusFamily(kind: figure.kind, series: [[]: figure])
      help[figure.id.name] = figure.help
    }
    var text = PrometheusText()
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      text.open(name, kind: family.kind, help: help[name])
      for (_, series) in family.series.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
        series.append(to: &text)
      }
    }
    return text.bytes
  }
}

/// What Prometheus calls the type of a metric.
enum PrometheusKind: String, Sendable {
  case counter, gauge, histogram
}

/// All series of one name.
struct PrometheusFamily: Sendable {
  let kind: PrometheusKind
  /// By their rendered labels.
  var series: [[UInt8]: any PrometheusSeries] = [:]
}

/// One line or, for a histogram, one block of lines in the exposition.
protocol PrometheusSeries: AnyObject, Sendable {
  var id: PrometheusSeriesID { get }
  func append(to text: inout PrometheusText)
}
