// The text format 0.0.4: names, labels, numbers (prometheus.io/docs/instrumenting/exposition_formats).

/// A series' name and labels in the form in which they are exposed.
struct PrometheusSeriesID: Sendable {
  let name: String
  /// `a="x",b="y"`, by name, escaped; as bytes, because equal strings may differ in theirs.
  let labels: [UInt8]

  /// - Parameters:
  ///   - name: a valid metric name.
  ///   - labels: anything; names are made valid, and of two equal names the first counts.
  init(name: String, labels: [(String, String)] = []) {
    self.name = name
    guard !labels.isEmpty else {
      self.labels = []
      return
    }
    var valid: [(name: String, value: String)] = []
    valid.reserveCapacity(labels.count)
    for (label, value) in labels {
      let label = PrometheusName.label(label)
      if !valid.contains(where: { $0.name == label }) { valid.append((label, value)) }
    }
    valid.sort { $0.name < $1.name }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(valid.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 })
    for (label, value) in valid {
      if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
      bytes += label.utf8
      bytes.append(UInt8(ascii: "="))
      bytes.append(UInt8(ascii: "\""))
      PrometheusText.escape(value, quotes: true, into: &bytes)
      bytes.append(UInt8(ascii: "\""))
    }
    self.labels = bytes
  }
}

/// Names that Prometheus takes.
enum PrometheusName {
  /// Letters, digits, `_` and `:`; all else becomes `_`.
  static func metric(_ label: String) -> String { valid(label, colons: true) }

  static func counter(_ label: String) -> String { metric(label, suffix: "_total") }

  static func timer(_ label: String) -> String { metric(label, suffix: "_seconds") }

  /// As for metrics, without `:`; `le` belongs to the histograms.
  static func label(_ name: String) -> String {
    let name = valid(name, colons: false)
    return name == "le" ? "exported_le" : name
  }

  private static func metric(_ label: String, suffix: String) -> String {
    let name = metric(label)
    return name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) ? name : name + suffix
  }

  private static func valid(_ name: String, colons: Bool) -> String {
    var name = name
    guard let first = name.utf8.first else { return "_" }
    let isValid = name.withUTF8 { bytes in bytes.allSatisfy { isAllowed($0, colons: colons) } }
    if isValid, !isDigit(first) { return name }
    let start = isDigit(first) ? "_" : ""
    return start
      + String(decoding: name.utf8.map { isAllowed($0, colons: colons) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
  }

  private static func isAllowed(_ byte: UInt8, colons: Bool) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
    case UInt8(ascii: ":"): colons
    default: isDigit(byte)
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}

/// The exposition while it is written.
struct PrometheusText {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(16 << 10) }

  /// Writes the `HELP` and `TYPE` lines of a metric; its samples follow.
  mutating func open(_ name: String, kind: PrometheusKind, help: String?) {
    bytes += "# HELP \(name) ".utf8
    Self.escape(help ?? name.split(separator: "_").joined(separator: " "), quotes: false, into: &bytes)
    bytes += "\n# TYPE \(name) \(kind.rawValue)\n".utf8
  }

  /// - Parameter extraLabel: one further label, rendered, after those of the series.
  mutating func sample(_ id: PrometheusSeriesID, suffix: String = "", extraLabel: [UInt8] = [], value: Double) {
    bytes += id.name.utf8
    bytes += suffix.utf8
    if !id.labels.isEmpty || !extraLabel.isEmpty {
      bytes.append(UInt8(ascii: "{"))
      bytes += id.labels
      if !id.labels.isEmpty, !extraLabel.isEmpty { bytes.append(UInt8(ascii: ",")) }
      bytes += extraLabel
      bytes.append(UInt8(ascii: "}"))
    }
    bytes.append(UInt8(ascii: " "))
    bytes += Self.number(value).utf8
    bytes.append(UInt8(ascii: "\n"))
  }

  /// As Go's `ParseFloat` reads it; whole numbers without a fraction.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if let whole = Int64(exactly: value), abs(value) < 1e15 { return String(whole) }
    return value.description
  }

  /// Label values escape `\`, `"` and the line feed, help texts `\` and the line feed.
  static func escape(_ text: String, quotes: Bool, into bytes: inout [UInt8]) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\\")]
      case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
      case UInt8(ascii: "\"") where quotes: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\"")]
      default: bytes.append(byte)
      }
    }
  }
}
