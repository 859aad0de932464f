// The template that takes the place of a text outside its channel's window: whether it can.

import ChannelProtocol

/// What `window: { policy: template }` names. It is given the text as its variable 1, and nothing else.
struct FallbackTemplate: Sendable, Hashable {
  let channelID: String
  let accountSID: String
  let sid: String

  /// Why it cannot be sent, as a sentence; nil: it can.
  /// - Parameter templates: the account's.
  func problem(among templates: [TemplateRecord]) -> String? {
    guard let record = templates.first(where: { $0.sid == sid }) else {
      return "The account has no template \(sid)."
    }
    let variables = TemplateVariables(of: record)
    let further = variables.required.subtracting(["1"]).sorted()
    if !further.isEmpty {
      return
        "The template \(sid) needs further variables than 1, which is the text: \(further.joined(separator: ", "))."
    }
    guard variables.known.contains("1") else { return "The template \(sid) has no variable 1 for the text." }
    guard let status = record.approval.status, status != "approved" else { return nil }
    return "The template \(sid) is \(status) at WhatsApp: outside the window only an approved one can be sent."
  }
}

extension ChannelDirectory {
  var fallbackTemplates: [FallbackTemplate] {
    channels.compactMap { channel in
      guard case .template(let sid) = channel.policies.outsideWindow else { return nil }
      return FallbackTemplate(channelID: channel.id, accountSID: channel.account.accountSID, sid: sid)
    }
  }
}
