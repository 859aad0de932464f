// The fields of a status callback, by channel and status.

/// Builds the form that tells a message's status.
enum StatusCallbackForm {
  /// - Parameter now: dates the carrier's receipt.
  static func make(_ message: SandboxMessage, now: UTCTime) -> FormFields {
    let to = Address(message.to)
    let isChannel = to.channel != .sms || message.from.map { Address($0).channel != .sms } ?? false
    var form = FormFields()
    form.append("SmsSid", message.sid)
    form.append("SmsStatus", message.status.rawValue)
    form.append("MessageStatus", message.status.rawValue)
    form.append("To", message.to)
    form.append("MessageSid", message.sid)
    form.append("AccountSid", message.accountSID)
    // Empty for a message that was canceled before a sender was chosen.
    form.append("From", message.from ?? "")
    form.append("ApiVersion", "2010-04-01")
    form.append("MessagingServiceSid", ifPresent: message.messagingServiceSID)
    if isChannel, message.status != .canceled { appendChannel(message, to: to, &form) }
    if let code = message.errorCode {
      form.append("ErrorCode", String(code))
      form.append("ErrorMessage", ifPresent: isChannel ? nil : MagicNumbers.text(of: code))
      form.append("ChannelStatusMessage", ifPresent: isChannel ? MagicNumbers.channelStatus(of: code) : nil)
    }
    // Filtered messages (30007) have no receipt of a carrier.
    let hasReceipt = message.status == .delivered || (message.status == .undelivered && message.errorCode != 30007)
    if !isChannel, hasReceipt {
      form.append("RawDlrDoneDate", now.carrierDate)
    }
    return form
  }

  /// Chaos: it tells of another of the account's senders of that channel, and of other parts.
  static func change(
    _ form: inout FormFields, of message: SandboxMessage, senders: [String],
    with dice: inout some RandomNumberGenerator
  ) {
    let channel = Address(message.from ?? message.to).channel
    let others = senders.filter { $0 != message.from && Address($0).channel == channel }
    if let other = others.randomElement(using: &dice) { form.set("From", other) }
    form.set("NumSegments", String(message.segments + .random(in: 1...3, using: &dice)))
  }

  private static func appendChannel(_ message: SandboxMessage, to: Address, _ form: inout FormFields) {
    let channel = to.channel == .sms ? Address(message.from ?? "").channel : to.channel
    form.append("ChannelInstallSid", installSID(message.accountSID))
    form.append("ChannelPrefix", channel.rawValue)
    if channel == .whatsapp {
      if message.status != .failed { form.append("ChannelToAddress", to.masked) }
      if message.status == .sent { form.append("StructuredMessage", message.contentSID == nil ? "false" : "true") }
    }
    switch message.status {
    case .delivered, .undelivered, .read: form.append("EventType", message.status.rawValue.uppercased())
    default: break
    }
  }

  /// One installation per account: the account's own digits behind `XE`.
  private static func installSID(_ accountSID: String) -> String { "XE" + accountSID.dropFirst(2) }
}
