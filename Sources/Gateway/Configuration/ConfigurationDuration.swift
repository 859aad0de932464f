// Durations as people write them: `500ms`, `5s`, `30m`, `2h`, `7d`.

enum ConfigurationDuration {
  /// The units by their letters, in seconds.
  private static let units: [(name: String, seconds: Double)] = [
    ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400),
  ]
  /// The longest that means anything: a hundred years, in seconds.
  private static let longest = 3_155_760_000.0

  /// For a JSON Schema; what it matches, `seconds(_:)` reads (but for the longest).
  static let pattern = #"^[0-9]{1,12}(\.[0-9]{1,12})?(ms|s|m|h|d)$"#

  /// - Returns: seconds; nil for what is no number with a unit.
  static func seconds(_ text: String) -> Double? {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let unit = units.first(where: { $0.name == text.dropFirst(number.count) }) else { return nil }
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }), parts[0].count <= 12, parts.last?.count ?? 0 <= 12,
      let value = Double(number)
    else { return nil }
    let seconds = value * unit.seconds
    return seconds <= longest ? seconds : nil
  }
}
