// The options of a `whatsapp` entry in `channels.yaml`.

public import ChannelProtocol
public import Twilio

/// What happens to a free-form message more than 24 hours after the contact's last one.
public struct WindowOptions: Decodable, Sendable, Hashable {
  public enum Policy: String, Decodable, Sendable, Hashable, CaseIterable {
    /// It is refused.
    case reject
    /// A template goes in its place.
    case template
    /// It waits until the contact writes.
    case hold
  }

  public var policy: Policy
  /// `HX…`, for ``Policy/template``.
  public var template: String?
  /// How long a held message waits at most, in seconds.
  public var holdFor: Double

  public init(policy: Policy = .reject, template: String? = nil, holdFor: Double = 24 * 3_600) {
    self.policy = policy
    self.template = template
    self.holdFor = holdFor
  }

  private enum CodingKeys: CodingKey { case policy, template, holdFor }

  /// Without a policy a template means ``Policy/template``.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    template = try container.decodeIfPresent(String.self, forKey: .template)
    policy = try container.decodeIfPresent(Policy.self, forKey: .policy) ?? (template == nil ? .reject : .template)
    holdFor = try container.decodeIfPresent(Double.self, forKey: .holdFor) ?? 24 * 3_600
  }

  static let key = ConfigurationKey(
    "window",
    .object([
      ConfigurationKey(
        "policy", .choice(Policy.allCases.map(\.rawValue)), "What happens to a message outside the window."),
      ConfigurationKey("template", .string, "The template (HX…) that is sent in its place."),
      ConfigurationKey("holdFor", .duration, "How long a held message waits at most; 1d if left out."),
    ]), "The 24 hours after a contact's last message in which free-form messages are allowed.")
}

public struct WhatsAppConfiguration: ChannelConfiguration, Hashable {
  public var senders: TwilioSenders
  public var window: WindowOptions
  public var optOut: OptOutOptions

  public init(
    senders: TwilioSenders, window: WindowOptions = WindowOptions(), optOut: OptOutOptions = OptOutOptions()
  ) {
    self.senders = senders
    self.window = window
    self.optOut = optOut
  }

  private enum CodingKeys: CodingKey { case window, optOut }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    senders = try TwilioSenders(from: decoder)
    window = try container.decodeIfPresent(WindowOptions.self, forKey: .window) ?? WindowOptions()
    optOut = try container.decodeIfPresent(OptOutOptions.self, forKey: .optOut) ?? OptOutOptions()
  }

  public static let keys = TwilioSenders.keys + [WindowOptions.key, OptOutOptions.key]

  /// What is wrong with these options beside their senders.
  var problems: [ConfigurationProblem] {
    if window.holdFor <= 0 { return [ConfigurationProblem(path: ["window", "holdFor"], "It must be longer than 0.")] }
    if let template = window.template {
      guard template.hasPrefix("HX"), template.utf8.count > 2 else {
        return [
          ConfigurationProblem(path: ["window", "template"], "A template's id is HX and 32 hexadecimal digits.")
        ]
      }
    } else if window.policy == .template {
      return [ConfigurationProblem(path: ["window", "policy"], "The policy `template` needs a `template` (HX…).")]
    }
    return []
  }
}
