// From libpq's results and messages to errors.

import CLibpq

extension PostgresError {
  /// The error that a failed result carries.
  init(_ result: OpaquePointer, statement: String?) {
    func field(_ code: Character) -> String? {
      guard let ascii = code.asciiValue, let value = PQresultErrorField(result, Int32(ascii)) else { return nil }
      return String(cString: value)
    }
    let message = field("M") ?? String(cString: PQresultErrorMessage(result)).trimmed
    if let code = field("C"), Self.isFatal(result) {
      self.init(.connectionLost, message, detail: field("D"), sqlState: SQLState(code))
    } else if let code = field("C") {
      self.init(.server(sqlState: SQLState(code)), message, detail: field("D"))
    } else {
      // libpq's own words: the connection is gone, or memory is.
      self.init(.connectionLost, message.isEmpty ? "libpq reports a failure without words" : message)
    }
    self.hint = field("H")
    self.constraint = field("n")
    self.table = field("t")
    self.column = field("c")
    self.statement = statement
  }

  /// The session ends with this error: severity FATAL or PANIC, as the field that is never translated says.
  static func isFatal(_ result: OpaquePointer) -> Bool {
    guard let severity = PQresultErrorField(result, Int32(UInt8(ascii: "V"))) else { return false }
    let word = String(cString: severity)
    return word == "FATAL" || word == "PANIC"
  }

  /// The server's last word came with the end of the connection.
  func asLostConnection(outcomeUnknown: Bool) -> PostgresError {
    var error = self
    error.kind = .connectionLost
    error.outcomeUnknown = outcomeUnknown
    return error
  }
}

extension String {
  /// Without the line end that libpq puts behind its messages.
  var trimmed: String {
    var text = self[...]
    while text.last?.isWhitespace == true { text = text.dropLast() }
    return String(text).replacingLineEnds
  }

  private var replacingLineEnds: String {
    split(whereSeparator: \.isNewline).joined(separator: "; ")
  }
}
