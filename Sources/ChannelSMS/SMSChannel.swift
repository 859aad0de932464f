// The SMS adapter.

public import ChannelProtocol
public import Twilio

/// Text messages to phones. What comes in with files is an MMS, and taken where no MMS channel is configured.
public struct SMSChannel: TwilioChannel, SegmentCounting {
  public static let type = ChannelType.sms

  public let line: TwilioLine
  public let configuration: SMSConfiguration

  public init(configuration: SMSConfiguration, context: ChannelContext) throws {
    self.configuration = configuration
    line = try TwilioLine(
      type: Self.type, senders: configuration.senders, defaultRate: 1, keywords: configuration.optOut.keywords,
      context: context)
  }

  public var capabilities: ChannelCapabilities {
    ChannelCapabilities(maximumBodyLength: 1_600, maximumMedia: 0, templates: true, segments: true)
  }

  public var policies: ChannelPolicies { ChannelPolicies(refusesOptedOut: configuration.optOut.refuse) }

  public func request(for message: OutboundMessage) throws(SendFailure) -> MessageRequest {
    var request = try line.plainRequest(for: message)
    request.smartEncoded = configuration.smartEncoding
    return request
  }

  public func measure(_ body: String) -> TextMeasure {
    SegmentCount(body, smartEncoded: configuration.smartEncoding).measure
  }
}
