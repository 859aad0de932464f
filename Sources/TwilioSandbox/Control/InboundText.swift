// A phone texts in: what it says, as a value, as JSON and as a form.

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A message from a phone to one of our numbers.
public struct InboundText: Sendable, Equatable {
  /// A file that comes along.
  public struct Media: Sendable, Equatable {
    public var contentType: String
    /// The file itself; nil: a small sample, unless there is a `url`.
    public var bytes: [UInt8]?
    /// The media URL redirects there.
    public var url: String?

    public init(contentType: String, bytes: [UInt8]? = nil, url: String? = nil) {
      self.contentType = contentType
      self.bytes = bytes
      self.url = url
    }
  }

  /// With its channel prefix: `+14155550101`, `whatsapp:+447700900123`.
  public var from: String
  /// One of our senders; nil: the first one of the same channel.
  public var to: String?
  public var body: String
  public var media: [Media]
  /// WhatsApp.
  public var profileName: String
  public var messagingServiceSID: String?
  /// Further webhook fields, which replace those of their name: `ButtonPayload`, `Latitude`, `OptOutType`.
  public var extra: FormFields
  /// Delivers the webhook of this earlier inbound message once more; everything else is ignored.
  public var redeliver: String?

  public init(
    from: String, to: String? = nil, body: String = "", media: [Media] = [], profileName: String = "Alex Example",
    extra: FormFields = FormFields(), redeliver: String? = nil
  ) {
    self.from = from
    self.to = to
    self.body = body
    self.media = media
    self.profileName = profileName
    self.extra = extra
    self.redeliver = redeliver
  }

  /// `{"from","to","body","media":[{"contentType","url"|"base64"}],"profileName","messagingServiceSid","extra":{…}}`
  init(json: JSONValue) throws(ControlError) {
    guard let members = json.members else { throw ControlError("an object is expected") }
    self.init(from: "")
    for member in members {
      switch member.name {
      case "from": from = try Self.string(member)
      case "to": to = try Self.string(member)
      case "body": body = try Self.string(member)
      case "profileName": profileName = try Self.string(member)
      case "messagingServiceSid": messagingServiceSID = try Self.string(member)
      case "redeliver": redeliver = try Self.string(member)
      case "media":
        for element in member.value.array ?? [member.value] { media.append(try Self.media(element)) }
      case "extra":
        guard let fields = member.value.members else { throw ControlError("extra is an object of strings") }
        for field in fields { extra.append(field.name, try Self.string(field)) }
      default:
        throw ControlError(
          "unknown field \(member.name); there are from, to, body, media, profileName, messagingServiceSid, extra, "
            + "redeliver")
      }
    }
    try check()
  }

  /// `from=…&body=…&media=image/png`; fields with a capital letter are further webhook fields. Curl's `-d` leaves a
  /// plus as it is, which then reads as a blank: it is put back where a number begins.
  init(form: FormFields) throws(ControlError) {
    self.init(from: "")
    for field in form.fields {
      switch field.name {
      case "from": from = Self.withPlus(field.value)
      case "to": to = Self.withPlus(field.value)
      case "body": body = field.value
      case "profileName": profileName = field.value
      case "messagingServiceSid": messagingServiceSID = field.value
      case "redeliver": redeliver = field.value
      case "media":
        media.append(
          WebhookTarget(field.value) == nil
            ? Media(contentType: field.value)
            : Media(contentType: MediaType.guess(url: field.value), url: field.value))
      case let name where name.first?.isUppercase == true: extra.append(name, field.value)
      default:
        throw ControlError(
          "unknown field \(field.name); there are from, to, body, media, profileName, messagingServiceSid, redeliver, "
            + "and Twilio's own names with a capital letter")
      }
    }
    try check()
  }

  private func check() throws(ControlError) {
    if from.isEmpty && redeliver == nil { throw ControlError("from is missing: the phone's own number") }
    if media.count > 10 { throw ControlError("at most 10 media") }
  }

  private static func withPlus(_ address: String) -> String {
    address.hasPrefix(" ") ? "+" + address.dropFirst() : address.replacing(": ", with: ":+", maxReplacements: 1)
  }

  private static func string(_ member: JSONValue.Member) throws(ControlError) -> String {
    guard let text = member.value.string else { throw ControlError("\(member.name) is a string") }
    return text
  }

  private static func media(_ json: JSONValue) throws(ControlError) -> Media {
    if let contentType = json.string { return Media(contentType: contentType) }
    let url = json["url"]?.string
    guard let contentType = json["contentType"]?.string ?? url.map({ MediaType.guess(url: $0) }) else {
      throw ControlError("media needs a contentType")
    }
    if let url, WebhookTarget(url) == nil { throw ControlError("media.url is not an absolute URL") }
    guard let base64 = json["base64"]?.string else { return Media(contentType: contentType, url: url) }
    guard let data = Data(base64Encoded: base64) else { throw ControlError("media.base64 is not base64") }
    return Media(contentType: contentType, bytes: Array(data))
  }
}

/// What an inbound message led to.
public struct InboundReceipt: Sendable, Equatable {
  public var sid: String
  /// Nil when no webhook URL is set.
  public var webhook: WebhookDelivery?

  var json: JSONValue {
    .object(["sid": .string(sid), "webhook": webhook?.json ?? .null])
  }
}
