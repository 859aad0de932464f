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
  public var concurrency = 256
  /// Attempts under way at once to one endpoint.
  public var perEndpoint = 16
  /// How a failing delivery holds back what comes after it in its conversation.
  public var order = Order()
  /// How long nothing but failures may come before an endpoint is disabled.
  public var disableAfter: Double = 5 * 86_400
  /// Deliveries a second of what was collected while an endpoint was paused.
  public var catchUp: Double = 100
  /// A PEM file of certificate authorities that are trusted beside the system's.
  public var certificateAuthorities: String?

  public struct Order: Decodable, Sendable, Hashable {
    /// nil: until it is delivered or given up.
    public var holdFor: Double?
    public init(holdFor: Double? = nil) { self.holdFor = holdFor }
  }

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
    ConfigurationKey("concurrency", .integer(1...4_096), "Attempts under way at once, over all endpoints."),
    ConfigurationKey("perEndpoint", .integer(1...256), "Attempts under way at once to one endpoint."),
    ConfigurationKey(
      "order",
      .object([
        ConfigurationKey(
          "holdFor", .duration,
          "How long a failing delivery holds its conversation back; until it is delivered or given up if left out.")
      ]),
      "How the order of a conversation is kept."),
    ConfigurationKey(
      "disableAfter", .duration,
      "How long nothing but failures may come before an endpoint is disabled; 5d if left out."
    ),
    ConfigurationKey(
      "catchUp", .number(0.1...100_000),
      "Deliveries a second of what an endpoint's pause has left; 100 if left out."),
    ConfigurationKey(
      "certificateAuthorities", .string, "A PEM file of certificate authorities that are trusted beside the system's."),
  ]

  private enum CodingKeys: String, CodingKey {
    case allow, retry, timeout, concurrency, perEndpoint, order, disableAfter, catchUp, certificateAuthorities
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    allow = try container.decodeIfPresent([String].self, forKey: .allow) ?? allow
    retry = try container.decodeIfPresent([Double].self, forKey: .retry) ?? retry
    timeout = try container.decodeIfPresent(Double.self, forKey: .timeout) ?? timeout
    concurrency = try container.decodeIfPresent(Int.self, forKey: .concurrency) ?? concurrency
    perEndpoint = try container.decodeIfPresent(Int.self, forKey: .perEndpoint) ?? perEndpoint
    order = try container.decodeIfPresent(Order.self, forKey: .order) ?? order
    disableAfter = try container.decodeIfPresent(Double.self, forKey: .disableAfter) ?? disableAfter
    catchUp = try container.decodeIfPresent(Double.self, forKey: .catchUp) ?? catchUp
    certificateAuthorities = try container.decodeIfPresent(String.self, forKey: .certificateAuthorities)
    try validate()
  }

  /// - Throws: all that decodes but cannot be.
  func validate() throws(ConfigurationProblems) {
    var problems: [ConfigurationProblem] = []
    do throws(ConfigurationProblems) { _ = try AddressRules(allow: allow) } catch { problems = error.problems }
    if retry.count > 64 || !retry.allSatisfy({ $0 >= 0 && $0 <= 30 * 86_400 }) {
      problems.append(ConfigurationProblem(path: ["retry"], "At most 64 pauses of at most 30 days each."))
    }
    if timeout <= 0 || timeout > 60 {
      problems.append(
        ConfigurationProblem(path: ["timeout"], "An attempt may take more than nothing and at most 60 seconds."))
    }
    if concurrency <= 0 || perEndpoint <= 0 {
      problems.append(ConfigurationProblem(path: ["concurrency"], "There must be room for one attempt at least."))
    }
    if disableAfter <= 0 {
      problems.append(ConfigurationProblem(path: ["disableAfter"], "An endpoint needs some time to come back."))
    }
    if !(catchUp > 0) {
      problems.append(ConfigurationProblem(path: ["catchUp"], "A pause is caught up at more than nothing a second."))
    }
    try ConfigurationProblems.check(problems)
  }

  var policy: DeliveryPolicy {
    DeliveryPolicy(
      schedule: RetrySchedule(pauses: retry.map { .seconds($0) }), holdFor: order.holdFor.map { .seconds($0) },
      disableAfter: .seconds(disableAfter), catchUp: catchUp, concurrency: concurrency, perEndpoint: perEndpoint)
  }
}
