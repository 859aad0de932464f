// What the engine asks of its database about conversations.

public import ChannelProtocol

public protocol ConversationStore: Sendable {
  /// Opens a conversation that has no message yet, and makes its contact where nobody has the address.
  func openConversation(_ opening: ConversationOpening) async throws -> OpenedConversation
  /// Files a conversation away, or takes it out again; nil: there is none.
  /// - Parameter expected: compared under the conversation's lock; nil: whatever it is.
  /// - Throws: ``ResourceChanged`` where the conversation is another by now.
  func setArchived(
    _ archived: Bool, conversation id: Identifier, ifStill expected: Conversation?
  ) async throws -> Conversation?
  /// Sets a conversation's unread count to zero where it is still `expected`; nil: there is none.
  /// - Throws: ``ResourceChanged``.
  func markRead(conversation id: Identifier, ifStill expected: Conversation) async throws -> Conversation?
}

extension ConversationStore {
  public func setArchived(_ archived: Bool, conversation id: Identifier) async throws -> Conversation? {
    try await setArchived(archived, conversation: id, ifStill: nil)
  }
}

/// A conversation to be opened.
public struct ConversationOpening: Sendable, Hashable {
  public var address: Address
  /// The line of ours it is held on, and the configured channel.
  public var line: String
  public var channel: String

  public init(address: Address, line: String, channel: String) {
    self.address = address
    self.line = line
    self.channel = channel
  }
}

public struct OpenedConversation: Sendable {
  public var conversation: Conversation
  /// False: it was there already.
  public var isNew: Bool
}
