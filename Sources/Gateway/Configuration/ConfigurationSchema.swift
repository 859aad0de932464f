// What may stand in `channels.yaml`: one description for the checks, the messages and the JSON Schema.

public import ChannelProtocol

/// The gateway's own sections, and the keys of each type of channel and sink.
public struct ConfigurationSchema: Sendable {
  /// The keys that a type of channel adds to `id`, `type` and `account`, by the type's name.
  public var channelTypes: [String: [ConfigurationKey]]
  /// The keys that a type of sink adds to `id` and `type`, by the type's name.
  public var sinkTypes: [String: [ConfigurationKey]]
  /// What the types themselves find wrong with an entry whose keys are right.
  var channelProblems: @Sendable (ChannelEntry, AccountEntry?) -> [ConfigurationError.Located] = { _, _ in [] }
  var sinkProblems: @Sendable (SinkEntry) -> [ConfigurationError.Located] = { _ in [] }

  public init(channelTypes: [String: [ConfigurationKey]], sinkTypes: [String: [ConfigurationKey]]) {
    self.channelTypes = channelTypes
    self.sinkTypes = sinkTypes
  }

  /// What a program's channels and sinks may say.
  public init(channels: ChannelRegistry, sinks: SinkRegistry) {
    self.init(channelTypes: channels.keys, sinkTypes: sinks.keys)
    channelProblems = { channels.problems(of: $0, account: $1) }
    sinkProblems = { sinks.problems(of: $0) }
  }

  /// The keys of the file's top level, in the order in which they are shown. The lists of channels and sinks are
  /// described here by what all their entries share.
  static let sections = [
    ConfigurationKey("server", .object(serverKeys), "Where the gateway listens, and where it is reached."),
    ConfigurationKey("database", .object(databaseKeys), "Where everything is kept."),
    ConfigurationKey(
      "accounts", .list(.object(accountKeys)), required: true, "The accounts at Twilio that channels belong to."),
    ConfigurationKey("channels", .list(.object(channelKeys)), required: true, "Where messages come from and go to."),
    ConfigurationKey("sinks", .list(.object(sinkKeys)), "Where events go."),
    ConfigurationKey("limits", .object(limitKeys), "What one client may use up."),
    ConfigurationKey("media", .object(mediaKeys), "What happens to attachments."),
    ConfigurationKey("retention", .object(retentionKeys), "How long things are kept."),
  ]

  static let serverKeys = [
    ConfigurationKey("host", .string, "The address to listen on; 0.0.0.0 if left out."),
    ConfigurationKey("port", .integer(0...65_535), "The port to listen on, 0 for any free one; 3000 if left out."),
    ConfigurationKey(
      "publicURL", .string, "The base URL under which Twilio and clients reach the gateway, a path prefix included."),
    ConfigurationKey("cors", .object(corsKeys), "Which web pages may call the API from a browser; none if left out."),
    ConfigurationKey(
      "trustedProxies", .list(.string),
      "Addresses of proxies, such as 10.0.0.0/8 or ::1, whose word is taken on who is behind them (X-Forwarded-For, "
        + "Forwarded); none if left out; empty ones are passed over."),
  ]

  static let corsKeys = [
    ConfigurationKey(
      "origins", .list(.string),
      "Origins such as https://app.example.com; `*` for every one; empty ones are passed over."
    )
  ]

  static let databaseKeys = [
    ConfigurationKey(
      "url", .string, secret: true, "A PostgreSQL URL, or `embedded` (the default) for a private one under .fractal/.")
  ]

  static let accountKeys = [
    ConfigurationKey("id", .string, required: true, "The name that channels use."),
    ConfigurationKey(
      "provider", .string, "Whose account it is, a word of a channel package's; twilio if left out."),
    ConfigurationKey(
      "accountSID", .string, required: true,
      "AC and 32 hexadecimal digits, or `sandbox` for the built-in one; another provider's own id."),
    ConfigurationKey(
      "authTokens", .list(.string), secret: true,
      "The first one calls, the next where it is refused; all of them verify; empty ones are passed over."
    ),
    ConfigurationKey("apiKey", .string, "An API key's SID, used for calls in place of the token."),
    ConfigurationKey("apiSecret", .string, secret: true, "The API key's secret."),
    ConfigurationKey(
      "sharedKeys", .dictionary(.string), secret: true, "The keys of Twilio's newer signatures, by their id."),
    ConfigurationKey("baseURL", .string, "Replaces scheme and host of every Twilio product, media included."),
    ReconciliationPolicy.key,
    ConfigurationKey("region", .string, "Twilio's region, such as `ie1`: its credentials, and an `edge`."),
    ConfigurationKey("edge", .string, "Where Twilio's network is entered, such as `dublin`."),
  ]

  static let channelKeys = [
    ConfigurationKey("id", .string, required: true, "The name that requests and events use."),
    ConfigurationKey("type", .string, required: true, "What kind of channel this is."),
    ConfigurationKey("account", .string, "The account it belongs to; may be left out where there is only one."),
    QuietHours.key,
  ]

  static let sinkKeys = [
    ConfigurationKey("type", .string, required: true, "What kind of sink this is."),
    ConfigurationKey("id", .string, "Its name, where there are several of a type; the type if left out."),
  ]

  static let limitKeys = [
    ConfigurationKey(
      "requestsPerSecond", .number(0...1_000_000), "For each API key; 0 for no limit, 100 if left out."),
    ConfigurationKey(
      "burst", .integer(1...10_000_000), "How many at once; twice a second's requests if left out."),
  ]

  static let mediaKeys = [
    ConfigurationKey(
      "store", .choice(["database", "disk", "none"]), "Where attachments are kept; the database if left out."),
    ConfigurationKey("path", .string, "The directory of `store: disk`; .fractal/media if left out."),
    ConfigurationKey(
      "maxSize", .integer(1...MediaShelf.maximumSize),
      "Bytes of the largest file of a contact's that is kept; 16777216 if left out."),
    ConfigurationKey(
      "types", .list(.string),
      "The types of contacts' files that are kept, such as image/png or image/*; all if left out."),
  ]

  static let retentionKeys = [
    ConfigurationKey(
      "events", .duration,
      "How long the event log goes back; 30d if left out. What a webhook has to get stays longer, if not disabled."
    ),
    ConfigurationKey(
      "deliveries", .duration,
      "How long deliveries to webhooks and their attempts are kept once they have ended; 30d if left out."),
    ConfigurationKey(
      "uploads", .duration, "How long an uploaded file is kept that no message uses; 7d if left out."),
    ConfigurationKey("media", .duration, "How long files are kept, ours and contacts'; for ever if left out."),
  ]
}
