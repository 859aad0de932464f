// Everything that the API can do: the description that `/openapi.json` is made of. A test walks the routes and this list
// and allows neither to have what the other has not, and holds every answer of the test gateway to it.

import ChannelProtocol
import HTTPTypes
import Storage

enum APIOperations {
  static let all: [APIOperation] =
    messages + bulk + conversations + contacts + templates + media + events + webhooks + channels + optOuts + keys
    + operations

  static let templates: [APIOperation] = [
    APIOperation(
      method: .get, path: "/api/templates", name: "listTemplates", summary: "List templates", tag: .templates,
      scope: .read,
      parameters: [
        .query("status", "Of the approval.", .text("approved", length: 1...200)),
        .query("language", "Such as `en`.", .text("en", length: 1...200)),
        .query("search", "A part of the name.", .text("order", length: 1...200)),
      ] + APIOperation.Parameter.page,
      answers: [.page("The provider's newest first.", of: APISchemas.template.reference)]),
    APIOperation(
      method: .get, path: "/api/templates/:sid", name: "getTemplate", summary: "Get a template", tag: .templates,
      scope: .read,
      parameters: [
        .init(
          name: "sid", place: .path, description: "The provider's id.",
          schema: .text("HX00000000000000000000000000000001", length: 1...64))
      ],
      answers: [.ok("The template.", APISchemas.template.reference)], problems: [404]),
    APIOperation(
      method: .get, path: "/api/templates/sync", name: "getTemplateSyncs", summary: "See how the last syncs went",
      tag: .templates, scope: .read,
      answers: [
        .page(
          "One for each account.",
          of: .object([
            ("accountSid", .text("AC00000000000000000000000000000001")), ("lastAttemptAt", .time),
            ("lastSuccessAt", Schema.time.orNull), ("lastError", Schema.text("").orNull.like(.null)),
          ]))
      ]),
    APIOperation(
      method: .post, path: "/api/templates/sync", name: "syncTemplates", summary: "Fetch the templates now",
      tag: .templates, scope: .manage,
      answers: [
        .ok(
          "What has changed.",
          .object([
            ("total", .whole(12)), ("added", .whole(1)), ("updated", .whole(0)), ("removed", .whole(0)),
            ("syncedAt", .time),
          ]))
      ], problems: [502]),
  ]

  /// Without a bound: a field that is no range is passed over, as RFC 9110 section 14.2 wants it.
  private static let ranges: [APIOperation.Parameter] = [
    .init(
      name: "Range", place: .header, description: "A part of the file.",
      schema: .text("bytes=0-1023")),
    .init(
      name: "If-Range", place: .header, description: "The part only if the file still has this `ETag`, else all of it.",
      schema: .text("\"01900000-0000-7000-8000-000000000001\"")),
  ]

  static let media: [APIOperation] = [
    APIOperation(
      method: .post, path: "/api/media", name: "uploadMedia", summary: "Upload a file",
      detail: "The body is the file itself, or a form with it in the field `file`; its id then goes into `media` of a "
        + "message. Up to 16 MiB.", tag: .media, scope: .send,
      parameters: [.query("filename", "The file's name.", .text("picture.png", length: 1...200))],
      body: .init(
        schema: .object([("file", .text("", format: "binary"))]),
        types: ["application/octet-stream", "multipart/form-data"]),
      answers: [.created("The file.", APISchemas.upload.reference)]),
    APIOperation(
      method: .get, path: "/api/media/:id", name: "getMedia", summary: "Get a file", tag: .media, scope: .read,
      parameters: [.path("id", "The file's id.")] + ranges,
      answers: [
        .init(status: 200, description: "The file; parts of it by `Range`.", schema: nil, type: "*/*"),
        .init(status: 206, description: "A part of it.", schema: nil, type: "*/*"),
        .init(status: 302, description: "It is elsewhere: a file that was sent by its URL.", schema: nil),
        .init(status: 304, description: "You have it.", schema: nil),
      ], problems: [404, 409, 416, 502]),
    APIOperation(
      method: .get, path: "/media/:id/:token", name: "getSignedMedia", summary: "Get a file by its signed link",
      detail: "For providers, who have no key.", tag: .media,
      parameters: [
        .path("id", "The file's id."),
        .init(
          name: "token", place: .path, description: "Of the link.", schema: .text("1769860800.0a1b2c", length: 1...200)),
      ] + ranges,
      answers: [
        .init(status: 200, description: "The file.", schema: nil, type: "*/*"),
        .init(status: 206, description: "A part of it.", schema: nil, type: "*/*"),
        .init(status: 302, description: "It is elsewhere.", schema: nil),
        .init(status: 304, description: "You have it.", schema: nil),
      ], problems: [404, 409, 416, 500, 502, 503]),
  ]

  static let events: [APIOperation] = [
    APIOperation(
      method: .get, path: "/api/events", name: "listEvents", summary: "Follow the event log",
      detail: "Oldest first. Go on with `after` = `last`. With `wait` the answer comes as soon as there is something. "
        + "410: what you ask for is no longer kept, or is of another log; begin again from `oldest`.", tag: .events,
      scope: .read,
      parameters: [
        .query(
          "after", "A number you have seen; left out: from the oldest that is kept.", .whole(0, in: 0...(1 << 53))),
        .query("epoch", "The log that the number is of.", .id),
        .query("limit", "How many, at most; 50 if left out.", .whole(50, in: 1...200)),
        .query(
          "types", "One type, or several by comma.",
          .text(
            "message.new",
            pattern: "^(\(eventWords))(,(\(eventWords)))*$")),
        .query("wait", "Seconds to wait for something.", .whole(0, in: 0...60)),
      ],
      answers: [
        .ok(
          "Events.",
          .object([
            ("data", .list(APISchemas.event.reference)), ("epoch", .id),
            ("last", .whole(1_001, "The number to go on after.")),
          ]))
      ], problems: [410])
  ]

  private static let eventWords = EventType.all.map { $0.rawValue.replacing(".", with: "\\.") }
    .joined(separator: "|")

  static let channels: [APIOperation] = [
    APIOperation(
      method: .get, path: "/api/channels", name: "listChannels", summary: "List the configured channels",
      tag: .channels, scope: .read,
      answers: [.page("In the order of the configuration.", of: APISchemas.channel.reference)]),
    APIOperation(
      method: .get, path: "/api/channels/:id", name: "getChannel", summary: "Get a channel", tag: .channels,
      scope: .read,
      parameters: [
        .init(name: "id", place: .path, description: "The channel's id.", schema: .text("sms", length: 1...200))
      ],
      answers: [.ok("The channel.", APISchemas.channel.reference)], problems: [404]),
  ]
}
