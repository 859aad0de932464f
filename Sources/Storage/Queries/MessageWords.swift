// The words of a search as SQL.

/// What is made of a parameter is made once, in a subquery: PostgreSQL would else make it anew for each row.
struct MessageWords {
  /// The conditions that the index answers: for each word by itself, which finds those with all of them sooner.
  var indexed: [String] { words.flatMap { $0.indexed.map(Self.matches) } }
  /// What the index does not know of: that the parts of a word follow each other.
  var unseen: Look {
    let phrases = words.filter(\.isPhrase)
    return Look(patterns: phrases.map(\.pattern), queries: Self.matches(all: phrases.map(\.query)))
  }
  /// What a row is looked at for.
  var seen: [String] { words.map(\.pattern) + Self.matches(all: words.map(\.query)) }
  /// All but the last word, which may be the beginning of one; nil where there is no other.
  private(set) var whole: Whole?
  /// A part of a statement's name.
  private(set) var name = ""

  private let isPlain: Bool
  private var words: [Word] = []

  /// - Parameter isPlain: whether every pattern is of ASCII.
  init(isPlain: Bool) {
    self.isPlain = isPlain
    if isPlain { name = "_plain" }
  }

  /// What is cheap to see of a row, and what is not.
  struct Look {
    var patterns: [String]
    var queries: [String]
  }

  private struct Word {
    /// Conditions and queries.
    var pattern: String
    var query: String
    /// Its parts in any order; and what the index is asked for.
    var parts: String
    var indexed: [String]
    var isPhrase: Bool
  }

  struct Whole {
    /// The conditions that the index answers.
    var indexed: [String]
    /// What those that it finds are looked at for.
    var unseen: Look
    /// How a row is seen to have all these words, and the last one.
    var seen: [String]
    var last: String
    /// All these words in one condition; one that is no word at all says nothing here.
    var together: String
    var endings: Endings
  }

  /// The last word as it stands or longer, with all the others.
  struct Endings {
    var areKnown: String
    /// Whether a row seems to have a longer word, where the last is seen.
    var isLonger: String
    /// A condition that the index answers; and what those that it finds are looked at for.
    var indexed: String
    var unseen: Look
  }

  /// - Parameters: the numbers of a word's parameters.
  mutating func append(query: Int, pattern: Int, isPhrase: Bool, partCount: Int) {
    let query = "to_tsquery('simple', $\(query))"
    if isPhrase {
      // Of a word that is cut into several only the end may be missing: all runs of letters and digits but the last one are
      // whole. An address, a number with signs or a path among them may still be longer. It is found by its parts: to see
      // that they follow each other, PostgreSQL would cut each text that has them into its words, most of them in vain.
      let phrase = "regexp_replace(\(query)::text, '(''[[:alnum:]]+''):\\*(?= )', '\\1', 'g')"
      let parts = "regexp_replace(\(phrase), '<(-|[0-9]+)>', '&', 'g')::tsquery"
      words.append(
        Word(
          pattern: partCount > 1 && isPlain ? adjoins(pattern, of: phrase) : holds(pattern),
          query: "\(phrase)::tsquery", parts: parts,
          indexed: partCount > 1 ? Self.apart(parts) : [parts],
          isPhrase: true)
      )
    } else {
      words.append(
        Word(pattern: holds(pattern), query: query, parts: query, indexed: [query], isPhrase: false))
    }
    name += !isPhrase ? "_word" : partCount > 1 ? "_phrase" : "_signed_word"
  }

  /// Follows the last word.
  /// - Parameters: the numbers of the parameters of what is being typed; and of what stands before it, where the last
  ///   word is several.
  mutating func finish(typed: Int, before: Int?) {
    guard let last = words.last else { return }
    var whole = words.dropLast().flatMap { $0.indexed.map(Self.matches) }
    var seen = words.dropLast().map(\.pattern)
    if let before {
      // The first and those between, each by itself, as in `indexed`.
      whole += last.indexed.dropLast().map(Self.matches)
      seen.append(holds(before))
      name += "_of_several"
    }
    guard !whole.isEmpty else { return }
    let unseen = unseen
    let others = words.dropLast().map(\.parts) + (before == nil ? [] : [Self.withoutLast(last.parts)])
    self.whole = Whole(
      indexed: whole,
      unseen: Look(patterns: [last.pattern] + unseen.patterns, queries: unseen.queries + [Self.matches(last.query)]),
      seen: seen, last: holds(typed), together: Self.matches(others.joined(separator: " && ")),
      endings: endings(of: last, with: others, indexed: whole))
  }

  /// - Parameters:
  ///   - others: queries.
  ///   - indexed: conditions for the same.
  private func endings(of last: Word, with others: [String], indexed: [String]) -> Endings {
    let endings = WordEndings(of: last.parts)
    let whole = indexed + [Self.matches(endings.whole)]
    // What is the same in both, PostgreSQL would ask for apart: here the others are written otherwise.
    let longer = [Self.matches("\(others.joined(separator: " && ")) LIMIT 1"), Self.matches(endings.longer)]
    let ways = [whole, longer, [MixedText.condition(of: "m.")]].map { "(\($0.joined(separator: " AND ")))" }
    return Endings(
      areKnown: endings.areKnown, isLonger: endings.isLonger, indexed: "(\(ways.joined(separator: " OR ")))",
      // Of a mixed text the index says nothing.
      unseen: Look(patterns: words.map(\.pattern), queries: Self.matches(all: words.map(\.query))))
  }

  /// All parts but the last; all where they are not written as expected.
  private static func withoutLast(_ parts: String) -> String {
    "regexp_replace((\(parts))::text, ' & ''[^'']*''(:\\*)?$', '')::tsquery"
  }

  /// The first part, those between, and the last one: each is asked of the index by itself. Where there are two, the
  /// first stands for those between.
  private static func apart(_ parts: String) -> [String] {
    let text = "(\(parts))::text"
    return [
      "regexp_replace(\(text), '^(''[^'']*'')(:\\*)? & .*$', '\\1\\2')::tsquery",
      "regexp_replace((\(withoutLast(parts)))::text, '^''[^'']*''(:\\*)? & ', '')::tsquery",
      "regexp_replace(\(text), '^.* & ', '')::tsquery",
    ]
  }

  /// ASCII is made small much faster by its bytes. A text with other letters is looked at by their own rules: one of them
  /// may be a letter of ASCII when it is small.
  private func holds(_ pattern: Int) -> String {
    let byLocale = "lower(m.body) LIKE (SELECT lower($\(pattern)))"
    guard isPlain else { return byLocale }
    return """
      (lower(m.body COLLATE "C") LIKE (SELECT lower($\(pattern) COLLATE "C"))
        OR (octet_length(m.body) > char_length(m.body) AND \(byLocale)))
      """
  }

  /// The parts of a phrase with neither a letter nor a digit between two: what is in a phrase's order by chance is not cut
  /// into its words. Between them PostgreSQL passes over tags (`<`), entities (`&`), protocols (`:`) and what is too long for a
  /// word; of a text with any of these, or with other letters than ASCII's, nothing is said. Nor is it of a phrase in which
  /// anything before the last part may be longer.
  private func adjoins(_ pattern: Int, of phrase: String) -> String {
    """
    CASE WHEN \(holds(pattern)) THEN octet_length(m.body) > char_length(m.body) OR octet_length(m.body) > 2000
      OR m.body COLLATE "C" ~ '[<&:]' OR (SELECT (\(phrase)) !~ '\(Self.whole)')
      OR m.body COLLATE "C" ~* (SELECT replace(btrim($\(pattern), '%'), '%', '[^a-zA-Z0-9]*')) ELSE false END
    """
  }

  /// A query, written out, of which only the last part may be longer. A word with hyphens may seem so: its parts follow it,
  /// and are whole.
  private static let whole =
    "^((''[^'']+''|''[a-z][a-z0-9]*(-[a-z0-9]+)+'':\\*) (<(-|[0-9]+)>|&) )*''[^'']+''(:\\*)?$"

  /// A row is cut into its words once for all of them. One that is no word at all (`numnode` 0) is in no text.
  private static func matches(all queries: [String]) -> [String] {
    guard queries.count > 1 else { return queries.map(matches) }
    let nodes = queries.map { "numnode(\($0))" }.joined(separator: ", ")
    return [matches("CASE WHEN least(\(nodes)) > 0 THEN \(queries.joined(separator: " && ")) END")]
  }

  private static func matches(_ query: String) -> String {
    "to_tsvector('simple', m.body) @@ (SELECT \(query))"
  }
}
