// A search for words, as PostgreSQL wants it said.

/// Words that a text must hold in any order, the last one whole or by its beginning, as it is being typed.
public struct WordSearch: Sendable, Hashable {
  /// For `to_tsquery('simple', …)`. Each word is quoted, so that it is cut as the text is: an address, a number with a
  /// point or a word with a hyphen stays one.
  public let query: String
  /// Letters and digits that whatever is found holds, in either case.
  public let fragment: String

  /// nil where there is neither a letter nor a digit to look for.
  public init?(_ text: String) {
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
      .filter { $0.contains { $0.isLetter || $0.isNumber } }
    guard !words.isEmpty else { return nil }
    query =
      words.map { "'" + $0.replacing("\\", with: "\\\\").replacing("'", with: "''") + "'" }
      .joined(separator: " & ") + ":*"
    let runs = words.flatMap { $0.split { !($0.isLetter || $0.isNumber) } }
    fragment = String(runs.max { $0.count < $1.count } ?? "")
  }
}
