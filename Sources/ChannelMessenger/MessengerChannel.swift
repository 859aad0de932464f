// The Facebook Messenger adapter, its options included.

public import ChannelProtocol
public import Twilio

/// Messages between a Facebook page of ours and people who wrote to it first (FACTS section 17). Both sides are ids
/// of Facebook's: the page's, and one for each person that holds for this page only.
public struct MessengerChannel: TwilioInteractiveChannel {
  public static let type = ChannelType.messenger
  public static let interactiveRules = InteractiveRules.messenger

  public let line: TwilioLine
  public let configuration: MessengerConfiguration

  public init(configuration: MessengerConfiguration, context: ChannelContext) throws {
    self.configuration = configuration
    // Twilio names no rate; this is far below Meta's.
    line = try TwilioLine(
      type: Self.type, senders: configuration.senders, defaultRate: 10, keywords: configuration.optOut.keywords,
      context: context)
  }

  public var capabilities: ChannelCapabilities {
    ChannelCapabilities(
      maximumBodyLength: 1_600, maximumMedia: 1, templates: true,
      interactiveTypes: Self.interactiveRules.types.map(\.rawValue), recipients: .id, window: .seconds(24 * 3_600))
  }

  public var policies: ChannelPolicies {
    ChannelPolicies(
      refusesOptedOut: configuration.optOut.refuse,
      outsideWindow: configuration.outsideWindow == .hold ? .hold : .reject,
      holdFor: .seconds(configuration.holdFor))
  }

  public func request(for message: OutboundMessage) throws(SendFailure) -> MessageRequest {
    try line.plainRequest(for: message)
  }
}

/// The options of a `messenger` entry in `channels.yaml`.
public struct MessengerConfiguration: ChannelConfiguration, Hashable {
  /// What happens to a free-form message more than 24 hours after the person's last one. Messenger has no approved
  /// templates that could go in its place.
  public enum OutsideWindow: String, Decodable, Sendable, Hashable, CaseIterable {
    /// It is refused.
    case reject
    /// It waits until the person writes.
    case hold
  }

  public var senders: TwilioSenders
  public var outsideWindow: OutsideWindow
  /// How long a held message waits at most, in seconds.
  public var holdFor: Double
  public var optOut: OptOutOptions

  public init(
    senders: TwilioSenders, outsideWindow: OutsideWindow = .reject, holdFor: Double = 24 * 3_600,
    optOut: OptOutOptions = OptOutOptions()
  ) {
    self.senders = senders
    self.outsideWindow = outsideWindow
    self.holdFor = holdFor
    self.optOut = optOut
  }

  private enum CodingKeys: CodingKey { case outsideWindow, holdFor, optOut }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    senders = try TwilioSenders(from: decoder)
    outsideWindow = try container.decodeIfPresent(OutsideWindow.self, forKey: .outsideWindow) ?? .reject
    holdFor = try container.decodeIfPresent(Double.self, forKey: .holdFor) ?? 24 * 3_600
    optOut = try container.decodeIfPresent(OptOutOptions.self, forKey: .optOut) ?? OptOutOptions()
  }

  public static let keys =
    TwilioSenders.keys + [
      ConfigurationKey(
        "outsideWindow", .choice(OutsideWindow.allCases.map(\.rawValue)),
        "What happens to a message more than 24 hours after the person's last one."),
      ConfigurationKey("holdFor", .duration, "How long a held message waits at most; 1d if left out."),
      OptOutOptions.key,
    ]
}
