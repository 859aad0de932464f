// Which channel a webhook is of: nothing in it says so plainly.

import ChannelProtocol

/// The order of FACTS section 8: the prefix of our address, that of theirs, `ChannelMetadata`, `ChannelPrefix`, and
/// without any of these MMS where there is media, else SMS.
enum ChannelDetection {
  /// Prefixes taken as such on a contact's address, which may be any text where Twilio could not make a number of it.
  private static let known: Set<ChannelType> = [.whatsapp, .rcs, .messenger]

  static func type(of fields: FormFields, ours: String?, theirs: String?) -> ChannelType {
    if let type = ours.flatMap({ prefix(of: $0) }) { return type }
    if let type = theirs.flatMap({ prefix(of: $0) }), known.contains(type) { return type }
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
    guard let prefix = prefix(of: address), prefix == type || known.contains(prefix) else { return address }
    return String(address.utf8.dropFirst(prefix.rawValue.utf8.count + 1)) ?? address
  }

  /// `Address.split` without a look at characters where there is no colon: phone numbers have none.
  private static func prefix(of address: String) -> ChannelType? {
    address.utf8.first == UInt8(ascii: "+") ? nil : Address.split(address).type
  }

  private static func isMMS(_ fields: FormFields) -> Bool {
    if let count = fields.nonEmpty("NumMedia") { return count != "0" }
    guard let sid = fields.nonEmpty("MessageSid") ?? fields.nonEmpty("SmsSid") else { return false }
    return sid.hasPrefix("MM")
  }
}
