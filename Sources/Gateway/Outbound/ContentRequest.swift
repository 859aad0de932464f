// `content` of a request to send, read strictly: what a kind does not have is named.

import ChannelProtocol

enum ContentRequest {
  static let maximumWords = 1_000

  /// - Returns: nil where something is wrong, which the reader has been told.
  static func read(_ value: JSONValue, _ reader: inout BodyReader) -> Content? {
    guard let members = value.objectValue else { return reader.fail("content", "must be an object") }
    guard !value.containsNUL else { return reader.fail("content", "must not contain NUL") }
    var inner = BodyReader(members, path: "content.")
    let word = inner.required("kind", maximum: 64)
    let content: Content?
    switch word {
    case "text": content = Content(.text(inner.required("text", maximum: SendRequest.maximumBody)))
    case "media": content = Content(.media(caption: inner.string("caption", maximum: SendRequest.maximumBody)))
    case "location": content = location(&inner).map { Content(.location($0)) }
    case "template":
      let sid = inner.required("sid", maximum: 64)
      content = Content(
        .template(sid: sid, variables: inner.stringMap("variables", keys: 100, bytes: 64 << 10) ?? [:]))
    case "interactive":
      let type = inner.required("type", maximum: 64)
      // Its own fields are the channel's to check.
      content = Content(.interactive(type: type, data: inner.value("data") ?? .null))
    default:
      // One of ours that only comes in is refused by the channel, in its own words.
      guard let other = Content(value) else {
        return reader.fail(word.isEmpty ? "content.kind" : "content", "is no content object")
      }
      return other
    }
    do throws(Problem) {
      try inner.finish()
      return content
    } catch {
      reader.errors += error.errors
      return nil
    }
  }

  private static func location(_ reader: inout BodyReader) -> Location? {
    let latitude = degrees("latitude", 90, &reader)
    let longitude = degrees("longitude", 180, &reader)
    let label = reader.string("label", maximum: maximumWords)
    let address = reader.string("address", maximum: maximumWords)
    guard let latitude, let longitude else { return nil }
    return Location(latitude: latitude, longitude: longitude, label: label, address: address)
  }

  private static func degrees(_ name: String, _ most: Double, _ reader: inout BodyReader) -> Double? {
    let before = reader.errors.count
    if let degrees = reader.number(name, in: -most...most) { return degrees }
    return reader.errors.count > before ? nil : reader.fail(name, "is required")
  }
}
