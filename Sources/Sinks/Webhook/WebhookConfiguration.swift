// The webhook sink's entry in `channels.yaml`.

public import ChannelProtocol

/// Options of `{ type: webhook }`. Durations are seconds.
public struct WebhookConfiguration: ChannelConfiguration {
  /// Addresses that may be reached although they are not public; see ``AddressRules``.
  public var allow: [String] = []
  /// The pauses before each further attempt.
  public var retry: [Double] = RetrySchedule.standard.pauses.map(\.inSeconds)
  /// How long one attempt may take, resolving and connecting included.
  public var timeout: Double = 15
  /// Attempts under way at once, over all endpoints.
  public var concurrency = 64
  /// Attempts under way at once to one endpoint.
  public var perEndpoint = 8
  /// A PEM file of certificate authorities that are trusted beside the system's.
  public var certificateAuthorities: String?

  public init() {}

  public static let keys: [ConfigurationKey] = [
    ConfigurationKey(
      "allow", .list(.string),
      """
      Addresses (blocks such as 10.0.0.0/8, single ones, or the word loopback) that webhooks may reach although they \
      are not public.
      """
    ),
    ConfigurationKey("retry", .list(.duration), "The pauses before the second attempt, the third and so on."),
    ConfigurationKey("timeout", .duration, "How long one attempt may take."),
    ConfigurationKey("concurrency", .integer(1...1_024), "Attempts under way at once, over all endpoints."),
    ConfigurationKey("perEndpoint", .integer(1...256), "Attempts under way at once to one endpoint."),
    ConfigurationKey(
      "certificateAuthorities", .string, "A PEM file of certificate authorities that are trusted beside the system's."),
  ]

  private enum CodingKeys: String, CodingKey {
    case allow, retry, timeout, concurrency, perEndpoint, certificateAuthorities
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    allow = try container.decodeIfPresent([String].self, forKey: .allow) ?? allow
    retry = try container.decodeIfPresent([Double].self, forKey: .retry) ?? retry
    timeout = try container.decodeIfPresent(Double.self, forKey: .timeout) ?? timeout
    concurrency = try container.decodeIfPresent(Int.self, forKey: .concurrency) ?? concurrency
    perEndpoint = try container.decodeIfPresent(Int.self, forKey: .perEndpoint) ?? perEndpoint
    certificateAuthorities = try container.decodeIfPresent(String.self, forKey: .certificateAuthorities)
    _ = try AddressRules(allow: allow)
    try validate()
  }

  /// - Throws: `ConfigurationProblem` for what decodes but cannot be.
  func validate() throws {
    guard retry.allSatisfy({ $0 >= 0 && $0 <= 30 * 86_400 }), retry.count <= 64 else {
      throw ConfigurationProblem(path: ["retry"], "At most 64 pauses of at most 30 days each.")
    }
    guard timeout > 0, timeout <= 60 else {
      throw ConfigurationProblem(path: ["timeout"], "An attempt may take more than nothing and at most 60 seconds.")
    }
    guard concurrency > 0, perEndpoint > 0 else {
      throw ConfigurationProblem(path: ["concurrency"], "There must be room for one attempt at least.")
    }
  }
}
