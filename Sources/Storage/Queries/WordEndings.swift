// What a word that is being typed may become, so that the index need not be asked for all that begins with it.
//
// For a word by its beginning PostgreSQL makes a list of all messages that have any such word, before it looks at the
// other words: 20 to 30 ms where a hundred and fifty thousand have it. For a whole word it makes none. So the word is asked
// for as it stands; and, apart from that, with each letter that may follow it, which mostly are in no text.

/// Of a query's parts as SQL. The last one is known here where it consists of the letters and digits of ASCII.
struct WordEndings {
  private let parts: String

  init(of parts: String) { self.parts = parts }

  /// Text; null where it is not known, or not the beginning of one.
  private var word: String { "substring((\(parts))::text from '(?:^| )''([a-z0-9]+)'':\\*$')" }

  /// Whether ``whole`` and ``longer``, with the texts of ``MixedText``, are all.
  var areKnown: String { "(\(word) IS NOT NULL AND \(Self.makesSmall) AND \(Self.partsWords))" }

  /// Roughly, whether a row has a longer word.
  var isLonger: String { "m.body COLLATE \"C\" ~* (SELECT '\\m' || \(word) || '[a-zA-Z0-9]')" }

  /// The word as it stands.
  var whole: String { "('''' || \(word) || '''')::tsquery" }

  /// Whatever is longer, but for the texts of ``MixedText``. Words are kept in small letters.
  var longer: String {
    let accented = MixedText.letters.map {
      "SELECT lower(chr(n)) AS letter FROM generate_series(\($0.lowerBound), \($0.upperBound)) n"
    }
    return """
      (SELECT string_agg('''' || w.word || replace(replace(e.letter, '\\', '\\\\'), '''', '''''') || ''':*', ' | ')::tsquery
      FROM (SELECT \(word) AS word OFFSET 0) w,
        (SELECT chr(n) AS letter FROM generate_series(33, 126) n WHERE n NOT BETWEEN 65 AND 90
          UNION \(accented.joined(separator: " UNION "))) e)
      """
  }

  /// Whether signs that are neither letters nor ASCII part words in this database, as some of each range tell: in the locale
  /// `C` they do not.
  private static let partsWords: String = {
    let signs = MixedText.signs.flatMap {
      Array(stride(from: $0.lowerBound, to: $0.upperBound, by: 64)) + [$0.upperBound]
    }
    return """
      (SELECT strip(to_tsvector('simple', string_agg('a' || chr(n), '') || 'a')) = '''a'''::tsvector
      FROM unnest('{\(signs.map { String($0) }.joined(separator: ","))}'::int[]) n)
      """
  }()

  /// Whether a text is made small as the index makes its words small: the collations of ICU make two letters of this one,
  /// and what is seen in a text is then not what is found.
  private static let makesSmall = "lower('\u{130}') = 'i'"

  /// Whether the texts of ``MixedText`` are few enough to be looked at one by one.
  static let areFewMixed = """
    (SELECT count(*) <= \(mixed) FROM (
      SELECT FROM messages m WHERE m.created_at <= 'infinity' AND \(MixedText.condition(of: "m.")) LIMIT \(mixed) + 1) m)
    """
  private static let mixed =
    "(SELECT greatest(1000, reltuples / 1000)::int8 FROM pg_class WHERE oid = 'messages'::regclass)"

  /// Whether the index is kept sorted (``UnsortedTexts``): each text that is not sorted in is looked through for every ending.
  static let areSorted =
    "(SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'messages_words'::regclass)"
}
