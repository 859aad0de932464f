// The whole configuration as a value: read once, compared at a reload, never changed.

public import ChannelProtocol
public import Sinks

/// `channels.yaml`, checked, with its variables expanded.
public struct GatewayConfiguration: Sendable, Hashable {
  public struct Server: Sendable, Hashable {
    public var host: String
    /// 0: any free one.
    public var port: Int
    /// Without a trailing slash; nil: not set.
    public var publicURL: String?
    /// Origins of pages that may call the API from a browser.
    public var corsOrigins: [String] = []
    /// Proxies whose word is taken on who is behind them.
    public var trustedProxies: [AddressBlock] = []
  }

  public enum Database: Sendable, Hashable {
    /// A private cluster under `.fractal/postgres`.
    case embedded
    /// What libpq takes: a `postgres://` URL, or `host=… dbname=…`.
    case url(Secret)
  }

  public struct Limits: Sendable, Hashable {
    /// For each API key; 0: no limit.
    public var requestsPerSecond: Double
    public var burst: Int
  }

  public struct Media: Sendable, Hashable {
    public enum Store: String, Sendable, Hashable { case database, disk, none }
    public var store: Store
    /// The directory of `disk`.
    public var path: String
    /// Bytes of the largest file of a contact's that is kept; nil: whatever a channel carries.
    public var maxSize: Int?
    /// `image/png` or `image/*`; nil: every type.
    public var types: [String]?
  }

  public struct Retention: Sendable, Hashable {
    /// How long the event log goes back.
    public var events: Duration
    /// How long deliveries to webhooks and their attempts are kept once they have ended.
    public var deliveries: Duration = .seconds(30 * 86_400)
    /// How long an uploaded file is kept that no message uses.
    public var uploads: Duration = .seconds(7 * 86_400)
    /// How long files are kept; nil: for ever.
    public var media: Duration?
  }

  /// The file's name as it was given, for messages.
  public var file: String
  public var server: Server
  public var database: Database
  public var accounts: [AccountEntry]
  public var channels: [ChannelEntry]
  public var sinks: [SinkEntry]
  public var limits: Limits
  public var media: Media
  public var retention: Retention

  /// Reads and checks a file.
  /// - Parameters:
  ///   - path: as the person gave it; messages repeat it.
  ///   - environment: where `${VAR}` comes from.
  /// - Throws: all of its problems at once.
  public static func load(
    path: String, environment: [String: String], schema: ConfigurationSchema
  ) throws(ConfigurationError) -> Self {
    try parse(ConfigurationDocument.read(path: path), file: path, environment: environment, schema: schema)
  }

  /// Checks a text as `load` does a file.
  /// - Parameter file: the name in messages.
  public static func parse(
    _ text: String, file: String, environment: [String: String], schema: ConfigurationSchema
  ) throws(ConfigurationError) -> Self {
    let document = ConfigurationDocument(text: text)
    guard let root = document.root else { throw ConfigurationError(file: file, problems: document.problems) }
    var reader = ConfigurationReader(schema: schema, environment: environment)
    let configuration = reader.read(root, file: file)
    let problems = document.problems + reader.problems
    guard problems.isEmpty else { throw ConfigurationError(file: file, problems: problems) }
    return configuration
  }

  /// The account that a channel belongs to.
  public func account(of channel: ChannelEntry) -> AccountEntry? { accounts.first { $0.id == channel.accountID } }
}
