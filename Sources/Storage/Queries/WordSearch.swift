// A search for words, as PostgreSQL wants it said.

/// Words that a text must hold in any order, the last one whole or by its beginning, as it is being typed.
public struct WordSearch: Sendable, Hashable {
  /// One word; or, of a search with many, the rest of them.
  public struct Word: Sendable, Hashable {
    /// For `to_tsquery('simple', …)`. Each word is quoted, so that it is cut as the text is: an address, a number with a
    /// point or a word with a hyphen stays one.
    public var query: String
    /// For `LIKE`, in either case: letters and digits that whatever is found holds in this order. Much cheaper to see than
    /// the query, and nearly as strict.
    public var pattern: String
    /// Whether it may be cut into several that must follow each other, which the index does not know.
    public var isPhrase: Bool
    /// Runs of letters and digits.
    public var partCount: Int
  }

  /// Each is asked of the index by itself, which finds those with all of them faster than by one query.
  public let words: [Word]
  /// Patterns, as roughly as is cheap to see: of what is being typed, the last word or its last part; and of what stands
  /// before it, where the last of ``words`` is several.
  public let typed: String
  public let before: String?
  /// Whether every pattern is of ASCII.
  public let isPlain: Bool
  private static let maximum = 4

  /// nil where there is neither a letter nor a digit to look for.
  public init?(_ text: String) {
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
      .filter { $0.contains(where: \.isOfWord) }
    guard !words.isEmpty else { return nil }
    var groups = words.prefix(Self.maximum - 1).map { [$0] }
    let rest = Array(words.dropFirst(Self.maximum - 1))
    if !rest.isEmpty { groups.append(rest) }
    self.words = groups.enumerated().map { Self.word($1, isLast: $0 == groups.count - 1) }
    let parts = (groups.last ?? []).flatMap(Self.runs)
    typed = Self.pattern([parts.last ?? ""])
    before = parts.count > 1 ? Self.pattern([parts.dropLast().max { $0.count < $1.count } ?? ""]) : nil
    isPlain = text.utf8.allSatisfy { $0 < 0x80 }
  }

  private static func word(_ words: [String], isLast: Bool) -> Word {
    let quoted = words.map { "'" + $0.replacing("\\", with: "\\\\").replacing("'", with: "''") + "'" }
    let runs = words.map(Self.runs)
    // Of several words the order is not known.
    let longest = runs.max { $0.joined().count < $1.joined().count } ?? []
    return Word(
      query: quoted.joined(separator: " & ") + (isLast ? ":*" : ""),
      pattern: Self.pattern(longest),
      isPhrase: words.contains { !$0.allSatisfy(\.isOfWord) }, partCount: runs.joined().count)
  }

  private static func runs(_ word: String) -> [Substring] { word.split { !$0.isOfWord } }

  private static func pattern(_ runs: [Substring]) -> String { "%" + runs.joined(separator: "%") + "%" }
}

extension Character {
  /// Whether PostgreSQL, too, takes it for part of a word: a letter or a digit, but no `²` or `½`.
  fileprivate var isOfWord: Bool {
    if isLetter { return true }
    switch unicodeScalars.first?.properties.generalCategory {
    case .decimalNumber, .letterNumber: return true
    default: return false
    }
  }
}
