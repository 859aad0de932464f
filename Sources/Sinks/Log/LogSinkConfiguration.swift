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
  /// The only fields of a line that are kept, by names joined with dots; empty: all.
  public var select: [String] = []
  /// Fields that are blotted out.
  public var redact: [String] = []

  public init() {}

  public static let keys: [ConfigurationKey] = [
    ConfigurationKey("path", .string, "A file that lines are appended to; left out: standard output."),
    ConfigurationKey(
      "fields", .choice(Fields.allCases.map(\.rawValue)),
      "What a line holds: summary (ids, type, time and status) or full (the whole event, with texts and addresses)."),
    ConfigurationKey(
      "select", .list(.string), "The only fields of a line that are kept, such as seq or data.status; all, if left out."
    ),
    ConfigurationKey(
      "redact", .list(.string), "Fields whose values are blotted out, such as data.body or data.media.url."),
  ]

  private enum CodingKeys: String, CodingKey { case path, fields, select, redact }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    path = try container.decodeIfPresent(String.self, forKey: .path)
    fields = try container.decodeIfPresent(Fields.self, forKey: .fields) ?? fields
    select = try container.decodeIfPresent([String].self, forKey: .select) ?? select
    redact = try container.decodeIfPresent([String].self, forKey: .redact) ?? redact
    try validate()
  }

  /// - Throws: all that decodes but cannot be.
  private func validate() throws(ConfigurationProblems) {
    var problems: [ConfigurationProblem] = []
    for (key, names) in [("select", select), ("redact", redact)] {
      for name in names where name.split(separator: ".", omittingEmptySubsequences: false).contains("") {
        problems.append(ConfigurationProblem(path: [key], "\"\(name)\" is no field's name, such as data.status"))
      }
    }
    try ConfigurationProblems.check(problems)
  }
}
