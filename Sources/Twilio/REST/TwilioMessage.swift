// Twilio's Message resource, typed.

public import ChannelProtocol

/// A message as Twilio shows it (twilio.com/docs/messaging/api/message-resource).
public struct TwilioMessage: Sendable, Hashable {
  public var sid: String
  public var accountSID: String
  public var messagingServiceSID: String?
  /// Nil until a service has picked the sender.
  public var from: String?
  public var to: String
  public var body: String?
  /// Of a template; Twilio's documentation lists none.
  public var contentSID: String?
  /// Twilio's word.
  public var status: String
  /// `inbound`, `outbound-api`, …
  public var direction: String
  /// Nil where Twilio has not counted yet.
  public var segmentCount: Int?
  public var mediaCount: Int
  public var errorCode: Int?
  public var errorMessage: String?
  public var dateCreated: Timestamp?
  public var dateUpdated: Timestamp?
  /// Nil until it went on.
  public var dateSent: Timestamp?
  /// A decimal text, negative; nil until billed.
  public var price: String?
  public var priceUnit: String?
  /// The resource as it came.
  public var raw: RawPayload

  /// Nil where a field that every message has is missing.
  init?(_ json: JSONValue, raw: RawPayload? = nil) {
    guard let sid = json["sid"]?.stringValue, !sid.isEmpty, let status = json["status"]?.stringValue
    else { return nil }
    self.sid = sid
    self.status = status
    accountSID = json["account_sid"]?.stringValue ?? ""
    messagingServiceSID = json["messaging_service_sid"]?.stringValue
    from = json["from"]?.stringValue
    to = json["to"]?.stringValue ?? ""
    body = json["body"]?.stringValue
    contentSID = json["content_sid"]?.stringValue
    direction = json["direction"]?.stringValue ?? ""
    segmentCount = Self.count(json["num_segments"]).flatMap { $0 > 0 ? $0 : nil }
    mediaCount = Self.count(json["num_media"]) ?? 0
    errorCode = Self.count(json["error_code"])
    errorMessage = json["error_message"]?.stringValue
    dateCreated = json["date_created"]?.stringValue.flatMap { Timestamp(twilioDate: $0) }
    dateUpdated = json["date_updated"]?.stringValue.flatMap { Timestamp(twilioDate: $0) }
    dateSent = json["date_sent"]?.stringValue.flatMap { Timestamp(twilioDate: $0) }
    price = json["price"]?.stringValue
    priceUnit = json["price_unit"]?.stringValue
    if let raw {
      self.raw = raw
    } else {
      var writer = JSONWriter()
      writer.value(json)
      self.raw = RawPayload(json: writer.bytes)
    }
  }

  /// Counts are texts in some places and numbers in others.
  private static func count(_ json: JSONValue?) -> Int? {
    json?.integerValue.flatMap { Int(exactly: $0) } ?? json?.stringValue.flatMap { Int($0) }
  }
}

/// A file of a message, as Twilio lists it: it knows neither size nor name.
public struct TwilioMedia: Sendable, Hashable {
  public var sid: String
  public var parentSID: String?
  public var contentType: String?

  init?(_ json: JSONValue) {
    guard let sid = json["sid"]?.stringValue else { return nil }
    self.sid = sid
    parentSID = json["parent_sid"]?.stringValue
    contentType = json["content_type"]?.stringValue
  }
}

extension Timestamp {
  /// RFC 2822 as Twilio writes it, `Wed, 30 Sep 2026 15:42:01 +0000`, or ISO 8601 as its newer products do.
  init?(twilioDate text: String) {
    if let iso = Timestamp(rfc3339: text) {
      self = iso
      return
    }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let words = text.split(separator: " ")
    guard words.count == 6, let month = months.firstIndex(of: String(words[2])), words[5].utf8.count == 5
    else { return nil }
    let day = words[1].count == 1 ? "0\(words[1])" : String(words[1])
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    self.init(rfc3339: "\(words[3])-\(number)-\(day)T\(words[4])\(words[5].prefix(3)):\(words[5].suffix(2))")
  }
}
