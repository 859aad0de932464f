// How a page of a list is had: at once, or by looking at the newest rows before an index is asked.

import Postgres

/// What many rows have fills a page from the newest ones; what few have is found by an index, and then sorted. Which of
/// the two it is, only the data knows, so the newest are looked at first.
enum ListSteps {
  case one(Statement)
  case search(windows: [Window], indexed: Statement)

  /// The newest rows, and those among them that match.
  struct Window {
    var size: Int
    var matching: Statement
    /// How many rows there are to look at, `size` at most; run with the same parameters.
    var reach: Statement
  }

  /// - Parameter wanted: rows of a full page and the one behind it.
  func rows(_ parameters: Parameters, wanted: Int, on connection: Connection) throws -> Rows {
    switch self {
    case .one(let statement): return try connection.execute(statement, parameters)
    case .search(let windows, let indexed):
      for (index, window) in windows.enumerated() {
        let rows = try connection.execute(window.matching, parameters)
        if rows.count >= wanted { return rows }
        if index == 0, try connection.execute(window.reach, parameters).single().int8(0) < window.size { return rows }
        // A larger window would not fill the page either.
        if index + 1 < windows.count, rows.count * windows[index + 1].size < wanted * window.size { break }
      }
      return try connection.execute(indexed, parameters)
    }
  }
}

extension ListSteps.Window {
  /// - Parameter source: selects the newest rows, given how many.
  init(
    _ name: String, size: Int, source: (Int) -> String, matching: (_ name: String, _ source: String) -> Statement
  ) {
    self.init(
      size: size, matching: matching("\(name)_newest_\(size)", source(size)),
      reach: Statement("\(name)_reach_\(size)", "SELECT count(*) FROM (\(source(size))) r"))
  }
}
