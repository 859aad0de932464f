// A request of Twilio's, read once for all adapters that look at it.

public import ChannelProtocol
import HTTPTypes

/// What a webhook says by its words alone; nothing here is verified. A class, since it is looked at several times.
public final class TwilioWebhook: Sendable {
  public enum Kind: Sendable, Hashable {
    case message
    case status
    /// Neither: why, in words that hold nothing of the request.
    case other(String)
  }

  enum Encoding: Sendable {
    case query
    case form
    case json(isValid: Bool)
    case unsupported
  }

  /// The form's fields, the query's of a GET, or the members of a JSON object.
  public let fields: FormFields
  public let kind: Kind
  /// Nil where the request names none.
  public let accountSID: String?
  public let channelType: ChannelType
  /// The side that is ours, bare: `To` of what comes in, `From` of what went out; nil where it is left out.
  public let ourAddress: String?
  /// `MG…` where a pool stood in between.
  public let messagingServiceSID: String?
  let encoding: Encoding

  /// Parses a request, or takes what an earlier adapter parsed of it.
  public static func reading(_ request: WebhookRequest) -> TwilioWebhook {
    request.parsed(as: TwilioWebhook.self) { TwilioWebhook($0) }
  }

  init(_ request: WebhookRequest) {
    let (fields, encoding) = Self.decode(request)
    self.fields = fields
    self.encoding = encoding
    kind = Self.kind(of: fields)
    accountSID = fields.nonEmpty("AccountSid")
    messagingServiceSID = fields.nonEmpty("MessagingServiceSid")
    let isStatus = kind == .status
    let ours = fields.nonEmpty(isStatus ? "From" : "To")
    let type = ChannelDetection.type(of: fields, ours: ours, theirs: fields.nonEmpty(isStatus ? "To" : "From"))
    channelType = type
    ourAddress = ours.map { ChannelDetection.bareAddress($0, of: type) }
  }

  private static func decode(_ request: WebhookRequest) -> (FormFields, Encoding) {
    if request.method == .get || request.method == .head {
      return (FormFields(urlEncoded: Array((request.query ?? "").utf8)), .query)
    }
    let contentType = request.headers.value(of: .contentType) ?? ""
    // As Twilio writes it; other spellings follow below.
    if contentType.utf8.starts(with: "application/x-www-form-urlencoded;".utf8) {
      return (FormFields(urlEncoded: request.body), .form)
    }
    let mediaType = contentType.prefix { $0 != ";" && $0 != " " }.lowercased()
    switch mediaType {
    case "application/x-www-form-urlencoded":
      return (FormFields(urlEncoded: request.body), .form)
    case _ where mediaType == "application/json" || mediaType.hasSuffix("+json"):
      guard let json = JSONValue(parsing: request.body) else { return (FormFields(pairs: []), .json(isValid: false)) }
      return (FormFields(members: json), .json(isValid: true))
    default:
      return (FormFields(pairs: []), .unsupported)
    }
  }

  /// Judged by the fields, not by the path: a URL entered in the wrong place still works.
  private static func kind(of fields: FormFields) -> Kind {
    guard fields.nonEmpty("MessageSid") ?? fields.nonEmpty("SmsSid") ?? fields.nonEmpty("SmsMessageSid") != nil
    else { return .other("it names no message") }
    if fields.nonEmpty("MessageStatus") != nil { return .status }
    if let status = fields.nonEmpty("SmsStatus"), status != "received", status != "receiving", !fields.contains("Body")
    {
      return .status
    }
    guard fields.nonEmpty("From") != nil, fields.nonEmpty("To") != nil
    else { return .other("it names no sender or no recipient") }
    return .message
  }
}

extension FormFields {
  /// The members of a JSON object as fields: strings as they are, everything else as JSON text.
  init(members json: JSONValue) {
    guard let members = json.objectValue else {
      self.init(pairs: [])
      return
    }
    self.init(
      pairs: members.sorted { $0.key < $1.key }.map { name, value in
        if let text = value.stringValue { return (name, text) }
        var writer = JSONWriter(capacity: 64)
        writer.value(value)
        return (name, writer.string)
      })
  }
}
