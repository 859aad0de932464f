// The body of `POST /api/messages/bulk`, read strictly as a whole and leniently by recipient.

import ChannelProtocol
import Storage

/// What a client asks to be sent to many.
struct BulkRequest: Sendable {
  /// One recipient as it was given.
  struct Recipient: Sendable {
    var index: Int
    /// Bare; a prefix has become `impliedType`.
    var to: String
    var impliedType: ChannelType?
    var variables: [String: String]
    var metadata: [String: String]
  }

  /// A configured channel's id, or a channel type.
  let channel: String
  let body: String?
  let templateSID: String?
  private(set) var recipients: [Recipient] = []
  /// Those that cannot be read: they never stop the rest.
  private(set) var refused: [BulkRefusal] = []

  static let maximumRecipients = 10_000
  /// Bytes of a body that holds that many.
  static let maximumBytes = 16 << 20

  init(_ reader: BodyReader) throws(Problem) {
    var reader = reader
    channel = reader.required("channel", maximum: 200)
    body = reader.string("body", maximum: SendRequest.maximumBody)
    templateSID = reader.string("templateSid", maximum: 64)
    let elements = Self.elements(&reader)
    switch (body, templateSID) {
    case (nil, nil), ("", nil):
      reader.errors.append(.init(field: "body", message: "one of body and templateSid is required"))
    case (_?, _?): reader.errors.append(.init(field: "body", message: "cannot stand beside templateSid"))
    default: if templateSID?.isEmpty ?? false { _ = reader.fail("templateSid", "must not be empty") as Bool? }
    }
    try reader.finish()
    for (index, element) in elements.enumerated() { read(element, at: index) }
  }

  private static func elements(_ reader: inout BodyReader) -> [JSONValue] {
    guard let value = reader.value("recipients") else { return reader.fail("recipients", "is required") ?? [] }
    guard let elements = value.arrayValue else { return reader.fail("recipients", "must be an array of objects") ?? [] }
    guard !elements.isEmpty else { return reader.fail("recipients", "must not be empty") ?? [] }
    guard elements.count <= maximumRecipients else {
      return reader.fail("recipients", "may have \(maximumRecipients) elements at most") ?? []
    }
    return elements
  }

  private mutating func read(_ element: JSONValue, at index: Int) {
    guard let members = element.objectValue else {
      refused.append(BulkRefusal(index: index, code: "invalid_request", message: "must be an object"))
      return
    }
    var reader = BodyReader(members)
    let (type, address) = Address.split(reader.required("to", maximum: 200))
    let variables = reader.stringMap("variables", keys: 100, bytes: 64 << 10) ?? [:]
    let metadata = reader.stringMap("metadata", keys: 50, bytes: 4 << 10) ?? [:]
    do throws(Problem) {
      try reader.finish()
      recipients.append(
        Recipient(index: index, to: address, impliedType: type, variables: variables, metadata: metadata))
    } catch {
      let words = error.errors.map { "\($0.field) \($0.message)" }.joined(separator: "; ")
      refused.append(BulkRefusal(index: index, code: error.code, message: words))
    }
  }
}
