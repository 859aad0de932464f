// The words of a search as SQL.

/// What is made of a parameter is made once, in a subquery: PostgreSQL would else make it anew for each row.
struct MessageWords {
  /// The conditions that the index answers: for each word by itself, which finds those with all of them sooner.
  var indexed: [String] { words.flatMap { $0.indexed.map(Self.matches) } }
  /// What the index does not know of: that the parts of a word follow each other.
  var unseen: [String] { words.filter(\.isPhrase).flatMap { [$0.pattern, Self.matches($0.query)] } }
  /// What a row is looked at for: what is cheap to see comes first.
  var seen: [String] { words.map(\.pattern) + words.map { Self.matches($0.query) } }
  /// All but the last word, which may be the beginning of one; nil where there is no other.
  private(set) var whole: Whole?
  /// A part of a statement's name.
  private(set) var name = ""

  private var words: [Word] = []

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
    var unseen: [String]
    /// How a row is seen to have all these words, and the last one.
    var seen: [String]
    var last: String
  }

  /// - Parameters: the numbers of a word's parameters.
  mutating func append(query: Int, pattern: Int, isPhrase: Bool) {
    let query = "to_tsquery('simple', $\(query))"
    if isPhrase {
      // Of a word that is cut into several only the end may be missing: all parts but the last one are whole. It is found
      // by its parts: to see that they follow each other, PostgreSQL would cut each text that has them into its words,
      // most of them in vain.
      let phrase = "regexp_replace(\(query)::text, '(''[[:alnum:]]+''):\\*(?= )', '\\1', 'g')"
      let parts = "regexp_replace(\(phrase), '<(-|[0-9]+)>', '&', 'g')::tsquery"
      words.append(
        Word(
          pattern: Self.holds(pattern), query: "\(phrase)::tsquery", parts: parts,
          indexed: [Self.withoutLast(parts), "regexp_replace((\(parts))::text, '^.* & ', '')::tsquery"], isPhrase: true)
      )
    } else {
      words.append(
        Word(pattern: Self.holds(pattern), query: query, parts: query, indexed: [query], isPhrase: false))
    }
    name += isPhrase ? "_phrase" : "_word"
  }

  /// Follows the last word.
  /// - Parameters: the numbers of the parameters of what is being typed; and of what stands before it, where the last
  ///   word is several.
  mutating func finish(typed: Int, before: Int?) {
    guard let last = words.last else { return }
    var whole = words.dropLast().flatMap { $0.indexed.map(Self.matches) }
    var seen = words.dropLast().map(\.pattern)
    if let before {
      whole.append(Self.matches(Self.withoutLast(last.parts)))
      seen.append(Self.holds(before))
      name += "_of_several"
    }
    guard !whole.isEmpty else { return }
    self.whole = Whole(
      indexed: whole, unseen: [last.pattern] + unseen + [Self.matches(last.query)], seen: seen, last: Self.holds(typed))
  }

  /// All parts but the last; all where they are not written as expected.
  private static func withoutLast(_ parts: String) -> String {
    "regexp_replace((\(parts))::text, ' & ''[^'']*''(:\\*)?$', '')::tsquery"
  }

  private static func holds(_ pattern: Int) -> String { "lower(m.body) LIKE (SELECT lower($\(pattern)))" }

  private static func matches(_ query: String) -> String {
    "to_tsvector('simple', m.body) @@ (SELECT \(query))"
  }
}
