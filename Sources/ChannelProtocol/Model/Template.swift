// A provider's templates: texts with gaps, written and approved there, sent by their id.

/// A template as the provider has it.
public struct TemplateRecord: Sendable, Hashable {
  /// The provider's id (`HX…`).
  public var sid: String
  public var name: String
  /// As the provider writes it (`en`, `pt_BR`).
  public var language: String
  /// Contents by the provider's names for their kinds (`twilio/text`); the richest that a channel knows is sent.
  public var types: [String: JSONValue]
  /// A sample for each variable, by its name.
  public var variables: [String: String]
  public var approval: Approval
  /// At the provider, where it says so.
  public var createdAt: Timestamp?

  /// What WhatsApp says of it; all nil where the provider says nothing.
  public struct Approval: Sendable, Hashable {
    /// The provider's word: `approved`, `pending`, `rejected`, `unsubmitted`, …
    public var status: String?
    /// `UTILITY`, `MARKETING`, `AUTHENTICATION`
    public var category: String?
    public var rejectionReason: String?

    public init(status: String? = nil, category: String? = nil, rejectionReason: String? = nil) {
      self.status = status
      self.category = category
      self.rejectionReason = rejectionReason
    }
  }

  public init(
    sid: String, name: String, language: String, types: [String: JSONValue], variables: [String: String] = [:],
    approval: Approval = Approval(), createdAt: Timestamp? = nil
  ) {
    self.sid = sid
    self.name = name
    self.language = language
    self.types = types
    self.variables = variables
    self.approval = approval
    self.createdAt = createdAt
  }
}

/// A template as we keep it.
public struct Template: Sendable, Hashable {
  /// Ours, for the order of lists: the provider's newest has the greatest.
  public var id: Identifier
  public var accountSID: String
  public var record: TemplateRecord
  /// When the provider last showed it.
  public var syncedAt: Timestamp

  public init(id: Identifier, accountSID: String, record: TemplateRecord, syncedAt: Timestamp) {
    self.id = id
    self.accountSID = accountSID
    self.record = record
    self.syncedAt = syncedAt
  }

  /// Writes the Template resource of `API.md`.
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("sid", record.sid)
      writer.member("name", record.name)
      writer.member("language", record.language)
      writer.member("types", .object(record.types))
      writer.member("variables", .object(record.variables.mapValues { .string($0) }))
      writer.member("approval") { writer in
        writer.object { writer in
          writer.member("status", record.approval.status)
          writer.member("category", record.approval.category)
          writer.member("rejectionReason", record.approval.rejectionReason)
        }
      }
      writer.member("syncedAt", syncedAt)
    }
  }
}
