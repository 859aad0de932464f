// The options of `sms` and `mms` entries in `channels.yaml`.

public import ChannelProtocol
public import Twilio

public struct SMSConfiguration: ChannelConfiguration, Hashable {
  public var senders: TwilioSenders
  public var optOut: OptOutOptions
  /// Twilio replaces characters that look alike in GSM-7.
  public var smartEncoding: Bool

  public init(senders: TwilioSenders, optOut: OptOutOptions = OptOutOptions(), smartEncoding: Bool = false) {
    self.senders = senders
    self.optOut = optOut
    self.smartEncoding = smartEncoding
  }

  private enum CodingKeys: CodingKey { case optOut, smartEncoding }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    senders = try TwilioSenders(from: decoder)
    optOut = try container.decodeIfPresent(OptOutOptions.self, forKey: .optOut) ?? OptOutOptions()
    smartEncoding = try container.decodeIfPresent(Bool.self, forKey: .smartEncoding) ?? false
  }

  public static let keys = TwilioSenders.keys + [OptOutOptions.key, smartEncodingKey]
}

public struct MMSConfiguration: ChannelConfiguration, Hashable {
  public var senders: TwilioSenders
  public var optOut: OptOutOptions
  /// Twilio replaces characters that look alike in GSM-7.
  public var smartEncoding: Bool

  public init(senders: TwilioSenders, optOut: OptOutOptions = OptOutOptions(), smartEncoding: Bool = false) {
    self.senders = senders
    self.optOut = optOut
    self.smartEncoding = smartEncoding
  }

  private enum CodingKeys: CodingKey { case optOut, smartEncoding }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    senders = try TwilioSenders(from: decoder)
    optOut = try container.decodeIfPresent(OptOutOptions.self, forKey: .optOut) ?? OptOutOptions()
    smartEncoding = try container.decodeIfPresent(Bool.self, forKey: .smartEncoding) ?? false
  }

  public static let keys = TwilioSenders.keys + [OptOutOptions.key, smartEncodingKey]
}

private let smartEncodingKey = ConfigurationKey(
  "smartEncoding", .boolean,
  "Let Twilio replace typographic characters by look-alikes of GSM-7, and count segments so.")
