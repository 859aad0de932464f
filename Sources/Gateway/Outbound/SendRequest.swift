// The body of `POST /api/messages`, read strictly.

import ChannelProtocol
import Foundation
import Storage

/// What a client asks to be sent; syntactically right, not yet checked against any channel.
struct SendRequest: Sendable {
  /// Bare; a prefix has become `impliedType`.
  var to: String
  var impliedType: ChannelType?
  /// A configured channel's id, or a channel type.
  var channel: String?
  var body: String?
  var media: [String]
  var content: Content?
  var template: TemplateReference?
  var scheduledAt: Timestamp?
  /// Seconds.
  var validFor: Int?
  var replyTo: Identifier?
  var metadata: [String: String]
  /// The message that is sent again.
  var resendOf: Identifier?
  /// Lower goes first.
  var priority = SendPriority.single

  static let maximumBody = 1_600

  /// Whether it is a template's message, by either way of saying so.
  var isTemplate: Bool {
    if template != nil { return true }
    if case .template = content?.kind { return true }
    return false
  }

  init(_ reader: BodyReader) throws(Problem) {
    var reader = reader
    let (type, address) = Address.split(reader.required("to", maximum: 200))
    to = address
    impliedType = type
    channel = reader.string("channel", maximum: 200)
    body = reader.string("body", maximum: Self.maximumBody)
    if let body, body.isBlank, !body.isEmpty {
      reader.errors.append(.init(field: "body", message: "must not be blank"))
    }
    media = reader.strings("media", maximum: 10) ?? []
    for (index, source) in media.enumerated()
    where !Self.isMedia(source) {
      reader.errors.append(
        .init(field: "media[\(index)]", message: "must be an http or https URL, or the id of an uploaded file"))
    }
    let contentSID = reader.string("contentSid", maximum: 64)
    if contentSID?.isBlank ?? false { reader.errors.append(.init(field: "contentSid", message: "must not be empty")) }
    let variables = reader.stringMap("variables", keys: 100, bytes: 64 << 10)
    if let contentSID {
      template = TemplateReference(sid: contentSID, variables: variables ?? [:])
    } else if variables != nil {
      reader.errors.append(.init(field: "variables", message: "needs contentSid"))
    }
    let given = reader.value("content")
    scheduledAt = reader.timestamp("scheduledAt")
    validFor = reader.integer("validFor", in: 1...36_000)
    replyTo = reader.identifier("replyTo")
    metadata = reader.stringMap("metadata", keys: 50, bytes: 4 << 10) ?? [:]
    if template != nil { checkTemplate(&reader) }
    if let given { readContent(given, &reader) }
    if body?.isEmpty ?? true, media.isEmpty, content == nil, template == nil, reader.errors.isEmpty {
      reader.errors.append(.init(field: "body", message: "one of body, media, content and contentSid is required"))
    }
    try reader.finish()
  }

  private mutating func readContent(_ value: JSONValue, _ reader: inout BodyReader) {
    content = ContentRequest.read(value, &reader)
    switch content?.kind {
    // Text is the body by another name.
    case .text(let text):
      if body != nil { reader.errors.append(.init(field: "content", message: "cannot stand beside body")) }
      body = text
      content = nil
    case .media(let caption): readCaption(caption, &reader)
    case .interactive:
      for (name, isGiven) in [("body", body != nil), ("media", !media.isEmpty), ("contentSid", template != nil)]
      where isGiven {
        reader.errors.append(.init(field: name, message: "cannot stand beside interactive content"))
      }
    default: break
    }
  }

  /// A caption is the body by another name.
  private mutating func readCaption(_ caption: String?, _ reader: inout BodyReader) {
    content = nil
    if media.isEmpty { reader.errors.append(.init(field: "media", message: "is required with content of this kind")) }
    guard let caption else { return }
    if body != nil { reader.errors.append(.init(field: "content.caption", message: "cannot stand beside body")) }
    body = caption.isEmpty ? nil : caption
  }

  /// A template says all that there is to say.
  private func checkTemplate(_ reader: inout BodyReader) {
    for (name, isGiven) in [("body", !(body?.isEmpty ?? true)), ("media", !media.isEmpty)] where isGiven {
      reader.errors.append(.init(field: name, message: "cannot stand beside contentSid"))
    }
  }

  /// Whether a text names a file: a URL that somebody can fetch, or the id of an upload.
  private static func isMedia(_ source: String) -> Bool {
    if Identifier(source) != nil { return true }
    guard let components = URLComponents(string: source) else { return false }
    let scheme = components.scheme?.lowercased()
    return (scheme == "http" || scheme == "https") && components.host?.isEmpty == false
  }
}

extension JSONValue {
  /// Whether a text or a name anywhere in it holds U+0000, which PostgreSQL keeps in no text.
  var containsNUL: Bool {
    switch self {
    case .string(let text): text.utf8.contains(0)
    case .array(let elements): elements.contains(where: \.containsNUL)
    case .object(let members): members.contains { $0.key.utf8.contains(0) || $0.value.containsNUL }
    case .null, .bool, .integer, .number: false
    }
  }
}
