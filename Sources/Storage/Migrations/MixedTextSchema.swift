// Migration 34: which texts go on in another alphabet where a word of ASCII might end.

/// A word of ASCII that is being typed is asked of the index of words as it stands, and with each letter that may follow it
/// (``WordEndings``): the letters of ASCII and ``MixedText/letters``. A text where any other follows is in this index, which
/// is empty or small on most gateways; where it is not, the word is asked by its beginning. A text of ASCII pays for it with
/// the comparison of its two lengths (0.1 µs), one with other letters 1 µs.
///
/// The key is a column that no other index has, so that how many there are is counted in this one.
let mixedTextSchema = """
  CREATE INDEX IF NOT EXISTS messages_mixed_text ON messages (created_at) WHERE \(MixedText.condition(of: ""));
  """

/// Never changes: the index has this condition, and is used where a statement has the same.
enum MixedText {
  /// Letters of Latin, great and small: of Europe's languages, of Turkish, of Azeri, and of Vietnamese; `ª`, `µ`, `º`; the
  /// accents that stand behind their letter; and what makes an emoji of a digit (`1️⃣`). Each is one more question to the
  /// index.
  static let letters: [ClosedRange<UInt32>] = [
    0xAA...0xAA, 0xB5...0xB5, 0xBA...0xBA, 0xC0...0x17F, 0x18F...0x18F, 0x1A0...0x1A1, 0x1AF...0x1B0, 0x218...0x21B,
    0x259...0x259, 0x300...0x30C, 0x31B...0x31B, 0x323...0x323, 0x327...0x328, 0x1E80...0x1E85, 0x1E9E...0x1E9E,
    0x1EA0...0x1EFF, 0x20E3...0x20E3, 0xFE0F...0xFE0F,
  ]
  /// Quotation marks, dashes, marks of direction, currencies, fractions, arrows, emoji, the signs of Chinese and Japanese:
  /// what often follows a word, and is no part of one wherever those that are tried are not (``WordEndings/partsWords``).
  static let signs: [ClosedRange<UInt32>] = [
    0xA0...0xA9, 0xAB...0xB4, 0xB6...0xB9, 0xBB...0xBF, 0x2000...0x206F, 0x20A0...0x20C0, 0x2103...0x2103,
    0x2109...0x2109, 0x2116...0x2116, 0x2122...0x2122, 0x2150...0x215F, 0x2190...0x24B5, 0x24EA...0x2BFF,
    0x3000...0x3003, 0x3008...0x3011, 0xFF01...0xFF0F, 0xFF1A...0xFF20, 0x1F18A...0x1FAFF,
  ]

  /// Whether a letter or digit that is ASCII, or becomes it when it is made small (`İ`, the Kelvin sign), is followed by
  /// something else than ASCII, ``letters`` or a sign.
  /// - Parameter table: with its point.
  static func condition(of table: String) -> String {
    let known = ([0x1...0x7F] + letters + signs).map { escaped($0.lowerBound) + "-" + escaped($0.upperBound) }
    return """
      octet_length(\(table)body) > char_length(\(table)body) \
      AND \(table)body COLLATE "C" ~ '[0-9A-Za-z\\u0130\\u212A][^\(known.joined())]'
      """
  }

  private static func escaped(_ letter: UInt32) -> String {
    let digits = String(letter, radix: 16, uppercase: true)
    return (letter > 0xFFFF ? "\\U" : "\\u")
      + String(repeating: "0", count: (letter > 0xFFFF ? 8 : 4) - digits.count) + digits
  }
}
