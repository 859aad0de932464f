// Everything that is wrong with a configuration file, at once, each at its line and column.

/// A place in a text file, both counted from 1, columns in Unicode scalars.
public struct SourcePosition: Sendable, Hashable, Comparable {
  public var line: Int
  public var column: Int

  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  public static func < (left: Self, right: Self) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }
}

/// A configuration file that cannot be used. Its description has one line for each problem, in the order of the file:
/// `channels.yaml:LINE:COL: message`.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One problem and where it is.
  public struct Located: Sendable, Hashable {
    /// Nil: the file as a whole.
    public var position: SourcePosition?
    /// A sentence for a person; never holds a secret.
    public var message: String

    public init(position: SourcePosition?, message: String) {
      self.position = position
      self.message = message
    }
  }

  /// The file's name as it was given.
  public let file: String
  /// Sorted by position, none twice; never empty.
  public let problems: [Located]

  public init(file: String, problems: [Located]) {
    self.file = file
    var seen: Set<Located> = []
    let start = SourcePosition(line: 0, column: 0)
    // `sorted` is stable: problems at the same place stay in the order they were found in.
    self.problems = problems.filter { seen.insert($0).inserted }
      .sorted { ($0.position ?? start) < ($1.position ?? start) }
  }

  /// One line for each problem.
  public var lines: [String] {
    problems.map { problem in
      guard let position = problem.position else { return "\(file): \(problem.message)" }
      return "\(file):\(position.line):\(position.column): \(problem.message)"
    }
  }

  public var description: String { lines.joined(separator: "\n") }
}
