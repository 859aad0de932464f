// The senders of a Twilio channel, as `channels.yaml` names them.

public import ChannelProtocol

/// The options that every Twilio channel has.
public struct TwilioSenders: Decodable, Sendable, Hashable {
  /// As written: with a channel's prefix or without.
  public var from: [String]
  /// `MG…`
  public var messagingService: String?
  /// Parts per second; nil: the channel's usual.
  public var mps: Double?

  public init(from: [String] = [], messagingService: String? = nil, mps: Double? = nil) {
    self.from = from
    self.messagingService = messagingService
    self.mps = mps
  }

  private enum CodingKeys: CodingKey { case from, messagingService, mps }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    from = try container.decodeIfPresent([String].self, forKey: .from) ?? []
    messagingService = try container.decodeIfPresent(String.self, forKey: .messagingService)
    mps = try container.decodeIfPresent(Double.self, forKey: .mps)
  }

  public static let keys: [ConfigurationKey] = [
    ConfigurationKey("from", .list(.string), "Our addresses; the first one sends unless a message says otherwise."),
    ConfigurationKey("messagingService", .string, "A Messaging Service (MG…) that picks the sender."),
    ConfigurationKey("mps", .number(0.01...2_000), "Message parts per second that Twilio takes from one sender."),
  ]

  /// The bare addresses.
  func addresses(of type: ChannelType) throws(ConfigurationProblem) -> [String] {
    guard !from.isEmpty || messagingService != nil else {
      throw ConfigurationProblem(
        path: ["from"], "A \(type) channel needs `from` (addresses of ours) or `messagingService` (MG…).")
    }
    var addresses: [String] = []
    for address in from {
      let (prefix, bare) = Address.split(address)
      guard prefix == nil || prefix?.contactType == type.contactType else {
        throw ConfigurationProblem(
          path: ["from"], "`\(address)` is an address of another channel: this one is \(type).")
      }
      if let fault = Self.fault(in: bare, of: type) { throw ConfigurationProblem(path: ["from"], fault) }
      if !addresses.contains(bare) { addresses.append(bare) }
    }
    return addresses
  }

  func pool() throws(ConfigurationProblem) -> String? {
    guard let messagingService else { return nil }
    guard messagingService.hasPrefix("MG"), messagingService.utf8.count > 2,
      messagingService.utf8.allSatisfy({ Self.isDigit($0) || Self.isLetter($0) })
    else {
      throw ConfigurationProblem(
        path: ["messagingService"], "A Messaging Service's id is MG and 32 hexadecimal digits.")
    }
    return messagingService
  }

  /// What is wrong with an address, as a sentence (FACTS section 20).
  private static func fault(in address: String, of type: ChannelType) -> String? {
    guard !address.isEmpty else { return "An address in `from` is empty." }
    let bytes = Array(address.utf8)
    let isNumber =
      bytes[0] == UInt8(ascii: "+") && (8...16).contains(bytes.count) && bytes[1] != UInt8(ascii: "0")
      && bytes.dropFirst().allSatisfy(isDigit)
    switch type {
    case .sms, .mms:
      if isNumber || ((3...8).contains(bytes.count) && bytes.allSatisfy(isDigit)) { return nil }
      let isName =
        bytes.count <= 11 && bytes.contains(where: isLetter)
        && bytes.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: " ") }
      if isName { return nil }
      return "`\(address)` is no phone number (+ and 7 to 15 digits), short code or alphanumeric sender."
    case .whatsapp:
      return isNumber ? nil : "`\(address)` is no phone number: + and 7 to 15 digits."
    case .rcs:
      let isAgent = bytes.allSatisfy { isDigit($0) || isLetter($0) || "_-.".utf8.contains($0) }
      return isAgent && !bytes.allSatisfy(isDigit)
        ? nil : "`\(address)` is no RCS sender: letters, digits and `_`, such as rcs:brand_agent."
    case .messenger:
      return bytes.allSatisfy(isDigit) ? nil : "`\(address)` is no Facebook page: the digits of its id."
    default:
      return nil
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
  }
}
