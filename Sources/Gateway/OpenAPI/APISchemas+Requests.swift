// What clients write.

import ChannelProtocol

extension APISchemas {
  private static let metadata = Schema.map(
    of: .text("7", length: 0...4_096), "Strings of your own: 50 keys, 4 KiB in all.", key: "order", count: 50
  ).optional
  private static let variables = Schema.map(
    of: .text("Ada"), "The values of a template's placeholders.", key: "1", count: 100)
  private static let to = Schema.text(
    "+14155550123", "The recipient. A prefix (`whatsapp:+1…`) implies the channel type.", length: 1...200)
  private static let channelWord = Schema.text("sms", "A configured channel's id, or a channel type.", length: 0...200)
  private static let scheduledAt = Schema.time.optional.saying("When to send it: in the future.").like(.null)
  private static let validFor = Schema.whole(
    3_600, "Seconds after which it is no longer sent.", in: 1...36_000
  ).optional.like(.null)
  private static let replyTo = Schema.id.optional.like(.null)

  static let sendRequest = NamedSchema(
    name: "SendRequest",
    schema: .object(
      [
        ("to", to),
        ("channel", channelWord.optional),
        ("body", Schema.text("Hello", "The text.", length: 0...1_600).optional),
        (
          "media",
          Schema.list(.text("https://example.com/a.png", length: 1...2_000), "URLs, or ids of uploads.", count: 0...10)
            .optional.like(.null)
        ), ("content", content.reference.optional.like(.null)),
        (
          "contentSid",
          Schema.text("HX…", "A template; without `body` and `media`.", length: 1...64).optional.like(.null)
        ),
        ("variables", variables.optional.like(.null)), ("scheduledAt", scheduledAt), ("validFor", validFor),
        ("replyTo", replyTo), ("metadata", metadata),
      ],
      "One of `body`, `media`, `content` and `contentSid` is needed. Without `channel`: the one the contact used last, "
        + "else the only one that fits.", isClosed: true))

  static let templateRequest = NamedSchema(
    name: "TemplateRequest",
    schema: .object(
      [
        ("to", to), ("channel", channelWord.optional.like(.text("whatsapp"))),
        ("templateSid", .text("HX00000000000000000000000000000001", length: 1...64)), ("variables", variables.optional),
        ("scheduledAt", scheduledAt), ("validFor", validFor), ("replyTo", replyTo), ("metadata", metadata),
      ], isClosed: true))

  static let bulkRequest = NamedSchema(
    name: "BulkRequest",
    schema: .object(
      [
        ("channel", channelWord), ("body", Schema.text("Hello", length: 0...1_600).optional),
        ("templateSid", Schema.text("HX…", length: 0...64).optional.like(.null)),
        (
          "recipients",
          .list(
            .object(
              [("to", to), ("variables", variables.optional.like(.null)), ("metadata", metadata)], isClosed: true),
            count: 1...10_000)
        ),
      ], "`body` or `templateSid`, for up to 10,000 recipients.", isClosed: true))

  private static let rejected = Schema.list(
    .object([("index", .whole(3)), ("code", .text("recipient_opted_out")), ("message", .text("Has opted out."))])
  ).like(.list([]))

  static let bulkReceipt = NamedSchema(
    name: "BulkReceipt",
    schema: .object([("id", .id), ("total", .whole(1)), ("accepted", .whole(1)), ("rejected", rejected)]))

  static let bulk = NamedSchema(
    name: "Bulk",
    schema: .object([
      ("id", .id), ("total", .whole(1)), ("state", .word(["running", "paused", "canceled", "completed"])),
      ("counts", .map(of: .whole(1), "How many messages are in each status.", key: "queued")), ("rejected", rejected),
      ("eta", Schema.time.orNull), ("createdAt", .time),
    ]))

  static let contactRequest = NamedSchema(
    name: "ContactRequest",
    schema: .object(
      [
        ("name", Schema.text("Ada", length: 0...200).optional), ("attributes", Schema.anyObject().optional),
        ("labels", Schema.list(.text("customer", length: 1...100), count: 0...50).optional),
      ], isClosed: true))

  /// A contact's address, where one is added.
  static let addressRequest = Schema.object(
    [("type", Schema.text("sms", length: 0...64).optional), ("address", .text("+14155550123", length: 1...200))],
    "A prefix of the address implies the type.", isClosed: true)

  static let newContact = Schema.object(
    [
      ("name", Schema.text("Ada", length: 0...200).optional), ("attributes", Schema.anyObject().optional),
      ("labels", Schema.list(.text("customer", length: 1...100), count: 0...50).optional),
      ("channels", Schema.list(addressRequest, count: 0...50).optional),
    ], isClosed: true)

  /// - Parameter always: those that there is always a value for. What there may be none of is taken away by null.
  private static func webhookMembers(_ always: (Schema) -> Schema) -> [(String, Schema)] {
    [
      ("description", Schema.text("Orders", length: 0...1_000).optional),
      (
        "events",
        always(Schema.list(.word(EventType.all.map(\.rawValue)), "Left out or empty: all.", count: 0...100))
      ),
      (
        "channels",
        always(Schema.list(.text("sms"), "Configured channels' ids; left out or empty: all.", count: 0...100))
          .like(.list([]))
      ),
      ("headers", always(Schema.map(of: .text("1"), "Headers of your own in each request.", key: "X-Team", count: 20))),
      ("active", always(.flag(true))), ("timeout", Schema.number(10, in: 0.1...60).optional),
      ("concurrency", Schema.whole(4, in: 1...256).optional),
      ("rateLimit", Schema.number(50, in: 0.01...10_000).optional),
    ]
  }

  static let webhookRequest = NamedSchema(
    name: "WebhookRequest",
    schema: .object(
      [("url", .text("https://example.com/hook", length: 1...2_048))] + webhookMembers(\.optional), isClosed: true))

  static let webhookChange = Schema.object(
    [("url", Schema.text("https://example.com/hook", length: 1...2_048).omissible)] + webhookMembers(\.omissible),
    isClosed: true)
}
