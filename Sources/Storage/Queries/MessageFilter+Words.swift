// The ways to messages with certain words, and which of them is the shortest.

import Postgres

extension MessageFilter {
  /// How many of the newest tell which words are frequent. A word in so many times as many as have all the others takes the
  /// index longer than looking through those.
  private static let evidence = 500
  private static let worth = 8
  /// Words that all are in more than one of so many messages have long lists in the index.
  private static let common = 8
  /// A word in more than one of so many has a list that takes longer to make than its endings take to ask for.
  private static let frequent = 32
  /// Words that all are in less than one of so many leave little to look through.
  private static let several = 100
  /// What is looked through may be so small a part of all, and the index yet takes longer.
  private static let part = 100

  private struct Way {
    /// On what the newest show: `whole` have all words but the last, `typed` the last, `longer` one that begins with it,
    /// `least` the rarest of all.
    var condition: String
    var rows: Statement
  }

  func choice(_ whole: MessageWords.Whole, _ place: ListSteps.Place) -> ListSteps.Choice {
    let ways = [through(place), inside(whole), ending(whole), without(whole)].compactMap { $0 }
    let cases = ways.enumerated().map { "WHEN \($1.condition) THEN \($0)" }.joined(separator: " ")
    let counts = (whole.seen + [whole.last]).map { "count(*) FILTER (WHERE \($0))" }
    return ListSteps.Choice(
      statement: Statement(
        name + "_choice",
        """
        SELECT CASE \(cases) END FROM (
          SELECT count(*) FILTER (\(SQL.whole(whole.seen))) AS whole, \(counts.last ?? "0") AS typed,
            count(*) FILTER (WHERE CASE WHEN \(whole.last) THEN \(whole.endings.isLonger) ELSE false END) AS longer,
            least(\(counts.joined(separator: ", "))) AS least
          FROM (\(MessageSource.all.sql("m.body", [], "LIMIT \(Self.evidence)"))) m) c
        """), ways: ways.map(\.rows))
  }

  private static let areCommon = "\(common) * least > \(evidence)"

  /// A conversation's messages, or a contact's, where they are no more than a window and few beside all.
  private func through(_ place: ListSteps.Place) -> Way? {
    let all = "(SELECT reltuples / \(Self.part) FROM pg_class WHERE oid = 'messages'::regclass)"
    guard let window = place.windows.last else { return nil }
    let few = "least(\(window.size), greatest(\(place.windows[0].size), \(all)))::int8"
    guard let count = sources[0].count(limit: few) else { return nil }
    return Way(condition: "\(Self.areCommon) AND (\(count)) < \(few)", rows: window.matching)
  }

  /// Those of a conversation, or a contact, that hold every word but the one that is being typed: the index says of both
  /// who has them, and only who is in both is looked at.
  private func inside(_ whole: MessageWords.Whole) -> Way? {
    guard let (condition, isWhole) = sources[0].ofOrigin else { return nil }
    return Way(
      condition: "\(Self.areCommon) AND \(isWhole)",
      rows: statement(name + "_inside", found([whole.together, condition], whole.unseen)))
  }

  /// The word that is being typed is asked for as it stands and with each letter that may follow it, where it is frequent
  /// and longer ones are not.
  private func ending(_ whole: MessageWords.Whole) -> Way {
    let endings = whole.endings
    return Way(
      condition: """
        \(Self.several) * whole > \(Self.evidence) AND \(Self.frequent) * typed > \(Self.evidence)
        AND \(Self.frequent) * longer < \(Self.evidence) AND \(endings.areKnown) AND \(WordEndings.areSorted)
        AND \(WordEndings.areFewMixed)
        """,
      rows: statement(name + "_ending", found([endings.indexed], endings.unseen)))
  }

  /// Those that hold every word but the one that is being typed, where they are few and it is frequent.
  private func without(_ whole: MessageWords.Whole) -> Way {
    Way(
      condition: "\(Self.worth) * whole < typed",
      rows: statement(name + "_whole", found(whole.indexed, whole.unseen)))
  }

  /// What the index of words finds. What is not cheap to see is looked at from the newest on, until the page is full.
  func found(_ indexed: [String], _ unseen: MessageWords.Look) -> String {
    let columns = columns.filter { $0 != "body" || !unseen.patterns.isEmpty }.map { "m.\($0)" }.joined(separator: ", ")
    let rows = """
      SELECT m.* FROM (
        SELECT \(columns) FROM messages m \(SQL.whole(indexed + ["m.body IS NOT NULL"] + kinds)) OFFSET 0) m
      \(SQL.whole(bounds.whole + conditions + unseen.patterns))
      """
    guard !unseen.queries.isEmpty else { return "SELECT m.id FROM (\(rows)) m" }
    return "SELECT m.id FROM (\(rows) ORDER BY m.id DESC OFFSET 0) m \(SQL.whole(unseen.queries))"
  }
}
