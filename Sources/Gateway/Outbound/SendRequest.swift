// The body of `POST /api/messages`, read strictly.

import ChannelProtocol
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

  static let maximumBody = 1_600

  init(_ reader: BodyReader) throws(Problem) {
    var reader = reader
    let (type, address) = Address.split(reader.required("to", maximum: 200))
    to = address
    impliedType = type
    channel = reader.string("channel", maximum: 200)
    body = reader.string("body", maximum: Self.maximumBody)
    media = reader.strings("media", maximum: 10) ?? []
    for (index, url) in media.enumerated() where !(url.hasPrefix("https://") || url.hasPrefix("http://")) {
      reader.errors.append(.init(field: "media[\(index)]", message: "must be an http or https URL"))
    }
    let contentSID = reader.string("contentSid", maximum: 64)
    let variables = reader.stringMap("variables", keys: 100, bytes: 64 << 10)
    if let contentSID {
      template = TemplateReference(sid: contentSID, variables: variables ?? [:])
    } else if variables != nil {
      reader.errors.append(.init(field: "variables", message: "needs contentSid"))
    }
    if let value = reader.value("content") {
      content = Content(value)
      if content == nil { reader.errors.append(.init(field: "content", message: "is no content object")) }
    }
    scheduledAt = reader.timestamp("scheduledAt")
    validFor = reader.integer("validFor", in: 1...36_000)
    replyTo = reader.identifier("replyTo")
    metadata = reader.stringMap("metadata", keys: 50, bytes: 4 << 10) ?? [:]
    if body?.isEmpty ?? true, media.isEmpty, content == nil, template == nil, reader.errors.isEmpty {
      reader.errors.append(.init(field: "body", message: "one of body, media, content and contentSid is required"))
    }
    try reader.finish()
  }
}
