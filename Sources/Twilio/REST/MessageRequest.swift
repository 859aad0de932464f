// What is asked of Twilio when a message is created.

public import ChannelProtocol

/// The parameters of `POST …/Messages.json`; addresses are Twilio's, with their prefix.
public struct MessageRequest: Sendable, Hashable {
  public var to: String
  /// Nil: the service picks the sender.
  public var from: String?
  public var messagingServiceSID: String?
  public var body: String?
  public var mediaURLs: [String] = []
  public var contentSID: String?
  /// Sent whenever there is a `contentSID`: left out, Twilio would fill in the template's sample values.
  public var contentVariables: [String: String] = [:]
  /// `geo:37.78,-122.41|label`, …
  public var persistentActions: [String] = []
  public var statusCallback: String?
  /// Seconds, 1–36000.
  public var validityPeriod: Int?
  /// Twilio replaces characters that look alike in GSM-7.
  public var smartEncoded = false
  /// Makes Twilio schedule it; needs a service.
  public var sendAt: Timestamp?

  public init(to: String) { self.to = to }

  /// The form's fields in the order of Twilio's documentation.
  public var fields: [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = [("To", to)]
    if let from { fields.append(("From", from)) }
    if let messagingServiceSID { fields.append(("MessagingServiceSid", messagingServiceSID)) }
    if let body { fields.append(("Body", body)) }
    fields += mediaURLs.map { ("MediaUrl", $0) }
    if let contentSID {
      var writer = JSONWriter(capacity: 128)
      writer.value(.object(contentVariables.mapValues { .string($0) }))
      fields.append(("ContentSid", contentSID))
      fields.append(("ContentVariables", writer.string))
    }
    fields += persistentActions.map { ("PersistentAction", $0) }
    if let statusCallback { fields.append(("StatusCallback", statusCallback)) }
    if let validityPeriod { fields.append(("ValidityPeriod", String(validityPeriod))) }
    if smartEncoded { fields.append(("SmartEncoded", "true")) }
    if let sendAt {
      fields.append(("ScheduleType", "fixed"))
      fields.append(("SendAt", sendAt.description))
    }
    return fields
  }
}

/// Which messages `GET …/Messages.json` lists; all conditions hold together.
public struct MessageFilter: Sendable, Hashable {
  public var to: String?
  public var from: String?
  /// Sent on this day (UTC) or later; a message not yet sent has no day.
  public var sentSince: Timestamp?
  /// Up to 1000.
  public var pageSize: Int

  public init(to: String? = nil, from: String? = nil, sentSince: Timestamp? = nil, pageSize: Int = 50) {
    self.to = to
    self.from = from
    self.sentSince = sentSince
    self.pageSize = pageSize
  }

  /// The comparison sign belongs to the parameter's name.
  var fields: [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    if let to { fields.append(("To", to)) }
    if let from { fields.append(("From", from)) }
    if let sentSince { fields.append(("DateSent>", String(sentSince.description.prefix(10)))) }
    fields.append(("PageSize", String(pageSize)))
    return fields
  }
}
