// A template of the Content API: what it shows, and what a message made of it says.

/// A template in an account.
public struct SandboxTemplate: Sendable, Equatable {
  /// `HX…`
  public var sid: String
  public var accountSID: String
  public var friendlyName: String
  public var language: String
  /// Samples, by the name of the variable.
  public var variables: [JSONValue.Member]
  /// Contents, by `twilio/text` and so on.
  public var types: [JSONValue.Member]
  public var approval: Approval
  public var created: UTCTime
  public var updated: UTCTime

  /// What WhatsApp says of it.
  public struct Approval: Sendable, Equatable {
    public enum Status: String, Sendable { case unsubmitted, received, pending, approved, rejected, paused, disabled }

    public var status = Status.unsubmitted
    public var name = ""
    /// `UTILITY`, `MARKETING`, `AUTHENTICATION`; empty before it was submitted.
    public var category = ""
    public var rejectionReason = ""

    /// What WhatsApp says outside the window; nil: the template goes out.
    var refusal: Int? {
      switch status {
      case .approved: nil
      case .rejected: 63040
      case .paused: 63041
      case .disabled: 63042
      case .unsubmitted, .received, .pending: 63016
      }
    }
  }

  /// The Content resource; URLs begin with `base`.
  func json(base: String) -> JSONValue {
    let url = "\(base)/v1/Content/\(sid)"
    return .object(
      shared + [
        .init(name: "url", value: .string(url)),
        .init(
          name: "links",
          value: .object([
            "approval_create": .string(url + "/ApprovalRequests/whatsapp"),
            "approval_fetch": .string(url + "/ApprovalRequests"),
          ])),
      ])
  }

  /// The resource as `ContentAndApprovals` lists it.
  var jsonWithApproval: JSONValue {
    .object(shared + [.init(name: "approval_requests", value: .object(approvalMembers))])
  }

  /// The answer of `ApprovalRequests`.
  func approvalJSON(base: String) -> JSONValue {
    .object([
      "sid": .string(sid), "account_sid": .string(accountSID),
      "whatsapp": .object([.init(name: "type", value: .string("whatsapp"))] + approvalMembers),
      "url": .string("\(base)/v1/Content/\(sid)/ApprovalRequests"),
    ])
  }

  private var shared: [JSONValue.Member] {
    [
      .init(name: "sid", value: .string(sid)), .init(name: "account_sid", value: .string(accountSID)),
      .init(name: "friendly_name", value: .string(friendlyName)), .init(name: "language", value: .string(language)),
      .init(name: "variables", value: .object(variables)), .init(name: "types", value: .object(types)),
      .init(name: "date_created", value: .string(created.iso8601)),
      .init(name: "date_updated", value: .string(updated.iso8601)),
    ]
  }

  private var approvalMembers: [JSONValue.Member] {
    [
      .init(name: "name", value: .string(approval.name)), .init(name: "category", value: .string(approval.category)),
      .init(
        name: "content_type", value: .string(approval.status == .unsubmitted ? "" : types.first?.name ?? "")),
      .init(name: "status", value: .string(approval.status.rawValue)),
      .init(name: "rejection_reason", value: .string(approval.rejectionReason)),
      .init(name: "allow_category_change", value: .bool(true)),
    ]
  }
}

extension SandboxTemplate {
  /// What a message made of it says, and the files it carries.
  struct Rendering: Sendable, Equatable {
    var body: String
    var mediaURLs: [String]
  }

  /// Puts the values into the gaps; what is not given is filled with the sample, as Twilio does.
  func render(_ values: [String: String], isSMS: Bool = false) -> Rendering {
    let samples = variables.compactMap { sample in sample.value.string.map { (sample.name, $0) } }
    let filled = Dictionary(samples, uniquingKeysWith: { first, _ in first }).merging(values) { _, given in given }
    guard let content = content(isSMS: isSMS) else { return Rendering(body: "", mediaURLs: []) }
    let text = content.value["body"]?.string ?? content.value["title"]?.string ?? content.value["label"]?.string
    let media = (content.value["media"]?.array ?? []).compactMap(\.string)
    return Rendering(
      body: Self.fill(text ?? Self.fixedText(of: content.name), filled), mediaURLs: media.map { Self.fill($0, filled) })
  }

  /// The richest that the channel knows; `twilio/text` is for whoever can do no better.
  private func content(isSMS: Bool) -> JSONValue.Member? {
    let plain = types.first { $0.name == "twilio/text" }
    let rich = types.first { $0.name != "twilio/text" && (!isSMS || $0.name == "twilio/media") }
    return rich ?? plain ?? types.first
  }

  /// The text of authentication templates is Meta's own.
  private static func fixedText(of type: String) -> String {
    type == "whatsapp/authentication" ? "{{1}} is your verification code." : ""
  }

  private static func fill(_ text: String, _ values: [String: String]) -> String {
    var filled = ""
    var rest = text[...]
    while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
      let name = String(rest[open.upperBound..<close.lowerBound])
      filled += rest[..<open.lowerBound]
      filled += values[name] ?? "{{\(name)}}"
      rest = rest[close.upperBound...]
    }
    return filled + rest
  }
}
