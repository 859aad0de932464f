// What capabilities say of a message, and of an address; and how a channel refuses what it does not carry.

extension ChannelCapabilities {
  /// Why a message is more than the channel carries, as a sentence; nil: it is not.
  public func refusal(of message: OutboundMessage) -> String? {
    if message.template != nil { return templates ? nil : "The channel has no templates." }
    var text = message.body
    switch message.content.kind {
    case .text(let words): text = text ?? words
    case .media(let caption): text = text ?? caption
    case .location: if !location { return "The channel carries no locations." }
    case .template: if !templates { return "The channel has no templates." }
    case .interactive(let type, _): if let refusal = refusal(ofInteractive: type) { return refusal }
    // No capability speaks of these.
    case .contacts, .buttonReply, .listReply, .reaction, .sticker, .unknown: break
    }
    if let text, text.unicodeScalars.count > maximumBodyLength {
      return "The channel carries \(maximumBodyLength) characters at most."
    }
    guard message.mediaURLs.count > maximumMedia else { return nil }
    return maximumMedia == 0 ? "The channel carries no media." : "The channel carries \(maximumMedia) media at most."
  }
}

extension ChannelCapabilities {
  /// Why a kind of interactive content is more than the channel carries; nil: it is not.
  public func refusal(ofInteractive type: String) -> String? {
    guard interactive else { return "The channel carries no interactive content." }
    guard !interactiveTypes.isEmpty, !interactiveTypes.contains(type) else { return nil }
    return "Of interactive content the channel carries \(interactiveTypes.joined(separator: ", ")) only."
  }
}

extension ChannelCapabilities.RecipientForm {
  /// What is wrong with a bare address as a recipient's, as a sentence's end; nil: nothing.
  public func problem(with address: String) -> String? {
    switch self {
    case .phone:
      return Self.isE164(address) ? nil : "must be a phone number in E.164, such as +14155550123"
    case .phoneOrID:
      if address.utf8.first == UInt8(ascii: "+") { return Self.phone.problem(with: address) }
      return Self.isPlain(address) && address.utf8.contains(UInt8(ascii: "."))
        ? nil : "must be a phone number in E.164, or a user's id"
    case .id:
      return Self.isPlain(address) && !address.isEmpty && address.utf8.first != UInt8(ascii: "+")
        ? nil : "must be a user's id, as the channel gives it"
    }
  }

  /// Printable ASCII without blanks.
  private static func isPlain(_ address: String) -> Bool { address.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

  /// `^\+[1-9]\d{6,14}$`
  private static func isE164(_ address: String) -> Bool {
    let bytes = Array(address.utf8)
    guard bytes.count >= 8, bytes.count <= 16, bytes[0] == UInt8(ascii: "+"), bytes[1] != UInt8(ascii: "0") else {
      return false
    }
    return bytes.dropFirst().allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }
}

extension SendFailure {
  /// The channel cannot carry this; the sentence says what, for a person.
  public static func unsupportedContent(_ message: String) -> SendFailure {
    SendFailure(.rejected, code: "unsupported_content", message: message)
  }
}
