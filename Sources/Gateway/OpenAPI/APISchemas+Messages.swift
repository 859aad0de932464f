// Messages and what belongs to them.

import ChannelProtocol

/// The named schemas of the description.
enum APISchemas {
  static let all: [NamedSchema] = [
    problem, message, messageDetail, statusReport, content, mediaItem, messageError, segments, window, sendRequest,
    templateRequest, bulkRequest, bulkReceipt, bulk, preview, contact, contactChannel, contactRequest, conversation,
    conversationDetail, template, webhook, webhookRequest, delivery, attempt, upload, channel, optOut, key, event,
  ]

  static let phone = Schema.text("+14155550123", "An address without a prefix.")
  static let statuses = DeliveryStatus.allCases.map(\.rawValue)

  static let content = NamedSchema(
    name: "Content",
    schema: .object(
      [
        (
          "kind",
          .word([
            "text", "media", "location", "contacts", "buttonReply", "listReply", "reaction", "sticker", "template",
            "interactive", "unknown",
          ])
        ), ("text", optional(.text("Hello"))), ("payload", optional(.text("yes"))),
        ("caption", optional(.text("A picture"))), ("latitude", optional(.number(52.52, in: -90...90))),
        ("longitude", optional(.number(13.405, in: -180...180))), ("label", optional(.text("Here"))),
        ("address", optional(.text("Unter den Linden 1"))), ("id", optional(.text("row-1"))),
        ("title", optional(.text("One"))), ("description", optional(.text("The first"))),
        ("emoji", optional(.text("👍"))), ("messageId", optional(.id)),
        ("providerMessageSid", optional(.text("SM00000000000000000000000000000001"))),
        ("sid", optional(.text("HX00000000000000000000000000000001"))),
        ("variables", optional(.map(of: .text("Ada"), key: "1"))), ("type", optional(.text("quick-reply"))),
        ("data", Schema(node: .object([("description", .text("Any JSON."))]), example: .null, isOptional: true)),
        ("providerType", optional(.text("order"))), ("raw", optional(.anyObject())),
        ("referral", optional(.anyObject())), ("forwarded", optional(.flag(true))),
        ("frequentlyForwarded", optional(.flag(true))),
      ], "What a message says; which members stand there, `kind` decides."
    ).like(.object([("kind", .text("text")), ("text", .text("Hello"))])))

  /// Belongs to one kind of content, or to one way of asking.
  private static func optional(_ schema: Schema) -> Schema { schema.optional }

  static let mediaItem = NamedSchema(
    name: "MediaItem",
    schema: .object([
      ("id", .id), ("state", .word(["ready", "pending", "failed"])), ("contentType", Schema.text("image/png").orNull),
      ("url", Schema.text("https://sms.example.com/api/media/01900000-0000-7000-8000-000000000001").orNull),
      ("size", Schema.whole(2_048).orNull), ("filename", Schema.text("picture.png").orNull),
    ]))

  static let messageError = NamedSchema(
    name: "MessageError",
    schema: .object([
      ("code", .text("30003", "Twilio's number, or a word of ours.")), ("message", Schema.text("Unreachable").orNull),
      ("explanation", Schema.text("The handset is off.").orNull), ("retryable", .flag(true)),
    ]))

  static let segments = NamedSchema(
    name: "Segments", schema: .object([("count", .whole(1)), ("encoding", .word(["GSM-7", "UCS-2"]))]))

  static let window = NamedSchema(
    name: "Window",
    schema: .object(
      [("open", .flag(true)), ("expiresAt", Schema.time.orNull)], "When free-form messages are allowed."))

  static let statusReport = NamedSchema(
    name: "StatusReport",
    schema: .object([
      ("status", Schema.word(statuses).orNull), ("providerStatus", Schema.text("delivered").orNull), ("at", .time),
      ("source", .word(["api", "provider", "callback", "poll"])),
      ("errorCode", Schema.text("30003").orNull.like(.null)),
      ("errorMessage", Schema.text("Unreachable").orNull.like(.null)),
      ("raw", optional(.anyObject(.object([]), "What the report said; with `include=raw` only."))),
    ]))

  private static let messageMembers: [(String, Schema)] = [
    ("id", .id), ("conversationId", .id), ("contactId", .id),
    ("channel", Schema.text("sms", "The configured channel's id; null: no channel names our number.").orNull),
    ("channelType", .text("sms")), ("direction", .word(["outbound", "inbound"])),
    ("from", .text("+15005550006")), ("to", phone), ("body", Schema.text("Hello").orNull),
    ("content", content.reference), ("media", Schema.list(mediaItem.reference).like(.list([]))),
    ("status", .word(statuses)), ("error", messageError.reference.orNull.like(.null)),
    ("providerSid", Schema.text("SM00000000000000000000000000000001").orNull),
    ("segments", segments.reference.orNull),
    (
      "price",
      Schema.object([
        ("amount", .text("0.00750", "What the provider charged, a decimal number as text.")),
        ("currency", .text("USD")),
      ]).orNull.like(.null)
    ),
    (
      "template",
      Schema.object([
        ("sid", .text("HX00000000000000000000000000000001")), ("variables", .map(of: .text("Ada"), key: "1")),
      ]).orNull.like(.null)
    ), ("scheduledAt", Schema.time.orNull.like(.null)), ("replyTo", Schema.id.orNull.like(.null)),
    ("resendOf", Schema.id.orNull.like(.null)),
    ("recovered", .flag(false, "Found at the provider afterwards: its webhook never came.")),
    ("metadata", .map(of: .text("7"), key: "order")), ("createdAt", .time), ("sentAt", Schema.time.orNull),
    ("deliveredAt", Schema.time.orNull.like(.null)), ("readAt", Schema.time.orNull.like(.null)),
  ]

  static let message = NamedSchema(name: "Message", schema: .object(messageMembers, "A message, in or out."))

  static let messageDetail = NamedSchema(
    name: "MessageDetail",
    schema: .object(
      messageMembers + [
        ("statusHistory", .list(statusReport.reference)),
        ("raw", optional(.anyObject(.object([]), "Every field as the provider sent it; with `include=raw` only."))),
      ], "A message with its history."))

  static let preview = NamedSchema(
    name: "Preview",
    schema: .object([
      ("valid", .flag(true)),
      (
        "problems",
        Schema.list(
          .object([
            ("code", .text("outside_window")), ("field", Schema.text("contentSid").orNull),
            ("message", .text("The contact has not written on this channel yet: only a template can be sent.")),
          ])
        ).like(.list([]))
      ), ("channel", Schema.text("sms").orNull),
      (
        "segments",
        Schema.object([
          ("count", .whole(1)), ("encoding", .word(["GSM-7", "UCS-2"])), ("units", .whole(5)),
          ("remaining", .whole(155)),
        ]).orNull
      ),
      (
        "forcing",
        Schema.list(
          .object([("character", .text("é")), ("codePoint", .text("U+00E9")), ("index", .whole(0))]),
          "The characters that need the larger encoding."
        ).like(.list([]))
      ), ("window", window.reference.orNull.like(.null)), ("optedOut", .flag(false)),
    ]))
}
