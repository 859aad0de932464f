// An inbound webhook as a message of our model.

import ChannelProtocol

extension InboundMessage {
  /// Reads a webhook whose kind is `message`; every field also stands in `raw`.
  ///
  /// - Parameter keywords: our own lists, for what Twilio says nothing of.
  init(_ webhook: TwilioWebhook, receivedAt: Timestamp, keywords: OptOutKeywords = .standard) {
    let fields = webhook.fields
    let type = webhook.channelType
    let from = ChannelDetection.bareAddress(fields["From"] ?? "", of: type)
    let media = InboundMedia.reading(fields)
    let content = Content(reading: fields, media: media, type: type)
    let told = fields.nonEmpty("OptOutType").flatMap { OptOutSignal(rawValue: $0.lowercased()) }
    self.init(
      accountSID: webhook.accountSID ?? "",
      providerSID: fields.nonEmpty("MessageSid") ?? fields.nonEmpty("SmsSid") ?? fields["SmsMessageSid"] ?? "",
      channelType: type,
      from: from,
      to: webhook.ourAddress ?? "",
      body: fields["Body"],
      content: content,
      media: media,
      profileName: fields.nonEmpty("ProfileName"),
      aliases: Self.aliases(in: fields, of: type, beside: from),
      replyToProviderSID: fields.nonEmpty("OriginalRepliedMessageSid"),
      optOut: told ?? content.optOutText.flatMap { keywords.signal(of: $0) },
      isOptOutAnswered: told != nil,
      pool: webhook.messagingServiceSID,
      segmentCount: fields["NumSegments"].flatMap { Int($0) },
      receivedAt: receivedAt,
      raw: RawPayload(fields))
  }

  /// The business-scoped ids beside a phone number, and the number behind one or in another national form (`WaId`).
  private static func aliases(in fields: FormFields, of type: ChannelType, beside from: String) -> [String] {
    var aliases: [String] = []
    func add(_ alias: String) {
      guard !alias.utf8.elementsEqual(from.utf8), !aliases.contains(where: { $0.utf8.elementsEqual(alias.utf8) })
      else { return }
      aliases.append(alias)
    }
    if let number = fields.nonEmpty("WaId"), number.utf8.count <= 15,
      number.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
    {
      add("+\(number)")
    }
    for name in ["ExternalUserId", "ParentExternalUserId"] {
      if let id = fields.nonEmpty(name) { add(ChannelDetection.bareAddress(id, of: type)) }
    }
    return aliases
  }
}

extension InboundMedia {
  /// `MediaUrl0`, `MediaUrl1`, …, with their types; `NumMedia` is not trusted to count them.
  static func reading(_ fields: FormFields) -> [InboundMedia] {
    var media: [InboundMedia] = []
    while media.count < maximumCount, let url = fields.nonEmpty("MediaUrl\(media.count)") {
      media.append(InboundMedia(url: url, contentType: fields.nonEmpty("MediaContentType\(media.count)")))
    }
    if media.count == 1, fields.has("MessageType", equalTo: "document") { media[0].filename = fileName(fields["Body"]) }
    return media
  }

  /// Far above the ten of an MMS.
  private static let maximumCount = 100

  /// WhatsApp gives a document's name as its text, which may as well be a caption.
  private static func fileName(_ text: String?) -> String? {
    guard let text, (3...255).contains(text.utf8.count), let dot = text.lastIndex(of: "."), dot != text.startIndex,
      (1...8).contains(text.distance(from: dot, to: text.endIndex) - 1),
      text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0 != "/" && $0 != "\\" && $0.value != 0x7F }),
      text[text.index(after: dot)...].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    return text
  }
}

extension Content {
  /// The text that may be a keyword: what a person wrote, or the button they touched.
  fileprivate var optOutText: String? {
    switch kind {
    case .text(let text): text
    case .buttonReply(let text, _): text
    default: nil
    }
  }
}
