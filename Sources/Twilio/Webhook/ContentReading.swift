// What an inbound webhook says, by kind.

import ChannelProtocol

extension Content {
  /// Judged by the fields that carry something first, by `MessageType` (seen, not documented) second. What fits
  /// nothing is `unknown` and holds every field.
  init(reading fields: FormFields, media: [InboundMedia], type: ChannelType) {
    self.init(
      Kind(reading: fields, media: media, type: type),
      referral: Self.referral(in: fields),
      forwarded: Self.flag("Forwarded", in: fields),
      frequentlyForwarded: Self.flag("FrequentlyForwarded", in: fields))
  }

  private static func flag(_ name: String, in fields: FormFields) -> Bool? {
    switch fields.nonEmpty(name)?.lowercased() {
    case "true", "1": true
    case "false", "0": false
    default: nil
    }
  }

  /// The fields `Referral…` of a first message from an advertisement, by Twilio's names.
  private static func referral(in fields: FormFields) -> [String: JSONValue]? {
    guard
      fields.contains("ReferralBody") || fields.contains("ReferralSourceId") || fields.contains("ReferralSourceUrl")
        || fields.contains("ReferralCtwaClid") || fields.contains("ReferralHeadline")
    else { return nil }
    var referral: [String: JSONValue] = [:]
    for (name, value) in fields.pairs where name.hasPrefix("Referral") { referral[name] = .string(value) }
    return referral
  }
}

extension Content.Kind {
  fileprivate init(reading fields: FormFields, media: [InboundMedia], type: ChannelType) {
    let body = fields["Body"]
    let messageType = fields.nonEmpty("MessageType")
    if messageType == "reaction" {
      self = .reaction(
        emoji: body ?? "", messageID: nil, providerMessageSID: fields.nonEmpty("OriginalRepliedMessageSid"))
    } else if let location = Location(reading: fields) {
      self = .location(location)
    } else if let interactive = Self.interactive(in: fields) {
      self = interactive
    } else if let id = fields.nonEmpty("ListId") {
      self = .listReply(id: id, title: fields.nonEmpty("ListTitle"), description: fields.nonEmpty("ListDescription"))
    } else if fields.nonEmpty("ButtonPayload") != nil || fields.nonEmpty("ButtonText") != nil {
      // A list's answer may come in these fields too; nothing tells it from a button's.
      self = .buttonReply(text: fields.nonEmpty("ButtonText") ?? body ?? "", payload: fields.nonEmpty("ButtonPayload"))
    } else if !media.isEmpty {
      self = Self.media(media, body: body, messageType: messageType, type: type)
    } else if let body, Self.isText(messageType, body: body) {
      self = .text(body)
    } else {
      self = .unknown(
        providerType: messageType,
        raw: Dictionary(
          fields.pairs.map { ($0.name, .string($0.value)) }, uniquingKeysWith: { first, _ in first }))
    }
  }

  private static func media(_ media: [InboundMedia], body: String?, messageType: String?, type: ChannelType) -> Self {
    if messageType == "contacts" || media.allSatisfy(\.isContactCard) { return .contacts }
    // Without a message type: WhatsApp lets only stickers be WebP.
    let looksLikeSticker =
      messageType == nil && type == .whatsapp && media.count == 1
      && media[0].contentType?.lowercased() == "image/webp" && (body ?? "").isEmpty
    if messageType == "sticker" || looksLikeSticker { return .sticker }
    return .media(caption: body.flatMap { $0.isEmpty ? nil : $0 })
  }

  /// Types that carry their text in `Body`; of the media types a lone text is still a text.
  private static func isText(_ messageType: String?, body: String) -> Bool {
    switch messageType {
    case nil, "text": true
    case "button", "interactive", "image", "video", "audio", "voice", "document": !body.isEmpty
    default: false
    }
  }

  /// A form filled in (WhatsApp Flows): `InteractiveData`, or `FlowData` alone. Text that is no JSON is kept as text.
  private static func interactive(in fields: FormFields) -> Self? {
    if let bytes = fields.bytes(of: "InteractiveData"), !bytes.isEmpty {
      guard let data = JSONValue(parsing: bytes) else {
        return .interactive(type: "interactive", data: .string(fields["InteractiveData"] ?? ""))
      }
      if let members = data.objectValue, members.count == 1, let member = members.first {
        return .interactive(type: member.key, data: member.value)
      }
      return .interactive(type: "interactive", data: data)
    }
    guard let bytes = fields.bytes(of: "FlowData"), !bytes.isEmpty else { return nil }
    return .interactive(
      type: "flowResponse", data: JSONValue(parsing: bytes) ?? .string(fields["FlowData"] ?? ""))
  }
}

extension Location {
  /// Nil where the degrees are none; the fields then end in `unknown`, whole.
  fileprivate init?(reading fields: FormFields) {
    guard let latitude = fields.nonEmpty("Latitude").flatMap({ Double($0) }), (-90...90).contains(latitude),
      let longitude = fields.nonEmpty("Longitude").flatMap({ Double($0) }), (-180...180).contains(longitude)
    else { return nil }
    self.init(
      latitude: latitude, longitude: longitude, label: fields.nonEmpty("Label"), address: fields.nonEmpty("Address"))
  }
}

extension InboundMedia {
  fileprivate var isContactCard: Bool {
    switch contentType?.lowercased().prefix(while: { $0 != ";" }) {
    case "text/vcard", "text/x-vcard", "text/directory": true
    default: false
    }
  }
}
