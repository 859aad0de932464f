// The operations on messages, one by one.

import ChannelProtocol
import HTTPTypes
import Storage

extension APIOperations {
  static let messages: [APIOperation] = [
    APIOperation(
      method: .post, path: "/api/messages", name: "sendMessage", summary: "Send a message",
      detail: "The message is durable and `queued` (or `scheduled`) when the answer comes; what the provider refuses "
        + "later is a `failed` message with its `error`.", tag: .messages, scope: .send,
      body: .init(schema: APISchemas.sendRequest.reference),
      answers: [.accepted("The message.", APISchemas.message.reference)]),
    APIOperation(
      method: .get, path: "/api/messages", name: "listMessages", summary: "List messages", tag: .messages, scope: .read,
      parameters: [
        .query("conversation", "A conversation's id.", .id), .query("contact", "A contact's id.", .id),
        .query("channel", "A channel's id, or a type.", .text("sms", length: 1...200)),
        .query("direction", "Which way.", .word(["inbound", "outbound"])),
        .query(
          "status", "One status, or several by comma.",
          .text("delivered", pattern: "^(\(statusWords))(,(\(statusWords)))*$")),
        .query(
          "search",
          "Words in the text, all of them; the last one by its beginning. \(APIOperation.Parameter.typedPlus)",
          .text("hello", length: 1...200)),
        .query("providerSid", "Twilio's id.", .text("SM00000000000000000000000000000001", length: 1...200)),
        .query("since", "Made at or after.", .time), .query("until", "Made before.", .time),
      ] + APIOperation.Parameter.page,
      answers: [.page("Newest first.", of: APISchemas.message.reference)]),
    APIOperation(
      method: .get, path: "/api/messages/:id", name: "getMessage", summary: "Get a message and its history",
      tag: .messages, scope: .read,
      parameters: [
        .path("id", "The message's id."),
        .query("include", "`raw` adds what the provider sent; it needs the scope `manage`.", .word(["raw"])),
      ],
      answers: [.ok("The message.", APISchemas.messageDetail.reference)], problems: [404]),
    APIOperation(
      method: .delete, path: "/api/messages/:id", name: "cancelMessage", summary: "Take a message back",
      detail: "Cancels what is queued or scheduled with us, or scheduled at the provider.", tag: .messages,
      scope: .send, parameters: [.path("id", "The message's id.")],
      answers: [.ok("The message, canceled.", APISchemas.message.reference)], problems: [404, 409, 412]),
    APIOperation(
      method: .post, path: "/api/messages/:id/resend", name: "resendMessage", summary: "Send a message again",
      tag: .messages, scope: .send, parameters: [.path("id", "The message's id.")],
      answers: [.accepted("A new message, with `resendOf`.", APISchemas.message.reference)], problems: [404]),
    APIOperation(
      method: .post, path: "/api/messages/preview", name: "previewMessage", summary: "Look at a message before sending",
      detail: "Sends nothing: what would be refused, into how many segments it falls and why.", tag: .messages,
      scope: .send, body: .init(schema: APISchemas.sendRequest.reference),
      answers: [.ok("What would become of it.", APISchemas.preview.reference)]),
    APIOperation(
      method: .post, path: "/api/messages/template", name: "sendTemplate", summary: "Send a template", tag: .messages,
      scope: .send, body: .init(schema: APISchemas.templateRequest.reference),
      answers: [.accepted("The message.", APISchemas.message.reference)]),
  ]

  private static let statusWords = APISchemas.statuses.joined(separator: "|")

  static let bulk: [APIOperation] =
    [
      APIOperation(
        method: .post, path: "/api/messages/bulk", name: "sendBulk", summary: "Send to many",
        detail: "Parameters are frozen for each recipient; one bad recipient never stops the rest.", tag: .messages,
        scope: .send, body: .init(schema: APISchemas.bulkRequest.reference),
        answers: [.accepted("What was accepted, and what was not.", APISchemas.bulkReceipt.reference)]),
      APIOperation(
        method: .get, path: "/api/messages/bulk/:id", name: "getBulk", summary: "Get how a bulk goes", tag: .messages,
        scope: .read, parameters: [.path("id", "The bulk's id.")],
        answers: [.ok("Its progress.", APISchemas.bulk.reference)], problems: [404]),
    ]
    + [
      ("pause", "pauseBulk", "Pause a bulk"), ("resume", "resumeBulk", "Go on with a bulk"),
      ("cancel", "cancelBulk", "Cancel what has not gone of a bulk"),
      ("retry-failed", "retryBulk", "Send again what failed of a bulk"),
    ].map { word, name, summary in
      APIOperation(
        method: .post, path: "/api/messages/bulk/:id/\(word)", name: name, summary: summary, tag: .messages,
        scope: .send, parameters: [.path("id", "The bulk's id.")],
        answers: [.ok("Its progress.", APISchemas.bulk.reference)], problems: [404])
    }
}
