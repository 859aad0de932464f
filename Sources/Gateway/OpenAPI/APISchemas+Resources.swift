// Everything else that the API shows.

import ChannelProtocol

extension APISchemas {
  static let problem = NamedSchema(
    name: "Problem",
    schema: .object(
      [
        ("type", .text("about:blank")), ("title", .text("Unprocessable Content")), ("status", .whole(422)),
        ("detail", .text("to: is required")), ("code", .text("invalid_request", "Stable: decide by this.")),
        (
          "errors",
          .list(
            .object([("field", .text("to")), ("message", .text("is required"))]), "What is wrong with which field.")
        ),
        ("candidates", Schema.list(.text("sms"), "With `ambiguous_channel`.").optional.like(.texts(["sms", "mms"]))),
        ("oldest", Schema.whole(1_000, "With `events_gone`: what is kept begins after this.").optional),
        ("epoch", Schema.id.optional), ("contactId", Schema.id.optional),
        ("providerCode", Schema.text("20003").optional),
      ], "What went wrong (RFC 9457)."
    ).like(
      .object([
        ("type", .text("about:blank")), ("title", .text("Unprocessable Content")), ("status", .whole(422)),
        ("detail", .text("to: is required")), ("code", .text("invalid_request")),
        ("errors", .list([.object([("field", .text("to")), ("message", .text("is required"))])])),
      ])))

  static let contactChannel = NamedSchema(
    name: "ContactChannel",
    schema: .object([
      ("id", .id), ("type", .text("sms")), ("address", phone), ("optedOut", .flag(false)),
      ("lastInboundAt", Schema.time.orNull),
    ]))

  static let contact = NamedSchema(
    name: "Contact",
    schema: .object([
      ("id", .id), ("name", Schema.text("Ada").orNull),
      ("attributes", .anyObject(.object([("customer", .whole(7))]), "Anything of your own.")),
      ("labels", .list(.text("customer"))), ("channels", .list(contactChannel.reference)), ("createdAt", .time),
      ("updatedAt", .time),
    ]))

  private static let conversationMembers: [(String, Schema)] = [
    ("id", .id), ("contact", contact.reference), ("channel", Schema.text("sms").orNull), ("channelType", .text("sms")),
    ("status", .word(["open", "archived"])), ("unreadCount", .whole(1)),
    ("lastMessage", message.reference.orNull), ("window", window.reference.orNull.like(.null)), ("createdAt", .time),
    ("updatedAt", .time),
  ]

  static let conversation = NamedSchema(
    name: "Conversation",
    schema: .object(conversationMembers, "All messages between one address of a contact and one line of ours."))

  static let conversationDetail = NamedSchema(
    name: "ConversationDetail",
    schema: .object(
      conversationMembers + [
        (
          "messages",
          .object([
            ("data", .list(message.reference)),
            ("nextCursor", Schema.text("pF7o0SJ0mVUBkAAAAAAAcYAAAAAAAAAB").orNull.like(.null)),
          ])
        )
      ]))

  static let template = NamedSchema(
    name: "Template",
    schema: .object([
      ("sid", .text("HX00000000000000000000000000000001")), ("name", .text("order_confirmation")),
      ("language", .text("en")),
      ("types", .anyObject(.object([("twilio/text", .object([("body", .text("Hi {{1}}"))]))]))),
      ("variables", .map(of: .text("Ada"), key: "1")),
      (
        "approval",
        .object([
          ("status", Schema.text("approved").orNull), ("category", Schema.text("UTILITY").orNull),
          ("rejectionReason", Schema.text("").orNull.like(.null)),
        ])
      ), ("syncedAt", .time),
    ]))

  static let webhookMembersShown: [(String, Schema)] = [
    ("id", .id), ("url", .text("https://example.com/hook")), ("description", Schema.text("Orders").orNull),
    ("events", .list(.text("message.new"))), ("channels", Schema.list(.text("sms")).like(.list([]))),
    ("headers", .map(of: .text("1"), key: "X-Team")), ("active", .flag(true)),
    ("disabledReason", Schema.text("It answered 410.").orNull.like(.null)),
    (
      "disabledAt",
      Schema.time.orNull.like(.null).saying(
        "When it was last disabled: from then until it is switched on again it collects nothing; replay from here.")
    ),
    ("timeout", Schema.number(10, "Seconds an attempt may take; null: the sink's.").orNull),
    ("concurrency", Schema.whole(4, "Attempts at once; null: the sink's.").orNull),
    ("rateLimit", Schema.number(50, "Attempts a second; null: no limit.").orNull.like(.null)), ("createdAt", .time),
    ("updatedAt", .time),
  ]

  static let webhook = NamedSchema(name: "Webhook", schema: .object(webhookMembersShown))

  /// In the answers to creation and rotation only.
  static let webhookWithSecret = Schema.object(
    webhookMembersShown + [("secret", .text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "Shown once."))])

  static let attempt = NamedSchema(
    name: "Attempt",
    schema: .object([
      ("at", .time), ("status", Schema.whole(200).orNull), ("latencyMs", .number(12.5)),
      ("error", Schema.text("timeout").orNull.like(.null)), ("response", Schema.text("ok").orNull),
    ]))

  static let delivery = NamedSchema(
    name: "Delivery",
    schema: .object([
      ("id", .id), ("webhookId", .id), ("eventId", .id), ("seq", .whole(1_001)), ("type", .text("message.new")),
      ("state", .word(["delivered", "pending", "held", "dead"])), ("nextAttemptAt", Schema.time.orNull.like(.null)),
      ("attempts", .list(attempt.reference)), ("createdAt", .time),
    ]))

  static let upload = NamedSchema(
    name: "Upload",
    schema: .object([
      ("id", .id), ("state", .word(["ready", "pending", "failed"])), ("contentType", .text("image/png")),
      ("size", .whole(2_048)), ("filename", Schema.text("picture.png").orNull),
      ("url", .text("https://sms.example.com/api/media/01900000-0000-7000-8000-000000000001")), ("createdAt", .time),
    ]))

  static let channel = NamedSchema(
    name: "Channel",
    schema: .object([
      ("id", .text("sms")), ("type", .text("sms")), ("addresses", .list(.text("+15005550006"))),
      (
        "capabilities",
        .object([
          ("maximumBodyLength", .whole(1_600)), ("maximumMedia", .whole(0)), ("templates", .flag(false)),
          ("location", .flag(false)), ("interactive", .flag(false)),
          ("interactiveTypes", .list(.text("quick-reply"))), ("readReceipts", .flag(false)),
          ("segments", .flag(true)), ("windowSeconds", Schema.whole(86_400).orNull.like(.null)),
        ])
      ),
      (
        "limits",
        .object([("bodyCharacters", .whole(1_600)), ("media", .whole(0)), ("messagesPerSecond", .number(1))])
      ),
      (
        "health",
        .object(
          [
            ("status", .word(["ok", "degraded", "down"])), ("detail", Schema.text("").orNull.like(.null)),
            ("lastSuccessAt", Schema.time.orNull),
            (
              "lastError",
              Schema.object([("code", .text("20429", "The provider's, or ours.")), ("at", .time)]).orNull.like(.null)
            ),
          ],
          "What the provider said to the last calls of all nodes, within a quarter of an hour.")
      ),
    ]))

  static let optOut = NamedSchema(
    name: "OptOut",
    schema: .object(
      [
        ("id", .id), ("channelType", .text("sms")), ("address", phone), ("scope", .text("account")),
        ("optedOut", .flag(true)), ("source", .text("api")), ("messageId", Schema.id.orNull.like(.null)), ("at", .time),
      ], "One entry of the ledger; the newest of an address and scope stands."))

  static let optOutStanding = Schema.object([
    ("channelType", .text("sms")), ("address", phone), ("optedOut", .flag(true)), ("scopes", .list(.text("account"))),
  ])

  private static let scopes = Schema.list(.word(["read", "send", "manage"]))

  static let keyMembers: [(String, Schema)] = [
    ("id", .id), ("name", .text("inbox")), ("scopes", scopes), ("expiresAt", Schema.time.orNull.like(.null)),
    ("lastUsedAt", Schema.time.orNull), ("createdAt", .time),
  ]

  static let key = NamedSchema(name: "Key", schema: .object(keyMembers))
  static let keyWithText = Schema.object(
    keyMembers + [("key", .text("fk_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE", "Shown once."))])
  static let keyRequest = Schema.object(
    [
      ("name", .text("inbox", length: 1...200)),
      (
        "scopes",
        .list(.word(["read", "send", "manage"]), "A key cannot grant what it lacks.", count: 1...16)
      ), ("expiresAt", Schema.time.optional.like(.null)),
    ], isClosed: true)

  static let event = NamedSchema(
    name: "Event",
    schema: .object([
      ("seq", .whole(1_001)), ("id", .id), ("type", .text("message.new")), ("at", .time),
      ("conversationId", Schema.id.orNull), ("data", .anyObject(.object([]), "The resource after the change.")),
    ]))
}
