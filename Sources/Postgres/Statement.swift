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
  ///   - name: unique per SQL text; of more than 48 bytes the beginning and a digest are kept.
  ///   - sql: one statement; `$1`, `$2` … are its parameters.
  public init(_ name: String, _ sql: String) {
    self.name = name.utf8.count <= Self.maximumName ? name : Self.shortened(name)
    self.sql = sql
    let word = sql.drop(while: \.isWhitespace).prefix(while: \.isLetter).lowercased()
    self.commits = word == "commit" || word == "end"
  }

  /// PostgreSQL cuts names at 63 bytes without a word, and the number of each combination of types is added to ours.
  private static let maximumName = 48

  private static func shortened(_ name: String) -> String {
    // FNV-1a: the same on every node and at every start.
    let digest = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    return "\(name.prefix(maximumName - 17))_\(String(digest, radix: 16))"
  }

  public static let begin = Statement("begin", "BEGIN")
  public static let commit = Statement("commit", "COMMIT")
  public static let rollback = Statement("rollback", "ROLLBACK")
}
