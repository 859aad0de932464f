// What a message says, by kind.

/// A message's content. A kind not understood is kept whole as `unknown`, never dropped.
public struct Content: Hashable, Sendable {
  public var kind: Kind
  /// The click-to-message advertisement a message came from: the provider's fields by name.
  public var referral: [String: JSONValue]?
  public var forwarded: Bool?
  public var frequentlyForwarded: Bool?

  public enum Kind: Hashable, Sendable {
    case text(String)
    case media(caption: String?)
    case location(Location)
    /// vCards, held in the message's media.
    case contacts
    case buttonReply(text: String, payload: String?)
    case listReply(id: String, title: String?, description: String?)
    case reaction(emoji: String, messageID: Identifier?, providerMessageSID: String?)
    case sticker
    case template(sid: String, variables: [String: String])
    case interactive(type: String, data: JSONValue)
    case unknown(providerType: String?, raw: [String: JSONValue])
  }

  public init(
    _ kind: Kind, referral: [String: JSONValue]? = nil, forwarded: Bool? = nil, frequentlyForwarded: Bool? = nil
  ) {
    self.kind = kind
    self.referral = referral
    self.forwarded = forwarded
    self.frequentlyForwarded = frequentlyForwarded
  }
}

/// A place: degrees, WGS 84.
public struct Location: Hashable, Sendable {
  public var latitude: Double
  public var longitude: Double
  public var label: String?
  public var address: String?

  public init(latitude: Double, longitude: Double, label: String? = nil, address: String? = nil) {
    self.latitude = latitude
    self.longitude = longitude
    self.label = label
    self.address = address
  }
}

extension Content {
  /// Writes the `content` object of `API.md`.
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      switch kind {
      case .text(let text):
        writer.member("kind", "text")
        writer.member("text", text)
      case .media(let caption):
        writer.member("kind", "media")
        writer.member("caption", caption)
      case .location(let location):
        writer.member("kind", "location")
        writer.member("latitude", location.latitude)
        writer.member("longitude", location.longitude)
        writer.member("label", location.label)
        writer.member("address", location.address)
      case .contacts:
        writer.member("kind", "contacts")
      case .buttonReply(let text, let payload):
        writer.member("kind", "buttonReply")
        writer.member("text", text)
        writer.member("payload", payload)
      case .listReply(let id, let title, let description):
        writer.member("kind", "listReply")
        writer.member("id", id)
        writer.member("title", title)
        writer.member("description", description)
      case .reaction(let emoji, let messageID, let providerMessageSID):
        writer.member("kind", "reaction")
        writer.member("emoji", emoji)
        writer.member("messageId", messageID)
        writer.member("providerMessageSid", providerMessageSID)
      case .sticker:
        writer.member("kind", "sticker")
      case .template(let sid, let variables):
        writer.member("kind", "template")
        writer.member("sid", sid)
        writer.member("variables", .object(variables.mapValues { .string($0) }))
      case .interactive(let type, let data):
        writer.member("kind", "interactive")
        writer.member("type", type)
        writer.member("data", data)
      case .unknown(let providerType, let raw):
        writer.member("kind", "unknown")
        writer.member("providerType", providerType)
        writer.member("raw", .object(raw))
      }
      if let referral { writer.member("referral", .object(referral)) }
      if let forwarded { writer.member("forwarded", forwarded) }
      if let frequentlyForwarded { writer.member("frequentlyForwarded", frequentlyForwarded) }
    }
  }

  /// Reads back what ``write(to:)`` wrote; nil where it is no content object.
  public init?(_ json: JSONValue) {
    guard let kind = Kind(json) else { return nil }
    self.init(
      kind, referral: json["referral"]?.objectValue, forwarded: json["forwarded"]?.boolValue,
      frequentlyForwarded: json["frequentlyForwarded"]?.boolValue)
  }
}

extension Content.Kind {
  fileprivate init?(_ json: JSONValue) {
    switch json["kind"]?.stringValue {
    case "text":
      self = .text(json["text"]?.stringValue ?? "")
    case "media":
      self = .media(caption: json["caption"]?.stringValue)
    case "location":
      guard let latitude = json["latitude"]?.numberValue, let longitude = json["longitude"]?.numberValue
      else { return nil }
      self = .location(
        Location(
          latitude: latitude, longitude: longitude, label: json["label"]?.stringValue,
          address: json["address"]?.stringValue))
    case "contacts":
      self = .contacts
    case "buttonReply":
      self = .buttonReply(text: json["text"]?.stringValue ?? "", payload: json["payload"]?.stringValue)
    case "listReply":
      guard let id = json["id"]?.stringValue else { return nil }
      self = .listReply(id: id, title: json["title"]?.stringValue, description: json["description"]?.stringValue)
    case "reaction":
      self = .reaction(
        emoji: json["emoji"]?.stringValue ?? "", messageID: json["messageId"]?.stringValue.flatMap { Identifier($0) },
        providerMessageSID: json["providerMessageSid"]?.stringValue)
    case "sticker":
      self = .sticker
    case "template":
      guard let sid = json["sid"]?.stringValue else { return nil }
      self = .template(
        sid: sid, variables: (json["variables"]?.objectValue ?? [:]).compactMapValues { $0.stringValue })
    case "interactive":
      guard let type = json["type"]?.stringValue else { return nil }
      self = .interactive(type: type, data: json["data"] ?? .null)
    case "unknown":
      self = .unknown(providerType: json["providerType"]?.stringValue, raw: json["raw"]?.objectValue ?? [:])
    default:
      return nil
    }
  }
}
