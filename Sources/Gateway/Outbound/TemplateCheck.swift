// Checks a template's message against what is known of the template, before anything is queued.

import ChannelProtocol
import HTTPTypes
import Storage

/// A template that the catalog does not know goes out as it is: the provider decides.
struct TemplateCheck: Sendable {
  let store: any MessageStore

  func check(
    _ request: SendRequest, channel: ConfiguredChannel, lastInboundAt: Timestamp?, leavesAt: Timestamp
  ) async throws {
    guard let (reference, field) = request.templateField else { return }
    // What is scheduled is judged by the time it leaves at.
    let isOpen = channel.capabilities.window.map { window in
      lastInboundAt.map { $0 + window > leavesAt } ?? false
    }
    try await check(
      reference, on: channel, isOpen: isOpen ?? true, variables: field,
      sid: request.template == nil ? "content.sid" : "contentSid")
  }

  /// - Parameters:
  ///   - isOpen: the contact's window, when the message leaves.
  ///   - variables: the fields that a problem is told of.
  func check(
    _ reference: TemplateReference, on channel: ConfiguredChannel, isOpen: Bool, variables field: String = "variables",
    sid: String = "contentSid"
  ) async throws {
    guard let template = try await store.template(sid: reference.sid, account: channel.account.accountSID)
    else { return }
    let isWhatsApp = channel.type == .whatsapp
    let problems = TemplateVariables(of: template.record).problems(reference.variables, isWhatsApp: isWhatsApp)
    guard problems.isEmpty else {
      throw Problem.invalid(problems.map { .init(field: "\(field).\($0.variable)", message: $0.message) })
    }
    if isWhatsApp, !isOpen { try requireApproval(of: template.record, field: sid) }
  }

  /// Within the window any template may be sent; outside of it WhatsApp takes approved ones only.
  private func requireApproval(of template: TemplateRecord, field: String) throws(Problem) {
    guard let status = template.approval.status, status != "approved" else { return }
    let reason = template.approval.rejectionReason.map { ": \($0)" } ?? ""
    throw Problem(
      .unprocessableContent, "template_not_approved",
      "The template is \(status) at WhatsApp\(reason). Outside the window only an approved one can be sent.",
      errors: [.init(field: field, message: "is \(status)")])
  }
}

extension SendRequest {
  /// The template, by either way of naming one, and the field its variables stand in.
  fileprivate var templateField: (TemplateReference, String)? {
    if let template { return (template, "variables") }
    guard case .template(let sid, let variables) = content?.kind else { return nil }
    return (TemplateReference(sid: sid, variables: variables), "content.variables")
  }
}
