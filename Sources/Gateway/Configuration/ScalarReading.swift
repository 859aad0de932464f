// What a scalar's text means to the key that wants it: its quotes and YAML's own guesses do not count.

import ChannelProtocol

enum ScalarReading {
  enum Outcome: Sendable, Hashable {
    case value(ConfigurationValue.Content)
    /// Not of that kind; what may help is appended to the message.
    case refused(hint: String)
  }

  static func read(_ text: String, as kind: ConfigurationKey.Kind) -> Outcome {
    switch kind {
    case .string: .value(.string(text))
    case .choice(let words):
      words.contains(text)
        ? .value(.string(text)) : .refused(hint: NearestWord.suggestion(for: text, among: words))
    case .integer(let range): integer(text, in: range)
    case .number(let range): number(text, in: range)
    case .boolean: boolean(text)
    case .duration: duration(text)
    case .list, .object, .dictionary: .refused(hint: "")
    }
  }

  private static func integer(_ text: String, in range: ClosedRange<Int>) -> Outcome {
    guard let value = Int(text), range.contains(value) else { return .refused(hint: "") }
    return .value(.integer(value))
  }

  private static func number(_ text: String, in range: ClosedRange<Double>) -> Outcome {
    // `Double` also reads hexadecimal, infinities and "nan".
    let isDecimal = text.allSatisfy { $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }
    guard isDecimal, let value = Double(text), value.isFinite, range.contains(value) else { return .refused(hint: "") }
    return .value(.number(value))
  }

  private static func boolean(_ text: String) -> Outcome {
    switch text {
    case "true": .value(.boolean(true))
    case "false": .value(.boolean(false))
    default:
      switch text.lowercased() {
      case "yes", "on", "y", "1", "true": .refused(hint: "; write `true`")
      case "no", "off", "n", "0", "false": .refused(hint: "; write `false`")
      default: .refused(hint: NearestWord.suggestion(for: text, among: ["true", "false"]))
      }
    }
  }

  private static func duration(_ text: String) -> Outcome {
    if let seconds = ConfigurationDuration.seconds(text) { return .value(.number(seconds)) }
    let isBareNumber = !text.isEmpty && text.count <= 12 && text.allSatisfy { $0.isASCII && $0.isNumber }
    return .refused(hint: isBareNumber ? "; add a unit, such as `\(text)s`" : "")
  }
}

extension ConfigurationKey.Kind {
  /// What a value must be, for a message.
  var words: String {
    switch self {
    case .string: "a text"
    case .choice(let words): "one of \(words.map { "`\($0)`" }.joined(separator: ", "))"
    case .integer(let range):
      switch (range.lowerBound, range.upperBound) {
      case (.min, .max): "a whole number"
      case (.min, let upper): "a whole number up to \(upper)"
      case (let lower, .max): "a whole number from \(lower) up"
      case (let lower, let upper): "a whole number from \(lower) to \(upper)"
      }
    case .number(let range):
      switch (range.lowerBound.isFinite, range.upperBound.isFinite) {
      case (false, false): "a number"
      case (false, true): "a number up to \(Self.decimal(range.upperBound))"
      case (true, false): "a number from \(Self.decimal(range.lowerBound)) up"
      case (true, true): "a number from \(Self.decimal(range.lowerBound)) to \(Self.decimal(range.upperBound))"
      }
    case .boolean: "true or false"
    case .duration: "a duration such as `500ms`, `5s`, `30m`, `2h` or `7d`"
    case .list: "a list"
    case .object, .dictionary: "a mapping"
    }
  }

  private static func decimal(_ value: Double) -> String { Int(exactly: value).map { "\($0)" } ?? "\(value)" }
}
