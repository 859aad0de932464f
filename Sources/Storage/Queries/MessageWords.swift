// The words of a search as SQL.

struct MessageWords {
  /// The conditions that the index answers: one for each word.
  private(set) var indexed: [String] = []
  /// What the index does not know of: that the parts of a word follow each other.
  private(set) var unseen: [String] = []
  /// What a row is looked at for: what is cheap to see comes first.
  var seen: [String] { patterns + queries }
  /// All that the index is asked for but the last, which may be the beginning of a word; nil where there is one word.
  var whole: [String]? { indexed.count > 1 ? indexed.dropLast() : nil }
  /// The same as a row is looked at for it.
  var wholeSeen: [String] { Array(patterns.dropLast()) + queries.dropLast() }
  /// A part of a statement's name.
  private(set) var name = ""

  private var patterns: [String] = []
  private var queries: [String] = []

  /// The numbers of a word's parameters.
  mutating func append(query: Int, pattern: Int, isPhrase: Bool) {
    let matches = "to_tsvector('simple', m.body) @@ to_tsquery('simple', $\(query))"
    patterns.append("m.body ILIKE $\(pattern)")
    queries.append(matches)
    name += isPhrase ? "_phrase" : "_word"
    if isPhrase {
      // A phrase is found by its words: to see that they follow each other, PostgreSQL would cut each text that has them
      // into its words, most of them in vain.
      let words = "regexp_replace(to_tsquery('simple', $\(query))::text, '<(-|[0-9]+)>', '&', 'g')::tsquery"
      indexed.append("to_tsvector('simple', m.body) @@ \(words)")
      unseen += ["m.body ILIKE $\(pattern)", matches]
    } else {
      indexed.append(matches)
    }
  }
}
