// One method on one path, described.

import ChannelProtocol
import HTTPTypes
import Storage

struct APIOperation: Sendable {
  enum Tag: String, Sendable, CaseIterable {
    case messages = "Messages"
    case conversations = "Conversations"
    case contacts = "Contacts"
    case templates = "Templates"
    case media = "Media"
    case events = "Events"
    case webhooks = "Webhooks"
    case channels = "Channels"
    case optOuts = "Opt-outs"
    case keys = "Keys"
    case operations = "Operations"
  }

  struct Parameter: Sendable {
    enum Place: String, Sendable { case query, path, header }
    var name: String
    var place: Place
    var description: String
    var schema: Schema
  }

  struct Body: Sendable {
    var schema: Schema
    var isRequired = true
    /// The media types it may have; a schema counts for JSON only.
    var types = ["application/json"]
  }

  struct Answer: Sendable {
    var status: Int
    var description: String
    /// nil: no body, or one that is no JSON.
    var schema: Schema?
    var type = "application/json"
    var hasLocation = false
  }

  var method: HTTPRequest.Method
  /// As the router has it: parameters are `:name`.
  var path: String
  var name: String
  var summary: String
  var detail: String?
  var tag: Tag
  var scope: APIKey.Scope?
  var parameters: [Parameter] = []
  var body: Body?
  var answers: [Answer]
  /// Statuses of problems besides those that every operation may have.
  var problems: [Int] = []

  /// The path as OpenAPI writes it.
  var template: String {
    path.split(separator: "/").map { $0.first == ":" ? "{\($0.dropFirst())}" : String($0) }
      .reduce("") { "\($0)/\($1)" }
  }

  var isSingleResource: Bool { method == .get && scope != nil && path.split(separator: "/").last?.first == ":" }
}

extension APIOperation.Parameter {
  static func query(_ name: String, _ description: String, _ schema: Schema) -> Self {
    Self(name: name, place: .query, description: description, schema: schema)
  }

  /// What the description of a search says of how it may be written.
  static let typedPlus = """
    `+` is a blank, and `%2B` a plus. Only in front of a whole number of seven digits or more, at the very beginning or \
    after a channel's type and a colon, `+` is a plus as well: `%2B14155550123` and `+14155550123` are the same.
    """

  static let page: [Self] = [
    .query("limit", "How many, at most; 50 if left out.", .whole(50, in: 1...200)),
    .query(
      "cursor", "Where to go on: `nextCursor` of the page before, with the same filters.",
      .text("pF7o0SJ0mVUBkAAAAAAAcYAAAAAAAAAB", length: 1...200)),
  ]

  static func path(_ name: String, _ description: String) -> Self {
    Self(name: name, place: .path, description: description, schema: .id)
  }
}

extension APIOperation.Answer {
  static func ok(_ description: String, _ schema: Schema) -> Self {
    Self(status: 200, description: description, schema: schema)
  }

  static func page(_ description: String, of element: Schema) -> Self {
    .ok(
      description,
      .object([
        ("data", .list(element)),
        ("nextCursor", Schema.text("pF7o0SJ0mVUBkAAAAAAAcYAAAAAAAAAB").orNull.like(.null)),
      ]))
  }

  static func created(_ description: String, _ schema: Schema) -> Self {
    Self(status: 201, description: description, schema: schema, hasLocation: true)
  }

  static func accepted(_ description: String, _ schema: Schema, hasLocation: Bool = true) -> Self {
    Self(status: 202, description: description, schema: schema, hasLocation: hasLocation)
  }

  static let noContent = Self(status: 204, description: "Done.", schema: nil)
}
