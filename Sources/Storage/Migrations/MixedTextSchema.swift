// Migration 34: which texts go on in another alphabet where a word of ASCII might end.

/// A word of ASCII that is being typed is asked of the index of words as it stands, and with each letter that may follow it
/// (``WordEndings``): the letters of ASCII and of ``latin``. A text where any other follows is in this index, which is
/// empty or small on most gateways; where it is not, the word is asked by its beginning. A text of ASCII pays for it with
/// the comparison of its two lengths (0.1 µs), one with other letters 1 µs.
///
/// The key is a column that no other index has, so that what asks for these texts cannot be planned without this one.
let mixedTextSchema = """
  CREATE INDEX IF NOT EXISTS messages_mixed_text ON messages (created_at) WHERE \(MixedText.condition(of: ""));
  """

/// Never changes: the index has this condition, and is used where a statement has the same.
enum MixedText {
  /// Accented letters of Latin, great and small: of Europe's languages, of Turkish, and of Vietnamese.
  static let latin: [ClosedRange<UInt32>] = [
    0xC0...0x17F, 0x1A0...0x1A1, 0x1AF...0x1B0, 0x218...0x21B, 0x1EA0...0x1EFF,
  ]
  /// Quotation marks, dashes, currencies, arrows, emoji: what often follows a word, and is no part of one wherever any of
  /// them is not (``WordEndings/partsWords``).
  private static let signs: [ClosedRange<UInt32>] = [
    0xA0...0xA9, 0xAB...0xAC, 0xAE...0xB1, 0xB4...0xB4, 0xB6...0xB8, 0xBB...0xBB, 0xBF...0xBF, 0x2010...0x2027,
    0x2030...0x205E, 0x20A0...0x20C0, 0x2190...0x21FF, 0x2600...0x2775, 0x2794...0x27BF, 0x1F300...0x1FAFF,
  ]

  /// Whether a letter or digit that is ASCII, or becomes it when it is made small (`İ`, the Kelvin sign), is followed by
  /// something else than ASCII, ``latin`` or a sign.
  /// - Parameter table: with its point.
  static func condition(of table: String) -> String {
    let known = ([0x1...0x7F] + latin + signs).map { escaped($0.lowerBound) + "-" + escaped($0.upperBound) }
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
