// Twilio's Content resource with its approval, typed.

public import ChannelProtocol

/// A template as `ContentAndApprovals` shows it (twilio.com/docs/content/content-api-resources).
public struct ContentTemplate: Sendable, Hashable {
  public var sid: String
  public var friendlyName: String
  public var language: String
  /// Samples, by the name of the variable.
  public var variables: [String: String]
  /// An object: contents by `twilio/text`, `whatsapp/card`, …
  public var types: JSONValue
  /// `unsubmitted`, `received`, `pending`, `approved`, `rejected`, `paused`, `disabled`; nil where Twilio says nothing.
  public var approvalStatus: String?
  public var approvalCategory: String?
  public var rejectionReason: String?
  public var dateCreated: Timestamp?

  /// Nil where it has no id.
  init?(_ json: JSONValue) {
    guard let sid = json["sid"]?.stringValue, !sid.isEmpty else { return nil }
    self.sid = sid
    friendlyName = json["friendly_name"]?.stringValue ?? ""
    language = json["language"]?.stringValue ?? ""
    variables = (json["variables"]?.objectValue ?? [:]).compactMapValues { $0.stringValue }
    types = .object(json["types"]?.objectValue ?? [:])
    // Twilio's empty text is its way to say nothing.
    func word(_ name: String) -> String? {
      json["approval_requests"]?[name]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
    }
    approvalStatus = word("status")
    approvalCategory = word("category")
    rejectionReason = word("rejection_reason")
    dateCreated = json["date_created"]?.stringValue.flatMap { Timestamp(twilioDate: $0) }
  }
}
