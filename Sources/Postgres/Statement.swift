// A statement's text and the name it is known by.

/// A statement that is prepared once per connection, at its first use there.
///
/// The same name may be used with other parameter types; each combination is prepared apart.
public struct Statement: Sendable, Hashable {
  /// Short and stable: it stands in errors and in `pg_prepared_statements`.
  public let name: String
  public let sql: String
  /// The statement ends a transaction, so that its loss leaves the outcome unknown.
  let commits: Bool

  /// - Parameters:
  ///   - name: at most 48 bytes, unique per SQL text.
  ///   - sql: one statement; `$1`, `$2` … are its parameters.
  public init(_ name: String, _ sql: String) {
    self.name = name
    self.sql = sql
    let word = sql.drop(while: \.isWhitespace).prefix(while: \.isLetter).lowercased()
    self.commits = word == "commit" || word == "end"
  }

  public static let begin = Statement("begin", "BEGIN")
  public static let commit = Statement("commit", "COMMIT")
  public static let rollback = Statement("rollback", "ROLLBACK")
}
