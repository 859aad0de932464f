// The RCS adapter, its options included.

public import ChannelProtocol
public import Twilio

/// Rich messages to phones, from an agent of ours or from a Messaging Service that holds one (FACTS section 16).
public struct RCSChannel: TwilioInteractiveChannel {
  public static let type = ChannelType.rcs
  public static let interactiveRules = InteractiveRules.rcs

  public let line: TwilioLine
  public let configuration: RCSConfiguration

  public init(configuration: RCSConfiguration, context: ChannelContext) throws {
    self.configuration = configuration
    line = try TwilioLine(
      type: Self.type, senders: configuration.senders, defaultRate: 100, keywords: configuration.optOut.keywords,
      problems: configuration.problems, context: context)
  }

  /// A file goes out as a rich card with its text, up to 16 MB; 5 MB where the service may fall back to MMS.
  public var capabilities: ChannelCapabilities {
    ChannelCapabilities(
      maximumBodyLength: 1_600, maximumMedia: 1, templates: true,
      interactiveTypes: Self.interactiveRules.types.map(\.rawValue), readReceipts: true)
  }

  public var policies: ChannelPolicies { ChannelPolicies(refusesOptedOut: configuration.optOut.refuse) }

  public func request(for message: OutboundMessage) throws(SendFailure) -> MessageRequest {
    var request = try line.plainRequest(for: message)
    // Behind its prefix a phone gets RCS or nothing (63036); without it the service may send SMS instead.
    if configuration.fallback, request.from == nil { request.to = message.to }
    return request
  }
}

/// The options of an `rcs` entry in `channels.yaml`.
public struct RCSConfiguration: ChannelConfiguration, Hashable {
  public var senders: TwilioSenders
  /// Phones that RCS does not reach get SMS or MMS from the same Messaging Service.
  public var fallback: Bool
  public var optOut: OptOutOptions

  public init(senders: TwilioSenders, fallback: Bool = false, optOut: OptOutOptions = OptOutOptions()) {
    self.senders = senders
    self.fallback = fallback
    self.optOut = optOut
  }

  private enum CodingKeys: CodingKey { case fallback, optOut }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    senders = try TwilioSenders(from: decoder)
    fallback = try container.decodeIfPresent(Bool.self, forKey: .fallback) ?? false
    optOut = try container.decodeIfPresent(OptOutOptions.self, forKey: .optOut) ?? OptOutOptions()
  }

  public static let keys =
    TwilioSenders.keys + [
      ConfigurationKey(
        "fallback", .boolean, "Let the Messaging Service send SMS or MMS to phones that RCS does not reach."),
      OptOutOptions.key,
    ]

  var problems: [ConfigurationProblem] {
    guard fallback, senders.messagingService == nil else { return [] }
    return [
      ConfigurationProblem(path: ["fallback"], "A fallback needs a `messagingService` that holds an SMS sender.")
    ]
  }
}
