// A message as the sandbox knows it, and the Message resource it shows.

/// A message in Twilio's log.
public struct SandboxMessage: Sendable, Equatable {
  /// Twilio's status words.
  public enum Status: String, Sendable {
    case accepted, scheduled, queued, sending, sent, delivered, undelivered, failed, read, canceled
    case receiving, received

    /// Whether Twilio still works on the message: it cannot be deleted yet.
    var isUnfinished: Bool {
      switch self {
      case .accepted, .scheduled, .queued, .sending, .receiving: true
      default: false
      }
    }
  }

  /// Twilio's words for the way a message goes.
  public enum Direction: String, Sendable {
    case inbound
    case outboundAPI = "outbound-api"
    case outboundReply = "outbound-reply"
  }

  /// `SM…`, or `MM…` with media or a template.
  public var sid: String
  public var accountSID: String
  public var messagingServiceSID: String?
  /// Nil until a Messaging Service has chosen one.
  public var from: String?
  public var to: String
  public var body: String
  public var status: Status
  public var direction: Direction
  public var segments: Int
  public var media: [SandboxMedia]
  public var contentSID: String?
  public var errorCode: Int?
  public var created: UTCTime
  public var updated: UTCTime
  public var sent: UTCTime?
  /// Scheduled messages: when they are to go.
  public var sendAt: UTCTime?
  /// Where its status callbacks go.
  public var statusCallback: String?
  /// How it will end; decided when it was accepted.
  var outcome = MagicNumbers.Outcome.delivered
  /// The webhook form of an inbound message, for a second delivery.
  var inboundForm: FormFields?
  /// Negative, in 1/100,000 of a dollar; nil until billed.
  var price: Int?

  /// The resource's path without host and extension.
  var path: String { "/2010-04-01/Accounts/\(accountSID)/Messages/\(sid)" }

  /// What the media count shows.
  var mediaCount: Int { media.count }

  /// The Message resource.
  var json: JSONValue {
    var subresources = [JSONValue.Member(name: "media", value: .string(path + "/Media.json"))]
    if direction != .inbound {
      subresources.append(.init(name: "feedback", value: .string(path + "/Feedback.json")))
    }
    return .object([
      "account_sid": .string(accountSID),
      "api_version": .string("2010-04-01"),
      "body": .string(body),
      "date_created": .string(created.rfc2822),
      "date_sent": .optional(sent?.rfc2822),
      "date_updated": .string(updated.rfc2822),
      "direction": .string(direction.rawValue),
      "error_code": errorCode.map(JSONValue.integer) ?? .null,
      "error_message": .optional(errorCode.flatMap(MagicNumbers.text)),
      "from": .optional(from),
      "messaging_service_sid": .optional(messagingServiceSID),
      "num_media": .string(String(mediaCount)),
      "num_segments": .string(String(segments)),
      "price": .optional(price.map(Self.dollars)),
      "price_unit": .string("USD"),
      "sid": .string(sid),
      "status": .string(status.rawValue),
      "subresource_uris": .object(subresources),
      "to": .string(to),
      "uri": .string(path + ".json"),
    ])
  }

  /// `-830` → `-0.00830`
  private static func dollars(_ price: Int) -> String {
    let digits = String(abs(price))
    let fraction = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    return (price < 0 ? "-" : "") + fraction.dropLast(5) + "." + fraction.suffix(5)
  }
}

/// A file of a message.
public struct SandboxMedia: Sendable, Equatable {
  /// What is behind the media URL.
  enum Source: Sendable, Equatable {
    /// Kept by the sandbox, see ``MediaStore``.
    case stored
    /// The sender's own URL; the sandbox does not fetch it.
    case url(String)
  }

  /// `ME…`
  public var sid: String
  public var contentType: String
  var source: Source
  var created: UTCTime

  /// The Media resource of this message.
  func json(of message: SandboxMessage) -> JSONValue {
    .object([
      "account_sid": .string(message.accountSID),
      "content_type": .string(contentType),
      "date_created": .string(created.rfc2822),
      "date_updated": .string(created.rfc2822),
      "parent_sid": .string(message.sid),
      "sid": .string(sid),
      "uri": .string("\(message.path)/Media/\(sid).json"),
    ])
  }
}
