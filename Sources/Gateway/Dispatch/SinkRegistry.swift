// The sink types a program knows, by the word in `channels.yaml`.

import ChannelProtocol
public import Sinks

/// The list that a `main` gives: `.init(LogSink.self, WebSocketSink.self)`.
public struct SinkRegistry: Sendable {
  let types: [any Sink.Type]

  public init(_ types: any Sink.Type...) { self.types = types }

  /// The keys of each type, for the configuration's check.
  var keys: [String: [ConfigurationKey]] {
    Dictionary(types.map { ($0.type, $0.configurationKeys) }, uniquingKeysWith: { first, _ in first })
  }

  /// All that an entry's own type finds wrong with it, as far as it can be told without starting anything.
  func problems(of entry: SinkEntry) -> [ConfigurationError.Located] {
    guard let type = types.first(where: { $0.type == entry.type }) else { return [] }
    do throws(ConfigurationProblems) {
      try type.check(entry)
      return []
    } catch {
      return entry.locate(error)
    }
  }

  /// Makes the sink of an entry whose type and options were checked.
  func make(_ entry: SinkEntry, context: SinkContext) throws(ConfigurationProblems) -> any Sink {
    guard let type = types.first(where: { $0.type == entry.type }) else {
      throw ConfigurationProblems(ConfigurationProblem("no sink of the type `\(entry.type)` is part of this program"))
    }
    return try type.make(entry, context: context)
  }
}

extension Sink {
  fileprivate static var configurationKeys: [ConfigurationKey] { Configuration.keys }

  fileprivate static func check(_ entry: SinkEntry) throws(ConfigurationProblems) {
    _ = try entry.decode(Configuration.self)
  }

  fileprivate static func make(
    _ entry: SinkEntry, context: SinkContext
  ) throws(ConfigurationProblems) -> any Sink {
    let configuration = try entry.decode(Configuration.self)
    do {
      return try Self(configuration: configuration, context: context)
    } catch {
      throw ConfigurationProblems(error)
    }
  }
}
