// The messages, oldest first, with a bound; and the pages of Twilio's list.

import DequeModule

/// The newest messages of all accounts. Beyond its limit the oldest is forgotten.
struct MessageLog: Sendable {
  private var messages: Deque<SandboxMessage?> = []
  /// The sequence number of `messages[0]`.
  private var firstSequence = 0
  /// Also of deleted messages, as long as their place is kept: a page token may name one.
  private var sequences: [String: Int] = [:]
  private let limit: Int

  init(limit: Int) {
    self.limit = max(1, limit)
  }

  var count: Int { messages.lazy.filter { $0 != nil }.count }

  /// Newest first.
  var newestFirst: some Sequence<SandboxMessage> {
    messages.reversed().lazy.compactMap { $0 }
  }

  /// - Returns: the message that had to go, for its media.
  mutating func append(_ message: SandboxMessage) -> SandboxMessage? {
    sequences[message.sid] = firstSequence + messages.count
    messages.append(message)
    guard messages.count > limit else { return nil }
    let oldest = messages.removeFirst()
    firstSequence += 1
    if let oldest { sequences[oldest.sid] = nil }
    // A place whose message was deleted keeps no SID: sweep the table when such leftovers pile up.
    if sequences.count > limit * 2 { sequences = sequences.filter { $0.value >= firstSequence } }
    return oldest
  }

  subscript(sid: String) -> SandboxMessage? {
    index(of: sid).flatMap { messages[$0] }
  }

  /// Changes a message in place; nil when it is gone.
  mutating func update<Result>(_ sid: String, _ change: (inout SandboxMessage) -> Result) -> Result? {
    guard let index = index(of: sid), messages[index] != nil else { return nil }
    // The element is there: tested in the line above.
    return change(&messages[index]!)
  }

  @discardableResult
  mutating func remove(_ sid: String) -> SandboxMessage? {
    guard let index = index(of: sid), let message = messages[index] else { return nil }
    messages[index] = nil
    return message
  }

  private func index(of sid: String) -> Int? {
    guard let sequence = sequences[sid], sequence >= firstSequence else { return nil }
    return sequence - firstSequence
  }

  /// A page and whether there is more on either side.
  struct Page: Sendable {
    var messages: [SandboxMessage]
    var hasOlder: Bool
    var hasNewer: Bool
  }

  /// One page, newest first.
  ///
  /// A token `PA<sid>` continues behind that message, `PB<sid>` goes back before it; messages that come in between do
  /// not shift the pages. A token whose message has been forgotten stands behind everything.
  func page(where matches: (SandboxMessage) -> Bool, size: Int, token: String?) -> Page {
    let isBackward = token?.hasPrefix("PB") ?? false
    let position = token.map { index(of: String($0.dropFirst(2))) ?? -1 } ?? messages.count
    var found: [SandboxMessage] = []
    var cursor = isBackward ? position + 1 : position - 1
    while found.count <= size, messages.indices.contains(cursor) {
      if let message = messages[cursor], matches(message) { found.append(message) }
      cursor += isBackward ? 1 : -1
    }
    let hasMore = found.count > size
    if hasMore { found.removeLast() }
    return isBackward
      ? Page(messages: found.reversed(), hasOlder: true, hasNewer: hasMore)
      : Page(messages: found, hasOlder: hasMore, hasNewer: token != nil)
  }
}
