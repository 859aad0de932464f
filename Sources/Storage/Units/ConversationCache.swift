// The conversations this node has written into lately, so that most messages need no look-up.

import ChannelProtocol
import DequeModule
import Synchronization

/// Remembers conversations as they stood after this node's last write into them. Whoever uses an entry checks it in the
/// statement that writes: the conversation still belongs to the contact, and `contacts.updated_at` is the one known
/// here. So every change of a contact or of its addresses must move `updated_at`.
///
/// Contacts with several addresses are left out: what another node receives on one of them would not show. For what
/// comes in only: `lastInboundAt` is then the message's own time, whatever came in on another line of ours.
final class ConversationCache: Sendable {
  struct Entry: Sendable {
    var conversationID: Identifier
    var contact: Contact
    var channel: String?
  }

  private struct State {
    var entries: [ConversationKey: Entry] = [:]
    /// In the order they came in; the oldest leaves when there are too many.
    var order: Deque<ConversationKey> = []
  }

  private let state = Mutex(State())
  private let limit: Int

  /// - Parameter limit: entries, of about a kilobyte each.
  init(limit: Int = 8_192) { self.limit = limit }

  func entries(for keys: [ConversationKey]) -> [Entry?] {
    state.withLock { state in keys.map { state.entries[$0] } }
  }

  func remember(_ entries: [(key: ConversationKey, entry: Entry)]) {
    state.withLock { state in
      for (key, entry) in entries {
        guard entry.contact.channels.count == 1 else { continue }
        if state.entries.updateValue(entry, forKey: key) == nil { state.order.append(key) }
      }
      while state.entries.count > limit, let oldest = state.order.popFirst() { state.entries[oldest] = nil }
    }
  }

  func forget(_ keys: [ConversationKey]) {
    state.withLock { state in
      var isAnyGone = false
      for key in keys where state.entries.removeValue(forKey: key) != nil { isAnyGone = true }
      // Rare: a contact was changed or deleted, or a write failed.
      if isAnyGone { state.order.removeAll { state.entries[$0] == nil } }
    }
  }
}
