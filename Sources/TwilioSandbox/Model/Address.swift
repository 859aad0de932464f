// Addresses as Twilio writes them: `+14155550101`, `whatsapp:+447700900123`, `rcs:brand`, short codes, names.

/// An address, split into its channel prefix and the rest.
struct Address: Sendable, Hashable {
  enum Channel: String, Sendable {
    case sms = ""
    case whatsapp
    case rcs
    case messenger
  }

  /// The whole address.
  var text: String
  /// With its colon (`whatsapp:`); empty for phone numbers, short codes and alphanumeric senders.
  var prefix: String
  /// What follows the prefix.
  var bare: String

  init(_ text: String) {
    self.text = text
    for channel in [Channel.whatsapp, .rcs, .messenger] where text.hasPrefix(channel.rawValue + ":") {
      prefix = channel.rawValue + ":"
      bare = String(text.dropFirst(prefix.count))
      return
    }
    prefix = ""
    bare = text
  }

  var channel: Channel { Channel(rawValue: String(prefix.dropLast())) ?? .sms }

  /// `^\+[1-9]\d{6,14}$`
  var isE164: Bool {
    let digits = bare.utf8.dropFirst()
    return bare.utf8.first == UInt8(ascii: "+") && (7...15).contains(digits.count)
      && digits.first != UInt8(ascii: "0") && digits.allSatisfy(Self.isDigit)
  }

  /// 3 to 8 digits.
  var isShortCode: Bool { (3...8).contains(bare.utf8.count) && bare.utf8.allSatisfy(Self.isDigit) }

  /// 1 to 11 letters, digits and blanks, with a letter among them.
  var isAlphanumeric: Bool {
    (1...11).contains(bare.utf8.count) && bare.utf8.allSatisfy { Self.isDigit($0) || Self.isLetter($0) || $0 == 0x20 }
      && bare.utf8.contains(where: Self.isLetter)
  }

  /// Whether a message can go there.
  var isReachable: Bool {
    switch channel {
    case .sms: isE164
    case .whatsapp: isE164 || isBusinessScopedUserID
    case .rcs: isE164
    case .messenger: !bare.isEmpty && bare.utf8.allSatisfy(Self.isDigit)
    }
  }

  /// WhatsApp's `<CC>.<id>` (2026): two letters, a dot, up to 132 letters, digits and dots.
  private var isBusinessScopedUserID: Bool {
    let parts = bare.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    return parts.count == 2 && parts[0].count == 2 && parts[0].allSatisfy(Self.isLetter)
      && (1...132).contains(parts[1].count)
      && parts[1].allSatisfy { Self.isDigit($0) || Self.isLetter($0) || $0 == UInt8(ascii: ".") }
  }

  /// The number with its last four digits hidden, as channel callbacks show it (`ChannelToAddress`).
  var masked: String { String(bare.dropLast(4)) + "XXXX" }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
