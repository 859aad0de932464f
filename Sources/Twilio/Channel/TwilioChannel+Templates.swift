// The templates of a channel's account.

public import ChannelProtocol

extension TwilioChannel {
  public func templates() async throws(SendFailure) -> [TemplateRecord] {
    do {
      return try await line.client.contentTemplates().map { TemplateRecord($0) }
    } catch {
      throw SendFailure(repeatable: error)
    }
  }
}

extension TemplateRecord {
  init(_ template: ContentTemplate) {
    self.init(
      sid: template.sid, name: template.friendlyName, language: template.language,
      types: template.types.objectValue ?? [:], variables: template.variables,
      approval: Approval(
        status: template.approvalStatus, category: template.approvalCategory,
        rejectionReason: template.rejectionReason),
      createdAt: template.dateCreated)
  }
}

extension SendFailure {
  /// A call that sends nothing, such as a list's: it may be made again, whatever became of it.
  init(repeatable failure: TwilioFailure) {
    switch failure {
    case .transport(let failure):
      self.init(.transient, code: "connection_failed", message: failure.message)
    case .unreadable(let status, let message):
      self.init(.transient, code: "unreadable", message: "Twilio answered \(status): \(message)")
    case .api(let error):
      self.init(error)
      if kind == .unknownOutcome { kind = .transient }
    }
  }
}
