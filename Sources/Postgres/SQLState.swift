// The five characters by which PostgreSQL names what went wrong.

/// A SQLSTATE code: five ASCII characters, the first two of which are its class.
///
/// Source: PostgreSQL documentation, appendix A "PostgreSQL Error Codes".
public struct SQLState: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// The five characters as the server sent them.
  public let code: String

  public init(_ code: String) { self.code = code }
  public init(stringLiteral value: String) { self.code = value }

  /// The first two characters: "23" is integrity constraint violation.
  public var classCode: Substring { code.prefix(2) }
  public var description: String { code }

  public static let uniqueViolation: SQLState = "23505"
  public static let foreignKeyViolation: SQLState = "23503"
  public static let checkViolation: SQLState = "23514"
  public static let notNullViolation: SQLState = "23502"
  public static let serializationFailure: SQLState = "40001"
  public static let deadlockDetected: SQLState = "40P01"
  public static let lockNotAvailable: SQLState = "55P03"
  public static let queryCanceled: SQLState = "57014"
  public static let adminShutdown: SQLState = "57P01"
  public static let cannotConnectNow: SQLState = "57P03"
  public static let undefinedTable: SQLState = "42P01"
  public static let duplicateTable: SQLState = "42P07"
  public static let featureNotSupported: SQLState = "0A000"
  public static let invalidStatementName: SQLState = "26000"
  public static let characterNotInRepertoire: SQLState = "22021"

  /// The statement's data is at fault: the same statement with other rows may well succeed.
  ///
  /// Classes 21 (a row met twice), 22 (data), 23 (constraints), 44 (check option), 54 (a value too large for its
  /// index) and P0 (raised by a function).
  public var blamesData: Bool {
    switch classCode {
    case "21", "22", "23", "44", "54", "P0": true
    default: false
    }
  }

  /// Lost a race with another transaction: the same statement may succeed at once.
  public var isContention: Bool { classCode == "40" || self == .lockNotAvailable }

  /// The server lacks something for the moment: connections, memory, disk, a finished start.
  public var isTransient: Bool {
    isContention || classCode == "53" || classCode == "08" || classCode == "57" || classCode == "58"
  }
}
