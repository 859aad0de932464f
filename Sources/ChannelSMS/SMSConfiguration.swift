// The options of `sms` and `mms` entries in `channels.yaml`.

public import ChannelProtocol
public import Twilio

public struct SMSConfiguration: ChannelConfiguration, Hashable {
  public var senders: TwilioSenders
  public var optOut: OptOutOptions

  public init(senders: TwilioSenders, optOut: OptOutOptions = OptOutOptions()) {
    self.senders = senders
    self.optOut = optOut
  }

  private enum CodingKeys: CodingKey { case optOut }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    senders = try TwilioSenders(from: decoder)
    optOut = try container.decodeIfPresent(OptOutOptions.self, forKey: .optOut) ?? OptOutOptions()
  }

  public static let keys = TwilioSenders.keys + [OptOutOptions.key]
}

public struct MMSConfiguration: ChannelConfiguration, Hashable {
  public var senders: TwilioSenders
  public var optOut: OptOutOptions

  public init(senders: TwilioSenders, optOut: OptOutOptions = OptOutOptions()) {
    self.senders = senders
    self.optOut = optOut
  }

  private enum CodingKeys: CodingKey { case optOut }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    senders = try TwilioSenders(from: decoder)
    optOut = try container.decodeIfPresent(OptOutOptions.self, forKey: .optOut) ?? OptOutOptions()
  }

  public static let keys = TwilioSenders.keys + [OptOutOptions.key]
}
