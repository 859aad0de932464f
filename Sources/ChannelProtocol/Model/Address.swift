// Who somebody is on a channel.

/// The kind of a channel, the word in `channels.yaml`; open, so that a package may add its own.
public struct ChannelType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
  public init(_ rawValue: String) { self.rawValue = rawValue }

  public static let sms = Self("sms")
  public static let mms = Self("mms")
  public static let whatsapp = Self("whatsapp")
  public static let rcs = Self("rcs")
  public static let messenger = Self("messenger")

  /// The type of the contact channel and conversation a message of this type belongs to: MMS share those of SMS.
  public var contactType: ChannelType { self == .mms ? .sms : self }

  public var description: String { rawValue }
}

/// A party's address on a channel, without a channel prefix: E.164 for phones, else the provider's id as it is.
public struct Address: Hashable, Sendable {
  /// The contact channel's type: `sms` for SMS and MMS alike.
  public let type: ChannelType
  public let value: String

  public init(type: ChannelType, value: String) {
    self.type = type.contactType
    self.value = value
  }

  /// Splits `whatsapp:+1…` into type and bare address; nil type where there is no prefix of a known form.
  public static func split(_ text: String) -> (type: ChannelType?, value: String) {
    guard let colon = text.firstIndex(of: ":") else { return (nil, text) }
    let prefix = text[..<colon]
    guard !prefix.isEmpty, prefix.utf8.allSatisfy({ $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") })
    else { return (nil, text) }
    return (ChannelType(String(prefix)), String(text[text.index(after: colon)...]))
  }
}
