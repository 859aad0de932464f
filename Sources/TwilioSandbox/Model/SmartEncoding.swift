// `SmartEncoded=true`: the usual typographic characters become look-alikes of GSM-7.

/// The part of Twilio's list that word processors and phones put into texts.
enum SmartEncoding {
  private static let lookAlikes: [Character: String] = {
    var table: [Character: String] = ["…": "...", "½": "1/2", "\u{A0}": "  ", "\u{200B}": "", "\u{FEFF}": ""]
    for character in "«»“”„‟" { table[character] = "\"" }
    for character in "‘’‛´`" { table[character] = "'" }
    for character in "–—―‐•" { table[character] = "-" }
    return table
  }()

  static func replaced(_ text: String) -> String { text.map { lookAlikes[$0] ?? String($0) }.joined() }
}
