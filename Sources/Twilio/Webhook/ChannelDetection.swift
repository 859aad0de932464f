// Which channel a webhook is of: nothing in it says so plainly.

import ChannelProtocol

/// The order of FACTS section 8: the prefix of our address, that of theirs, `ChannelMetadata`, `ChannelPrefix`, and
/// without any of these MMS where there is media, else SMS.
enum ChannelDetection {
  /// Prefixes taken as such on a contact's address, which may be any text where Twilio could not make a number of it.
  private static let known: [(type: ChannelType, prefix: [UInt8])] = [ChannelType.whatsapp, .rcs, .messenger]
    .map { ($0, Array("\($0.rawValue):".utf8)) }

  static func type(of fields: FormFields, ours: String?, theirs: String?) -> ChannelType {
    if let ours, let type = knownPrefix(of: ours) ?? Self.prefix(of: ours) { return type }
    if let theirs, let type = knownPrefix(of: theirs) { return type }
    if let metadata = fields.bytes(of: "ChannelMetadata"),
      let type = JSONValue(parsing: metadata)?["type"]?.stringValue,
      !type.isEmpty
    {
      return ChannelType(type)
    }
    if let prefix = fields.nonEmpty("ChannelPrefix") { return ChannelType(prefix) }
    return isMMS(fields) ? .mms : .sms
  }

  /// The address without its channel's prefix; the provider's ids keep every other colon.
  static func bareAddress(_ address: String, of type: ChannelType) -> String {
    guard let prefix = knownPrefix(of: address) ?? Self.prefix(of: address).flatMap({ $0 == type ? $0 : nil })
    else { return address }
    return String(address.utf8.dropFirst(prefix.rawValue.utf8.count + 1)) ?? address
  }

  private static func knownPrefix(of address: String) -> ChannelType? {
    guard !isNumber(address) else { return nil }
    return known.first { address.utf8.starts(with: $0.prefix) }?.type
  }

  private static func prefix(of address: String) -> ChannelType? {
    isNumber(address) ? nil : Address.split(address).type
  }

  /// A phone number has no prefix: the common case, without a look at its characters.
  private static func isNumber(_ address: String) -> Bool { address.utf8.first == UInt8(ascii: "+") }

  private static func isMMS(_ fields: FormFields) -> Bool {
    if let count = fields.nonEmpty("NumMedia") { return count != "0" }
    guard let sid = fields.nonEmpty("MessageSid") ?? fields.nonEmpty("SmsSid") else { return false }
    return sid.hasPrefix("MM")
  }
}
