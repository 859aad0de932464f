// The log sink's entry in `channels.yaml`.

public import ChannelProtocol

/// Options of `{ type: log }`.
public struct LogSinkConfiguration: ChannelConfiguration {
  public enum Fields: String, Sendable, Hashable, Codable, CaseIterable {
    /// Ids, type, time, status and channel: no text, no address, no name.
    case summary
    /// The whole event.
    case full
  }

  /// A file that lines are appended to; nil: standard output.
  public var path: String?
  public var fields = Fields.summary

  public init() {}

  public static let keys: [ConfigurationKey] = [
    ConfigurationKey("path", .string, "A file that lines are appended to; left out: standard output."),
    ConfigurationKey(
      "fields", .choice(Fields.allCases.map(\.rawValue)),
      "What a line holds: summary (ids, type, time and status) or full (the whole event, with texts and addresses)."),
  ]

  private enum CodingKeys: String, CodingKey { case path, fields }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    path = try container.decodeIfPresent(String.self, forKey: .path)
    fields = try container.decodeIfPresent(Fields.self, forKey: .fields) ?? fields
  }
}
