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
    guard let (reference, field) = request.templateField,
      let template = try await store.template(sid: reference.sid, account: channel.account.accountSID)
    else { return }
    let isWhatsApp = channel.type == .whatsapp
    let problems = TemplateVariables(of: template.record).problems(reference.variables, isWhatsApp: isWhatsApp)
    guard problems.isEmpty else {
      throw Problem.invalid(problems.map { .init(field: "\(field).\($0.variable)", message: $0.message) })
    }
    guard isWhatsApp, let window = channel.capabilities.window else { return }
    // What is scheduled is judged by the time it leaves at.
    let isOpen = lastInboundAt.map { $0 + window > leavesAt } ?? false
    if !isOpen { try requireApproval(of: template.record, request) }
  }

  /// Within the window any template may be sent; outside of it WhatsApp takes approved ones only.
  private func requireApproval(of template: TemplateRecord, _ request: SendRequest) throws(Problem) {
    guard let status = template.approval.status, status != "approved" else { return }
    let reason = template.approval.rejectionReason.map { ": \($0)" } ?? ""
    throw Problem(
      .unprocessableContent, "template_not_approved",
      "The template is \(status) at WhatsApp\(reason). Outside the window only an approved one can be sent.",
      errors: [.init(field: request.template == nil ? "content.sid" : "contentSid", message: "is \(status)")])
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
