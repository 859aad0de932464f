// The fields of an inbound webhook, by channel.

import Crypto

/// Builds the form that tells of a message from a phone.
enum InboundForm {
  /// - Parameters:
  ///   - message: the inbound message, as logged.
  ///   - profileName: the person's own name for himself (WhatsApp).
  ///   - mediaBaseURL: scheme, host and port of the media URLs.
  ///   - extra: fields that replace those of their name or come in addition (`ButtonPayload`, `Latitude`).
  static func make(
    _ message: SandboxMessage, profileName: String, mediaBaseURL: String, extra: FormFields
  ) -> FormFields {
    let from = Address(message.from ?? "")
    let to = Address(message.to)
    let channel = from.channel == .sms ? to.channel : from.channel
    var form = FormFields()
    if channel == .sms { PhoneNumberOrigin(to).append(to: &form, side: "To") }
    form.append("SmsMessageSid", message.sid)
    form.append("NumMedia", String(message.media.count))
    if channel == .sms { PhoneNumberOrigin(from).append(to: &form, side: "From") }
    if channel == .whatsapp { appendWhatsApp(message, from: from, profileName: profileName, extra: extra, &form) }
    if channel == .rcs { form.append("ChannelMetadata", rcsMetadata(message, from: from, to: to)) }
    form.append("SmsSid", message.sid)
    form.append("SmsStatus", "received")
    form.append("Body", message.body)
    form.append("To", message.to)
    form.append("NumSegments", String(channel == .sms ? message.segments : 1))
    form.append("MessageSid", message.sid)
    form.append("AccountSid", message.accountSID)
    form.append("MessagingServiceSid", ifPresent: message.messagingServiceSID)
    form.append("From", message.from ?? "")
    form.append("ApiVersion", "2010-04-01")
    for (index, media) in message.media.enumerated() {
      form.append("MediaContentType\(index)", media.contentType)
      form.append("MediaUrl\(index)", "\(mediaBaseURL)\(message.path)/Media/\(media.sid)")
    }
    for field in extra.fields { form.set(field.name, field.value) }
    return form
  }

  private static func appendWhatsApp(
    _ message: SandboxMessage, from: Address, profileName: String, extra: FormFields, _ form: inout FormFields
  ) {
    let waID = from.isE164 ? String(from.bare.dropFirst()) : nil
    form.append("ProfileName", profileName)
    form.append("MessageType", messageType(message, extra: extra))
    form.append("WaId", ifPresent: waID)
    form.append("ReferralNumMedia", "0")
    var context: [JSONValue.Member] = [.init(name: "ProfileName", value: .string(profileName))]
    if let waID { context.append(.init(name: "WaId", value: .string(waID))) }
    let metadata = JSONValue.object(["type": .string("whatsapp"), "data": .object(["context": .object(context)])])
    form.append("ChannelMetadata", metadata.text)
    form.append("ExternalUserId", from.isE164 ? businessScopedUserID(from) : from.text)
  }

  /// As observed; the parameter is not documented.
  private static func messageType(_ message: SandboxMessage, extra: FormFields) -> String {
    if extra["Latitude"] != nil { return "location" }
    if extra["ListId"] != nil || extra["InteractiveData"] != nil { return "interactive" }
    if extra["ButtonPayload"] != nil || extra["ButtonText"] != nil { return "button" }
    guard let type = message.media.first?.contentType else { return "text" }
    switch type.prefix(while: { $0 != "/" }) {
    case "image": return type == "image/webp" ? "sticker" : "image"
    case "audio": return "audio"
    case "video": return "video"
    case "text" where type.hasSuffix("vcard"): return "contacts"
    default: return "document"
    }
  }

  /// Made from the number, so that a person keeps it: `whatsapp:GB.9F3K2L7Q0X4V8Z1M`.
  private static func businessScopedUserID(_ from: Address) -> String {
    let alphabet = Array("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ".utf8)
    let digest = SHA256.hash(data: Array(from.bare.utf8))
    let id = digest.prefix(16).map { alphabet[Int($0) % alphabet.count] }
    let country = PhoneNumberOrigin(from).country
    return "whatsapp:\(country.isEmpty ? "US" : country).\(String(decoding: id, as: UTF8.self))"
  }

  private static func rcsMetadata(_ message: SandboxMessage, from: Address, to: Address) -> String {
    JSONValue.object([
      "type": .string("rcs"),
      "data": .object([
        "context": .object([
          "channelPayload": .object([
            "senderPhoneNumber": .string(from.bare), "messageId": .string("Mx" + message.sid.suffix(15).uppercased()),
          ]),
          "agentId": .string(to.bare + "@rbm.goog"), "provider": .string("google"),
        ])
      ]),
    ]).text
  }
}
