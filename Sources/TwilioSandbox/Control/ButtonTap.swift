// A person touches a button of a message we sent, or picks a row of its list.

/// Which message, and what of it.
public struct ButtonTap: Sendable, Equatable {
  /// `MM…`
  public var message: String
  /// The id of a button or a row, or what stands on it.
  public var choice: String

  public init(message: String, choice: String) {
    self.message = message
    self.choice = choice
  }

  /// `{"message","choice"}`
  init(json: JSONValue) throws(ControlError) {
    guard let members = json.members else { throw ControlError("an object is expected") }
    self.init(message: "", choice: "")
    for member in members {
      guard let text = member.value.string ?? member.value.integer.map({ String($0) })
      else { throw ControlError("\(member.name) is a string") }
      switch member.name {
      case "message": message = text
      case "choice": choice = text
      default: throw ControlError("unknown field \(member.name); there are message, choice")
      }
    }
    if message.isEmpty || choice.isEmpty { throw ControlError("message and choice are needed") }
  }
}

extension SandboxState {
  /// What the phone sends then.
  /// - Throws: ``ControlError`` where there is no such message, or nothing of that name on it.
  func answer(to tap: ButtonTap) throws(ControlError) -> InboundText {
    guard let message = log[tap.message], message.direction == .outboundAPI, let from = message.from
    else { throw ControlError("\(tap.message) is no message that was sent", status: 404) }
    guard let sid = message.contentSID, let template = templates[sid, message.accountSID]
    else { throw ControlError("\(tap.message) has nothing to touch", status: 404) }
    let choices = template.choices
    guard let choice = choices.first(where: { $0.id == tap.choice || $0.title == tap.choice }) else {
      throw ControlError("there are \(choices.map(\.title).joined(separator: ", "))", status: 404)
    }
    var fields = choice.fields
    switch Address(message.to).channel {
    case .whatsapp:
      fields.append("MessageType", template.approval.status == .approved ? "button" : "interactive")
      fields.append("OriginalRepliedMessageSender", from)
      fields.append("OriginalRepliedMessageSid", message.sid)
    case .rcs: fields.append("ButtonType", "REPLY")
    default: fields.append("MessageType", "interactive")
    }
    return InboundText(from: message.to, to: from, body: choice.title, extra: fields)
  }
}

extension SandboxTemplate {
  /// Something that a person may touch, and that answers.
  struct Choice: Sendable, Equatable {
    var id: String
    var title: String
    var description: String?
    var isRow: Bool

    var fields: FormFields {
      var fields = FormFields()
      fields.append(isRow ? "ListId" : "ButtonPayload", id)
      fields.append(isRow ? "ListTitle" : "ButtonText", title)
      fields.append("ListDescription", ifPresent: description)
      return fields
    }
  }

  /// Links and calls stay on the phone: nothing comes back of them.
  var choices: [Choice] {
    types.flatMap { type -> [Choice] in
      let cards = type.value["cards"]?.array ?? []
      let buttons = ([type.value] + cards).flatMap { $0["actions"]?.array ?? [] }.compactMap { action -> Choice? in
        guard let title = action["title"]?.string, (action["type"]?.string ?? "QUICK_REPLY") == "QUICK_REPLY"
        else { return nil }
        return Choice(id: action["id"]?.string ?? title, title: title, isRow: false)
      }
      let rows = (type.value["items"]?.array ?? []).compactMap { item -> Choice? in
        guard let title = item["item"]?.string, let id = item["id"]?.string else { return nil }
        return Choice(id: id, title: title, description: item["description"]?.string, isRow: true)
      }
      return buttons + rows
    }
  }
}
