// The messages of a batch by conversation.

import ChannelProtocol

/// One conversation and those of a batch's messages that are in it.
struct ConversationGroup {
  var conversation: ResolvedConversation
  /// Indices into the batch, in its order.
  var members: [Int]
  /// The member with the newest id.
  var newest: Int
  var unread: Int32
  var lastAt: Timestamp
  var lastInboundAt: Timestamp?
}

/// The groups of a batch, in the order of their first messages.
struct ConversationGroups {
  private(set) var groups: [ConversationGroup] = []
  private var slots: [Identifier: Int]

  init(_ messages: [NewMessage]) {
    slots = Dictionary(minimumCapacity: messages.count)
    groups.reserveCapacity(messages.count)
    for index in messages.indices {
      // Read in place: a copy of a message costs as many retains as it has fields.
      let id = messages[index].message.conversationID
      let createdAt = messages[index].message.createdAt
      let inboundAt = messages[index].message.direction == .inbound ? createdAt : nil
      guard let slot = slots[id] else {
        slots[id] = groups.count
        groups.append(
          ConversationGroup(
            conversation: messages[index].conversation, members: [index], newest: index,
            unread: inboundAt == nil ? 0 : 1, lastAt: createdAt, lastInboundAt: inboundAt))
        continue
      }
      groups[slot].members.append(index)
      if messages[groups[slot].newest].message.id < messages[index].message.id { groups[slot].newest = index }
      groups[slot].lastAt = max(groups[slot].lastAt, createdAt)
      guard let inboundAt else { continue }
      groups[slot].unread += 1
      groups[slot].lastInboundAt = max(groups[slot].lastInboundAt ?? inboundAt, inboundAt)
    }
  }

  /// In the order of the conversations' ids, so that two nodes wait for each other in one direction only.
  var byID: [Int] { groups.indices.sorted { groups[$0].conversation.id < groups[$1].conversation.id } }

  subscript(id: Identifier) -> ConversationGroup? { slots[id].map { groups[$0] } }

  /// Puts a contact that was read again in the place of what was remembered of it.
  mutating func replace(_ contact: Contact) {
    for index in groups.indices where groups[index].conversation.contact.id == contact.id {
      groups[index].conversation.contact = contact
    }
  }
}
