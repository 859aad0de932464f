// The channel types a program knows, by the word in `channels.yaml`.

public import ChannelProtocol
import HTTPTypes
import Logging

/// The list that a `main` gives: `.init(SMSChannel.self, WhatsAppChannel.self)`.
public struct ChannelRegistry: Sendable {
  let types: [any ChannelAdapter.Type]

  public init(_ types: any ChannelAdapter.Type...) { self.types = types }

  /// The keys of each type, for the configuration's check.
  var keys: [String: [ConfigurationKey]] {
    Dictionary(types.map { ($0.type.rawValue, $0.configurationKeys) }, uniquingKeysWith: { first, _ in first })
  }

  /// Makes the adapter of an entry whose type and options were checked.
  func make(_ entry: ChannelEntry, context: ChannelContext) throws(ConfigurationProblems) -> any ChannelAdapter {
    guard let type = types.first(where: { $0.type.rawValue == entry.type }) else {
      throw ConfigurationProblems(
        ConfigurationProblem("no channel of the type `\(entry.type)` is part of this program"))
    }
    return try type.make(entry, context: context)
  }

  /// All that an entry's own type finds wrong with it. Nothing starts in an initialiser, so one is made to see.
  /// - Parameter account: nil: it is wrong itself; then only the entry's own options are looked at.
  func problems(of entry: ChannelEntry, account: AccountEntry?) -> [ConfigurationError.Located] {
    guard let type = types.first(where: { $0.type.rawValue == entry.type }) else { return [] }
    do throws(ConfigurationProblems) {
      guard let account else {
        try type.check(entry)
        return []
      }
      _ = try type.make(
        entry,
        context: ChannelContext(
          channelID: entry.id, account: account.account ?? .sandbox(account, baseURL: nil),
          publicURL: "http://localhost", transport: NoTransport(), clock: SystemClock(),
          logger: Logger(label: "fractal") { _ in SwiftLogNoOpLogHandler() }))
      return []
    } catch {
      return entry.locate(error)
    }
  }
}

extension ChannelAdapter {
  fileprivate static var configurationKeys: [ConfigurationKey] { Configuration.keys }

  fileprivate static func check(_ entry: ChannelEntry) throws(ConfigurationProblems) {
    _ = try entry.decode(Configuration.self)
  }

  fileprivate static func make(
    _ entry: ChannelEntry, context: ChannelContext
  ) throws(ConfigurationProblems) -> any ChannelAdapter {
    let configuration = try entry.decode(Configuration.self)
    do {
      return try Self(configuration: configuration, context: context)
    } catch {
      throw ConfigurationProblems(error)
    }
  }
}

/// For adapters that are made to see whether they can be.
private struct NoTransport: HTTPTransport {
  func send(
    _ request: HTTPRequest, body: [UInt8], deadline: Duration
  ) async throws(TransportFailure) -> (response: HTTPResponse, body: [UInt8]) {
    throw TransportFailure(mayHaveArrived: false, message: "a configuration's check calls nobody")
  }
}
