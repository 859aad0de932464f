// The channel types a program knows, by the word in `channels.yaml`.

public import ChannelProtocol

/// The list that a `main` gives: `.init(SMSChannel.self, WhatsAppChannel.self)`.
public struct ChannelRegistry: Sendable {
  let types: [any ChannelAdapter.Type]

  public init(_ types: any ChannelAdapter.Type...) { self.types = types }

  /// The keys of each type, for the configuration's check.
  var keys: [String: [ConfigurationKey]] {
    Dictionary(types.map { ($0.type.rawValue, $0.configurationKeys) }, uniquingKeysWith: { first, _ in first })
  }

  /// Makes the adapter of an entry whose type and options were checked.
  func make(_ entry: ChannelEntry, context: ChannelContext) throws(ConfigurationProblem) -> any ChannelAdapter {
    guard let type = types.first(where: { $0.type.rawValue == entry.type }) else {
      throw ConfigurationProblem("no channel of the type `\(entry.type)` is part of this program")
    }
    return try type.make(entry, context: context)
  }
}

extension ChannelAdapter {
  fileprivate static var configurationKeys: [ConfigurationKey] { Configuration.keys }

  fileprivate static func make(
    _ entry: ChannelEntry, context: ChannelContext
  ) throws(ConfigurationProblem) -> any ChannelAdapter {
    let configuration = try entry.decode(Configuration.self)
    do {
      return try Self(configuration: configuration, context: context)
    } catch let problem as ConfigurationProblem {
      throw problem
    } catch {
      throw ConfigurationProblem("\(error)")
    }
  }
}
