// Whether content is what Twilio documents for its kind, and within the limits it names.

import ChannelProtocol

/// The checks of each kind (twilio.com/docs/content, FACTS section 15). Without I/O.
struct InteractiveCheck {
  let rules: InteractiveRules

  func faults(of type: InteractiveType, _ data: JSONValue) -> [InteractiveFaults.Fault] {
    var reader = ContentReader(data, path: "data")
    guard data.objectValue != nil else { return reader.finish() }
    switch type {
    case .quickReply: quickReply(&reader)
    case .listPicker: listPicker(&reader)
    case .callToAction: callToAction(&reader)
    case .card: card(&reader)
    case .whatsAppCard: whatsAppCard(&reader)
    case .carousel: carousel(&reader)
    case .authentication: break
    }
    return reader.finish()
  }

  private func quickReply(_ reader: inout ContentReader) {
    reader.text("body", limit: 1_024, required: true)
    buttons(&reader, 1...rules.maximumButtons, kinds: ["QUICK_REPLY"])
  }

  private func listPicker(_ reader: inout ContentReader) {
    reader.text("body", limit: 1_024, required: true)
    reader.text("button", limit: 20, required: true)
    var uniqueness = Uniqueness()
    for (index, element) in (reader.list("items", 1...10) ?? []).enumerated() {
      var item = ContentReader(element, path: "data.items[\(index)]")
      uniqueness.note("item", item.text("item", limit: 24, required: true), in: &item)
      uniqueness.note("id", item.text("id", limit: 200, required: true), in: &item)
      item.text("description", limit: 72)
      reader.take(item.finish())
    }
  }

  private func callToAction(_ reader: inout ContentReader) {
    reader.text("body", limit: 1_024, required: true)
    buttons(
      &reader, 1...rules.maximumButtons,
      kinds: ["URL", "PHONE_NUMBER", "COPY_CODE", "VOICE_CALL", "VOICE_CALL_REQUEST"])
  }

  private func card(_ reader: inout ContentReader) {
    let title = reader.text("title", limit: 1_024)
    let body = reader.text("body", limit: 1_600)
    let subtitle = reader.text("subtitle", limit: 60)
    let files = reader.media("media", limit: 1)
    let buttons = buttons(&reader, 1...rules.maximumButtons, kinds: Self.cardButtons, required: false)
    if title == nil, body == nil { reader.fault(nil, "needs a title or a body") }
    let further = [subtitle != nil, files > 0, buttons > 0, title != nil && body != nil]
    if !further.contains(true) { reader.fault(nil, "needs one more of title, body, subtitle, media and actions") }
  }

  private func whatsAppCard(_ reader: inout ContentReader) {
    reader.text("body", limit: 1_024, required: true)
    let header = reader.text("header_text", limit: 60)
    let footer = reader.text("footer", limit: 60)
    let files = reader.media("media", limit: 1)
    let buttons = buttons(&reader, 1...rules.maximumButtons, kinds: Self.cardButtons, required: false)
    if header != nil, files > 0 { reader.fault("header_text", "cannot stand beside media") }
    if header == nil, footer == nil, files == 0, buttons == 0 {
      reader.fault(nil, "needs one more of header_text, footer, media and actions")
    }
  }

  private func carousel(_ reader: inout ContentReader) {
    reader.text("body", limit: 1_024, required: true)
    for (index, element) in (reader.list("cards", 1...10) ?? []).enumerated() {
      var card = ContentReader(element, path: "data.cards[\(index)]")
      let title = card.text("title", limit: 160)
      let body = card.text("body", limit: 160, required: true)
      if let title, let body, title.unicodeScalars.count + body.unicodeScalars.count > 160 {
        card.fault("body", "may have 160 characters at most together with the title")
      }
      card.url("media", required: true)
      buttons(&card, 1...2, kinds: ["URL", "PHONE_NUMBER", "QUICK_REPLY"], path: "data.cards[\(index)]")
      reader.take(card.finish())
    }
  }

  private static let cardButtons = ["URL", "PHONE_NUMBER", "QUICK_REPLY", "COPY_CODE", "VOICE_CALL"]

  /// - Returns: how many there are.
  @discardableResult
  private func buttons(
    _ reader: inout ContentReader, _ count: ClosedRange<Int>, kinds: [String], required: Bool = true,
    path: String = "data"
  ) -> Int {
    let actions = reader.list("actions", count, required: required) ?? []
    var uniqueness = Uniqueness()
    for (index, element) in actions.enumerated() {
      var action = ContentReader(element, path: "\(path).actions[\(index)]")
      // Of one kind only there is nothing to say.
      let kind = action.word("type", of: kinds, default: kinds.count == 1 ? kinds[0] : nil)
      button(&action, kind, &uniqueness)
      reader.take(action.finish())
    }
    return actions.count
  }

  private func button(_ action: inout ContentReader, _ kind: String?, _ uniqueness: inout Uniqueness) {
    let limit = kind == "QUICK_REPLY" ? rules.maximumReplyTitle : 25
    uniqueness.note("title", action.text("title", limit: limit, required: true), in: &action)
    uniqueness.note("id", action.text("id", limit: 200), in: &action)
    switch kind {
    case "URL":
      action.url("url", required: true)
      _ = action.word("webview_size", of: ["TALL", "FULL", "HALF", "NONE"], default: "NONE")
    case "PHONE_NUMBER": action.phone("phone")
    case "COPY_CODE": action.text("code", limit: 15, required: true)
    default: break
    }
  }
}

/// What the buttons or rows of one message must not share.
private struct Uniqueness {
  private var seen: Set<String> = []

  mutating func note(_ name: String, _ text: String?, in reader: inout ContentReader) {
    guard let text, !seen.insert("\(name)/\(text)").inserted else { return }
    reader.fault(name, "is another one's too")
  }
}
