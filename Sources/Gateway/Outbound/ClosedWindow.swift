// What becomes of a message whose contact's window closed while it waited: for its turn, its time, the morning.

import ChannelProtocol
import Storage

struct ClosedWindow: Sendable {
  let store: any MessageStore
  let now: Timestamp

  /// nil: the window is open, or there is none, or nobody knows: then the provider refuses by itself.
  func result(
    for entry: ClaimedSend, _ message: OutboundMessage, on channel: ConfiguredChannel
  ) async -> SendRecord.Result? {
    guard let window = channel.capabilities.window, message.templateReference == nil,
      let standing = try? await store.standing(
        of: Address(type: channel.type, value: message.to), on: channel.line)
    else { return nil }
    let leavesAt = message.sendAt ?? now
    if let last = standing.lastInboundAt, last + window > leavesAt { return nil }
    switch channel.policies.outsideWindow {
    case .reject: return Self.refusal("only a template can be sent.")
    case .hold:
      return .held(
        .init(
          conversationID: entry.message.conversationID, window: window, leavesAt: leavesAt,
          until: now + channel.policies.holdFor))
    case .template(let sid): return await replaced(entry, by: sid, on: channel)
    }
  }

  /// The template takes the text's place in the message first, and goes in the next turn: what is looked up after a call
  /// without an answer is then what was called for.
  private func replaced(
    _ entry: ClaimedSend, by sid: String, on channel: ConfiguredChannel
  ) async -> SendRecord.Result {
    guard case .text(let text) = entry.message.content.kind, !text.isEmpty, entry.mediaURLs.isEmpty else {
      return Self.refusal("only text can go out then, in a template.")
    }
    let template = TemplateReference(sid: sid, variables: ["1": text])
    do {
      try await TemplateCheck(store: store).check(template, on: channel, isOpen: false)
    } catch let problem as Problem {
      return Self.refusal("its template cannot be sent: \(problem.errors.first?.message ?? problem.detail)")
    } catch {
      // The database is away: the message waits for it.
      return .givenBack(at: now + .seconds(1))
    }
    return .replaced(by: template, at: now)
  }

  private static func refusal(_ words: String) -> SendRecord.Result {
    .failed(
      code: "outside_window",
      message: "The contact's last message was too long ago when the message's turn came: \(words)")
  }
}
