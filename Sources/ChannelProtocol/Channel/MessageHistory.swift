// The optional power of an adapter to say what there was while nobody listened.

/// An adapter whose provider lists an account's messages. They are an account's: channels of one account give the same.
public protocol MessageHistory: ChannelAdapter {
  /// One page of the messages since `start`, the newest first. Makes one call.
  /// - Parameter page: What ``HistoryPage/next`` said; nil: the first page.
  func history(since start: Timestamp, page: String?) async throws(SendFailure) -> HistoryPage

  /// A listed message with its files, which the list does not name.
  func addingFiles(to message: InboundMessage) async throws(SendFailure) -> InboundMessage
}

/// A part of a provider's list.
public struct HistoryPage: Sendable, Hashable {
  public var messages: [HistoricMessage]
  /// How to ask for the next one; nil: this is the last.
  public var next: String?

  public init(messages: [HistoricMessage], next: String?) {
    self.messages = messages
    self.next = next
  }
}

/// A message that a provider lists.
public enum HistoricMessage: Sendable, Hashable {
  /// From a contact, without its files. Less is known of it than a webhook would have told.
  case inbound(InboundMessage, hasFiles: Bool)
  /// One that left from the account, ours or another program's.
  case outbound(StatusUpdate)
}
