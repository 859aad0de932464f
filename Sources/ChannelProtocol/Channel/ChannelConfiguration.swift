// How a channel (or a sink) describes its part of `channels.yaml`, so that every error can name its line and the
// nearest valid word, and the JSON Schema comes from the same description.

/// One entry's options. The engine checks an entry against `keys` with line and column, then decodes it.
public protocol ChannelConfiguration: Decodable, Sendable {
  /// The keys that are valid beside those every entry has (`id`, `type`, `account`).
  static var keys: [ConfigurationKey] { get }
}

/// One key of a mapping in `channels.yaml`.
public struct ConfigurationKey: Sendable, Hashable {
  public indirect enum Kind: Sendable, Hashable {
    case string
    /// A string out of a fixed set.
    case choice([String])
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case boolean
    /// `500ms`, `5s`, `30m`, `2h`, `7d`; decoded as seconds (Double).
    case duration
    case list(Kind)
    case object([ConfigurationKey])
    /// A mapping with free names.
    case dictionary(Kind)
  }

  public var name: String
  public var kind: Kind
  public var isRequired: Bool
  /// Never printed, never logged.
  public var isSecret: Bool
  /// What it is for, a sentence; shown by editors.
  public var summary: String

  public init(_ name: String, _ kind: Kind, required: Bool = false, secret: Bool = false, _ summary: String) {
    self.name = name
    self.kind = kind
    self.isRequired = required
    self.isSecret = secret
    self.summary = summary
  }
}

/// An entry that decodes but cannot be: the engine adds file, line and column of `key`.
public struct ConfigurationProblem: Error, Sendable, Hashable {
  /// The path below the entry, such as `["window", "policy"]`; empty: the entry itself.
  public var path: [String]
  /// A sentence for a person.
  public var message: String

  public init(path: [String] = [], _ message: String) {
    self.path = path
    self.message = message
  }
}

/// All that is wrong with an entry. A type that throws these has its faults told in one go with the rest of the file's.
public struct ConfigurationProblems: Error, Sendable, Hashable {
  /// Never empty.
  public var problems: [ConfigurationProblem]

  /// - Throws: itself, unless there are none.
  public static func check(_ problems: [ConfigurationProblem]) throws(ConfigurationProblems) {
    guard !problems.isEmpty else { return }
    throw ConfigurationProblems(problems: problems)
  }

  /// What an initialiser threw, whatever it was.
  public init(_ error: any Error) {
    switch error {
    case let problems as ConfigurationProblems: self = problems
    case let problem as ConfigurationProblem: self.init(problems: [problem])
    default: self.init(problems: [ConfigurationProblem("\(error)")])
    }
  }

  private init(problems: [ConfigurationProblem]) { self.problems = problems }
}

/// A text that must not be printed: every description of it is `[secret]`.
public struct Secret: Sendable, Hashable, Decodable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The text itself; name it only where it is used.
  public let plaintext: String
  public init(_ plaintext: String) { self.plaintext = plaintext }
  public init(from decoder: any Decoder) throws {
    plaintext = try decoder.singleValueContainer().decode(String.self)
  }
  public var description: String { "[secret]" }
  public var debugDescription: String { "[secret]" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
