// How many parts an SMS text takes (GSM 03.38 and UCS-2), for `num_segments`.

/// Counts SMS segments.
enum Segments {
  /// At least 1, also for an empty text.
  static func count(_ body: String) -> Int {
    var septets: [Int] = []
    for scalar in body.unicodeScalars {
      if basic.contains(scalar) {
        septets.append(1)
      } else if extended.contains(scalar) {
        septets.append(2)
      } else {
        return parts(body.unicodeScalars.map { $0.value > 0xffff ? 2 : 1 }, single: 70, part: 67)
      }
    }
    return parts(septets, single: 160, part: 153)
  }

  /// Fills parts in order; a character of two units is never split.
  private static func parts(_ units: [Int], single: Int, part: Int) -> Int {
    if units.reduce(0, +) <= single { return 1 }
    var count = 1
    var used = 0
    for unit in units {
      if used + unit > part {
        count += 1
        used = 0
      }
      used += unit
    }
    return count
  }

  private static let basic = Set(
    ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
      + "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà").unicodeScalars)
  private static let extended = Set("^{}\\[~]|€\u{c}".unicodeScalars)
}
