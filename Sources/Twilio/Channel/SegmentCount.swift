// How many parts a text takes as SMS (3GPP TS 23.038, 23.040).

public import ChannelProtocol

/// The parts of a text, counted as carriers bill them and as `mps` paces them.
public struct SegmentCount: Sendable, Hashable {
  public let encoding: Segments.Encoding
  /// Parts; an empty text is one.
  public let count: Int
  /// Septets of GSM-7, or UTF-16 units.
  public let units: Int
  /// Units that still fit into the last part.
  public let remaining: Int
  /// Empty for GSM-7; each character once, where it first stands.
  public let forcing: [TextMeasure.ForcingCharacter]

  public var segments: Segments { Segments(count: count, encoding: encoding) }

  public var measure: TextMeasure {
    TextMeasure(segments: segments, units: units, remaining: remaining, forcing: forcing)
  }

  /// - Parameter smartEncoded: Twilio replaces what looks alike in GSM-7 before it counts.
  public init(_ text: String, smartEncoded: Bool = false) {
    var widths: [Int] = []
    widths.reserveCapacity(text.utf8.count)
    var forcing: [TextMeasure.ForcingCharacter] = []
    var seen: Set<Unicode.Scalar> = []
    for (index, scalar) in text.unicodeScalars.enumerated() {
      if let width = GSM7Alphabet.septets(of: scalar) {
        widths.append(width)
      } else if smartEncoded, let replacement = SmartEncoding.replacement(of: scalar) {
        widths += replacement.unicodeScalars.map { GSM7Alphabet.septets(of: $0) ?? 1 }
      } else if seen.insert(scalar).inserted {
        forcing.append(.init(character: String(scalar), codePoint: Self.codePoint(scalar), index: index))
      }
    }
    self.forcing = forcing
    if forcing.isEmpty {
      encoding = .gsm7
      (count, units, remaining) = Self.parts(widths, single: 160, part: 153)
    } else {
      encoding = .ucs2
      let sent = smartEncoded ? SmartEncoding.replaced(text) : text
      (count, units, remaining) = Self.parts(
        sent.unicodeScalars.map { $0.value > 0xFFFF ? 2 : 1 }, single: 70, part: 67)
    }
  }

  /// Neither an escape and its character nor a pair of surrogates is split between parts.
  private static func parts(_ widths: [Int], single: Int, part: Int) -> (count: Int, units: Int, remaining: Int) {
    let units = widths.reduce(0, +)
    guard units > single else { return (1, units, single - units) }
    var count = 1
    var used = 0
    for width in widths {
      if used + width > part {
        count += 1
        used = 0
      }
      used += width
    }
    return (count, units, part - used)
  }

  private static func codePoint(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

/// The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, section 6.2.1).
enum GSM7Alphabet {
  private static let basic: Set<Unicode.Scalar> = Set(
    ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
      + "abcdefghijklmnopqrstuvwxyzäöñüà").unicodeScalars)

  private static let extended: Set<Unicode.Scalar> = Set("\u{0C}^{}\\[~]|€".unicodeScalars)

  /// 1, or 2 with the escape; nil for what the alphabet does not hold.
  static func septets(of scalar: Unicode.Scalar) -> Int? {
    switch scalar {
    // The common case, without a look-up.
    case "a"..."z", "A"..."Z", "0"..."9", " ": return 1
    default: break
    }
    if basic.contains(scalar) { return 1 }
    return extended.contains(scalar) ? 2 : nil
  }
}
