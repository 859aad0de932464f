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

  /// The bare addresses, each once.
  var addresses: [String] {
    from.map { Address.split($0).value }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// All that is wrong with them, for a channel of this type.
  func problems(of type: ChannelType) -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    if from.isEmpty, messagingService == nil {
      problems.append(
        ConfigurationProblem(
          path: ["from"], "A \(type) channel needs `from` (addresses of ours) or `messagingService` (MG…)."))
    }
    for (index, address) in from.enumerated() {
      let (prefix, bare) = Address.split(address)
      let fault =
        if prefix == nil || prefix?.contactType == type.contactType {
          Self.fault(in: bare, of: type)
        } else {
          "`\(address)` is an address of another channel: this one is \(type)."
        }
      if let fault { problems.append(ConfigurationProblem(path: ["from", "\(index)"], fault)) }
    }
    if let messagingService, !Self.isService(messagingService) {
      problems.append(
        ConfigurationProblem(
          path: ["messagingService"], "A Messaging Service's id is MG and 32 hexadecimal digits."))
    }
    return problems
  }

  private static func isService(_ text: String) -> Bool {
    text.hasPrefix("MG") && text.utf8.count > 2 && text.utf8.allSatisfy { isDigit($0) || isLetter($0) }
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
