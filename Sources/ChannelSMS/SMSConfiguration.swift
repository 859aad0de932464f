// The options of `sms` and `mms` entries in `channels.yaml`.

public import ChannelProtocol
public import Twilio

/// What a channel does about contacts who opted out.
public struct OptOutOptions: Decodable, Sendable, Hashable {
  /// Refuse to send to them before Twilio does.
  public var refuse: Bool

  public init(refuse: Bool = true) { self.refuse = refuse }

  private enum CodingKeys: CodingKey { case refuse }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    refuse = try container.decodeIfPresent(Bool.self, forKey: .refuse) ?? true
  }

  static let key = ConfigurationKey(
    "optOut", .object([ConfigurationKey("refuse", .boolean, "Refuse messages to contacts who opted out.")]),
    "What to do about contacts who opted out.")
}

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
