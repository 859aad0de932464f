// People, the addresses they are reached at, and the conversations with them.

/// A person, with one address or several.
public struct Contact: Sendable, Hashable {
  public var id: Identifier
  public var name: String?
  public var attributes: [String: JSONValue]
  public var labels: [String]
  public var channels: [ContactChannel]
  public var createdAt: Timestamp
  public var updatedAt: Timestamp

  public init(
    id: Identifier, name: String?, attributes: [String: JSONValue] = [:], labels: [String] = [],
    channels: [ContactChannel] = [], createdAt: Timestamp, updatedAt: Timestamp
  ) {
    self.id = id
    self.name = name
    self.attributes = attributes
    self.labels = labels
    self.channels = channels
    self.createdAt = createdAt
    self.updatedAt = updatedAt
  }
}

/// One address of a contact.
public struct ContactChannel: Sendable, Hashable {
  public var id: Identifier
  public var type: ChannelType
  public var address: String
  public var optedOut: Bool
  public var lastInboundAt: Timestamp?

  public init(id: Identifier, type: ChannelType, address: String, optedOut: Bool, lastInboundAt: Timestamp?) {
    self.id = id
    self.type = type
    self.address = address
    self.optedOut = optedOut
    self.lastInboundAt = lastInboundAt
  }
}

/// All messages between one address of a contact and one line of ours.
public struct Conversation: Sendable, Hashable {
  public enum Status: String, Sendable, Hashable, CaseIterable { case open, archived }

  public var id: Identifier
  public var contact: Contact
  public var channel: String?
  public var channelType: ChannelType
  public var status: Status
  public var unreadCount: Int
  public var lastMessage: Message?
  /// Whether the channel knows a window for free-form messages at all.
  public var hasWindow: Bool
  /// When the window closes, or closed; nil before the first inbound message.
  public var windowExpiresAt: Timestamp?
  public var createdAt: Timestamp
  public var updatedAt: Timestamp

  public init(
    id: Identifier, contact: Contact, channel: String?, channelType: ChannelType, status: Status, unreadCount: Int,
    lastMessage: Message?, hasWindow: Bool, windowExpiresAt: Timestamp?, createdAt: Timestamp, updatedAt: Timestamp
  ) {
    self.id = id
    self.contact = contact
    self.channel = channel
    self.channelType = channelType
    self.status = status
    self.unreadCount = unreadCount
    self.lastMessage = lastMessage
    self.hasWindow = hasWindow
    self.windowExpiresAt = windowExpiresAt
    self.createdAt = createdAt
    self.updatedAt = updatedAt
  }
}
