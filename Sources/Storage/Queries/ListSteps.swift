// How a page of a list is had: at once, or by looking at few rows at a time before an index is asked for all of them.

import Postgres

/// What many rows have fills a page from the newest ones; what few have is found by an index, and then sorted. Which of
/// the two it is, only the data knows, so some of each place where the rows may be are looked at first: the newest of
/// all, of a channel, of a status. Where a place has no more than was looked at, the answer is whole.
enum ListSteps {
  /// Nothing can match.
  case none
  case one(Statement)
  case search(places: [Place], rest: Statement, choice: Choice? = nil)

  /// Ways to what the rest finds, each of which is the shortest where certain words are frequent.
  struct Choice {
    /// Answers which of them it is, as the newest rows have it; null: the rest is.
    var statement: Statement
    var ways: [Statement]
  }

  struct Place {
    /// Each looks further than the one before. What the first shows says which other is worth looking at.
    var windows: [Window]
    /// Whether a full page from here is the list's, as it is where all that may match is in the place and the newest of
    /// it is looked at first. Another is of use only where it has no more rows than are looked at.
    var isOrdered = true
  }

  /// Some rows of a place, and those among them that match.
  struct Window {
    var size: Int
    var matching: Statement
    /// How many rows there are to look at, of which fewer than `size` are all; run with the same parameters. nil where
    /// there are always more.
    var reach: Statement?
  }

  /// - Parameter wanted: rows of a full page and the one behind it.
  func rows(_ parameters: Parameters, wanted: Int, on connection: Connection) throws -> [Row] {
    switch self {
    case .none: return []
    case .one(let statement): return Array(try connection.execute(statement, parameters))
    case .search(let places, let rest, let choice):
      var isHopeless = false
      for place in places {
        let rows = try place.rows(parameters, wanted: wanted, isHopeless: &isHopeless, on: connection)
        if let rows { return Array(rows) }
      }
      let way = try choice.flatMap { try connection.look($0.statement, parameters).single().int4OrNil(0) }
      return Array(try connection.look(way.flatMap { choice?.ways[Int($0)] } ?? rest, parameters))
    }
  }
}

extension ListSteps.Place {
  /// nil where it takes more than was looked at to know.
  /// - Parameter isHopeless: whether the newest of a place before had nothing. Those of another have hardly more, so they
  ///   are only looked at where they are all.
  fileprivate func rows(
    _ parameters: Parameters, wanted: Int, isHopeless: inout Bool, on connection: Connection
  ) throws -> Rows? {
    func reachesEnd(of window: ListSteps.Window) throws -> Bool {
      guard let reach = window.reach else { return false }
      return try connection.look(reach, parameters).single().int8(0) < window.size
    }
    guard let first = windows.first else { return nil }
    guard isOrdered, !isHopeless else {
      return try reachesEnd(of: first) ? try connection.look(first.matching, parameters) : nil
    }
    let rows = try connection.look(first.matching, parameters)
    if try rows.count >= wanted || reachesEnd(of: first) { return rows }
    isHopeless = rows.isEmpty
    // The smallest that will fill the page with some to spare; it is read no further than the page needs.
    let enough = windows.dropFirst().first { rows.count * $0.size * 5 >= wanted * first.size * 6 }
    guard let enough else { return nil }
    let more = try connection.look(enough.matching, parameters)
    return more.count >= wanted ? more : nil
  }
}

extension ListSteps.Window {
  /// - Parameters:
  ///   - source: selects rows, given how many.
  ///   - counted: selects as many rows as there are, or more than the source looks at, where that is cheaper.
  init(
    _ name: String, size: Int, source: (Int) -> String, counted: ((Int) -> String)? = nil,
    matching: (_ name: String, _ source: String) -> Statement
  ) {
    self.init(
      size: size, matching: matching("\(name)_\(size)", source(size)),
      reach: Statement("\(name)_reach_\(size)", "SELECT count(*) FROM (\(counted?(size) ?? source(size))) r"))
  }
}

extension Connection {
  private static let beginSnapshot = Statement("begin_list", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

  /// Looks at the rows in one snapshot with all that is looked at for the page, so that what has come in between is not
  /// taken for what was there. It ends with the call that has the connection.
  fileprivate func look(_ statement: Statement, _ parameters: Parameters) throws -> Rows {
    guard !isInTransaction else { return try execute(statement, parameters) }
    return try pipeline([(Self.beginSnapshot, Parameters()), (statement, parameters)])[1]
  }
}
