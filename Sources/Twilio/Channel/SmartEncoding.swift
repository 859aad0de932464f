// Twilio's Smart Encoding: look-alikes of GSM-7 in the place of characters that would turn a text into UCS-2.

/// What Twilio replaces (its "List of characters replaced by Smart Encoding"; the blanks as its own segment calculator
/// counts them). A text that holds other characters as well stays UCS-2, with these replaced all the same.
enum SmartEncoding {
  /// Nil for a character that stays as it is.
  static func replacement(of scalar: Unicode.Scalar) -> String? {
    // The common case, without a look-up: the backtick is the one ASCII character that is printed and replaced.
    if scalar.value >= 0x20, scalar.value < 0x7F, scalar != "`" { return nil }
    return table[scalar.value]
  }

  /// The text as Twilio sends it.
  static func replaced(_ text: String) -> String {
    var replaced = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if let replacement = replacement(of: scalar) {
        replaced.append(contentsOf: replacement.unicodeScalars)
      } else {
        replaced.append(scalar)
      }
    }
    return String(replaced)
  }

  private static let table: [UInt32: String] = {
    var table: [UInt32: String] = [:]
    for (replacement, points) in groups {
      for point in points { table[point] = replacement }
    }
    for (first, characters) in runs {
      for (offset, character) in characters.enumerated() { table[first + UInt32(offset)] = String(character) }
    }
    return table
  }()

  /// Characters in a row that become those of a text in turn.
  private static let runs: [(first: UInt32, characters: String)] = [
    (0xFF10, "0123456789"), (0xFF21, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
  ]

  private static let groups: [(replacement: String, points: [UInt32])] =
    punctuation + signs + smallCapitals + blanks

  private static let punctuation: [(String, [UInt32])] = [
    (
      "\"",
      [
        0xAB, 0xBB, 0x201C, 0x201D, 0x201E, 0x201F, 0x02BA, 0x02EE, 0x275D, 0x275E, 0x301D, 0x301E, 0xFF02,
      ]
    ),
    (
      "'",
      [
        0x60, 0xB4, 0x2017, 0x2018, 0x2019, 0x201B, 0x02B9, 0x02BB, 0x02BC, 0x02BD, 0x02C8, 0x02CA, 0x02CB, 0x0313,
        0x0314, 0x275B, 0x275C, 0xFE10, 0xFE11, 0xFF07,
      ]
    ),
    ("-", [0x2010, 0x2013, 0x2014, 0x2015, 0x2022, 0x2043, 0x23BC, 0x23BD, 0xFE63, 0xFF0D]),
    ("...", [0x2026]), ("!!", [0x203C]),
    ("!", [0x01C3, 0xFE15, 0xFE57, 0xFF01]), ("?", [0xFE16, 0xFE56, 0xFF1F]),
    (",", [0x201A, 0x0326, 0x3001, 0xFE50, 0xFE51, 0xFF0C, 0xFF64]),
    (".", [0x3002, 0xFE52, 0xFF0E, 0xFF61]),
    (":", [0x02D0, 0x02F8, 0x2982, 0xA789, 0xFE13, 0xFF1A]), (";", [0x204F, 0xFE14, 0xFE54, 0xFF1B]),
    ("(", [0x2768, 0x276A, 0x27EE, 0x2985, 0xFE59, 0xFF08]), (")", [0x2769, 0x276B, 0x27EF, 0x2986, 0xFE5A, 0xFF09]),
    ("[", [0xFF3B]), ("]", [0xFF3D]), ("{", [0x2774, 0xFE5B, 0xFF5B]), ("}", [0x2775, 0xFE5C, 0xFF5D]),
  ]

  private static let signs: [(String, [UInt32])] = [
    ("1/4", [0xBC]), ("1/2", [0xBD]), ("3/4", [0xBE]),
    ("/", [0xF7, 0x0337, 0x0338, 0x2044, 0x2215, 0x29F8, 0xFF0F]),
    ("\\", [0x20E5, 0x29F5, 0x29F9, 0xFE68, 0xFF3C]), ("_", [0x0332, 0xFF3F]),
    ("|", [0x20D2, 0x20D3, 0x2223, 0x239C, 0x239F, 0x23B8, 0x23B9, 0x23D0, 0xFF5C]),
    (
      "*",
      [
        0x204E, 0x2217, 0x229B, 0x2722, 0x2723, 0x2724, 0x2725, 0x2731, 0x2732, 0x2733, 0x273A, 0x273B, 0x273C, 0x273D,
        0x2743, 0x2749, 0x274A, 0x274B, 0x29C6, 0xFE61, 0xFF0A,
      ]
    ),
    ("@", [0xFE6B, 0xFF20]), ("$", [0xFE69, 0xFF04]), ("#", [0xFE5F, 0xFF03]), ("%", [0xFE6A, 0xFF05]),
    ("&", [0xFE60, 0xFF06]), ("+", [0x02D6, 0xFE62, 0xFF0B]), ("=", [0x0347, 0xA78A, 0xFE66, 0xFF1D]),
    // The single angle quotation marks the wrong way round, as Twilio has them.
    ("<", [0x203A, 0xFE64, 0xFF1C]), (">", [0x2039, 0xFE65, 0xFF1E]),
    ("^", [0x02C6, 0x0302, 0x1DCD, 0xFF3E]), ("~", [0x02DC, 0x02F7, 0x0303, 0x0330, 0x0334, 0x223C, 0xFF5E]),
  ]

  private static let smallCapitals: [(String, [UInt32])] = [
    ("A", [0x1D00]), ("B", [0x0299]), ("C", [0x1D04]), ("D", [0x1D05]), ("E", [0x1D07]), ("F", [0xA730]),
    ("G", [0x0262]), ("H", [0x029C]), ("I", [0x026A]), ("J", [0x1D0A]), ("K", [0x1D0B]), ("L", [0x029F]),
    ("M", [0x1D0D]), ("N", [0x0274]), ("O", [0x1D0F]), ("P", [0x1D18]), ("R", [0x0280]), ("S", [0xA731]),
    ("T", [0x1D1B]), ("U", [0x1D1C]), ("V", [0x1D20]), ("W", [0x1D21]), ("Y", [0x028F]), ("Z", [0x1D22]),
  ]

  private static let blanks: [(String, [UInt32])] = [
    (
      "  ",
      [
        0xA0, 0x2000, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x202F, 0x205F, 0x3000,
        0x80, 0x8D, 0x90, 0x9B, 0x9F,
      ]
    ),
    (" ", [0x2001, 0x2028, 0x2029]), ("       ", [0x09]),
    ("", [0x00, 0x03, 0x04, 0x10, 0x11, 0x12, 0x13, 0x14, 0x17, 0x19, 0x200B, 0x2060, 0xFEFF]),
  ]
}
