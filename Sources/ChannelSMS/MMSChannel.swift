// The MMS adapter.

public import ChannelProtocol
public import Twilio

/// Messages with files to phones; of one contact channel and conversation with SMS.
public struct MMSChannel: TwilioChannel {
  public static let type = ChannelType.mms

  public let line: TwilioLine
  public let configuration: MMSConfiguration

  public init(configuration: MMSConfiguration, context: ChannelContext) throws {
    self.configuration = configuration
    line = try TwilioLine(
      type: Self.type, senders: configuration.senders, defaultRate: 1, keywords: configuration.optOut.keywords,
      context: context)
  }

  /// Twilio's limit (21623).
  private static let maximumMedia = 10

  public var capabilities: ChannelCapabilities {
    ChannelCapabilities(maximumBodyLength: 1_600, maximumMedia: Self.maximumMedia, templates: true)
  }

  public var policies: ChannelPolicies { ChannelPolicies(refusesOptedOut: configuration.optOut.refuse) }

  public func request(for message: OutboundMessage) throws(SendFailure) -> MessageRequest {
    var request = try line.plainRequest(for: message)
    request.smartEncoded = configuration.smartEncoding
    return request
  }
}
