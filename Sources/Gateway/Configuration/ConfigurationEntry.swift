// A channel's or a sink's entry: checked, but still to be understood by its own type.

public import ChannelProtocol
import Foundation

/// What channels and sinks share.
public protocol ConfigurationEntry: Sendable, Hashable {
  var id: String { get }
  var type: String { get }
  /// The keys of the entry's type, as an object; its place is the entry's.
  var options: ConfigurationValue { get }
}

/// One channel.
public struct ChannelEntry: ConfigurationEntry {
  public var id: String
  public var type: String
  public var accountID: String
  public var options: ConfigurationValue
  /// When it sends nothing.
  public var quietHours: QuietHours?
}

/// One sink.
public struct SinkEntry: ConfigurationEntry {
  /// The sink's type where the entry has no id.
  public var id: String
  public var type: String
  public var options: ConfigurationValue
}

extension ConfigurationEntry {
  /// The entry as its type sees it.
  /// - Throws: what the type's own `init(from:)` refuses; give it to `locate(_:)`.
  public func decode<Configuration: ChannelConfiguration>(
    _ type: Configuration.Type
  ) throws(ConfigurationProblems) -> Configuration {
    do {
      return try JSONDecoder().decode(type, from: try JSONEncoder().encode(options.json))
    } catch let error as DecodingError {
      throw ConfigurationProblems(ConfigurationProblem(error))
    } catch {
      throw ConfigurationProblems(error)
    }
  }

  /// Puts a problem at its place in the file.
  public func locate(_ problem: ConfigurationProblem) -> ConfigurationError.Located {
    .init(position: options.position(at: problem.path), message: problem.message)
  }

  /// Puts each at its place in the file.
  public func locate(_ problems: ConfigurationProblems) -> [ConfigurationError.Located] {
    problems.problems.map(locate)
  }
}

extension ConfigurationProblem {
  /// Only what names keys and types is told: the error's own text may quote a value.
  fileprivate init(_ error: DecodingError) {
    func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> [String] {
      (context.codingPath + [last].compactMap(\.self)).map { key in key.intValue.map(String.init) ?? key.stringValue }
    }
    switch error {
    case .keyNotFound(let key, let context):
      self.init(path: path(context), "key `\(key.stringValue)` is missing")
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      let path = path(context)
      self.init(path: path, "\(path.joined(separator: ".")) is not of the type that this entry's type wants")
    case .dataCorrupted(let context):
      let path = path(context)
      self.init(path: path, "\(path.joined(separator: ".")) cannot be read")
    @unknown default:
      self.init("these options cannot be read")
    }
  }
}
