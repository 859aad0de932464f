// What a batch of new messages is told as: the events, and what is remembered of the conversations.

import ChannelProtocol

struct BatchAnnouncement {
  let context: WriteContext
  let messages: [NewMessage]
  let groups: ConversationGroups
  let touched: [TouchedConversation]
  /// A message's JSON is in two events: it is written once. In the order of `messages`; empty where it is not written yet.
  var json: [[UInt8]]

  init(
    context: WriteContext, messages: [NewMessage], groups: ConversationGroups, touched: [TouchedConversation],
    json: [[UInt8]]? = nil
  ) {
    self.context = context
    self.messages = messages
    self.groups = groups
    self.touched = touched
    self.json = json ?? [[UInt8]](repeating: [], count: messages.count)
  }

  static func json(_ message: Message) -> [UInt8] {
    var writer = JSONWriter(capacity: 800)
    message.write(to: &writer)
    return writer.bytes
  }

  /// Appends each new message as `type`, then each new contact and each conversation once, as they stand after the
  /// batch.
  /// - Returns: the conversations as they are then.
  mutating func append(
    as type: EventType, to events: inout EventBatch
  ) -> [(key: ConversationKey, entry: ConversationCache.Entry)] {
    let now = context.clock.now()
    var touchedBy: [Identifier: Int] = Dictionary(minimumCapacity: touched.count)
    for index in touched.indices { touchedBy[touched[index].id] = index }
    var announced: Set<Identifier> = []
    for index in messages.indices {
      // Read in place: a copy of a message costs as many retains as it has fields.
      let id = messages[index].message.conversationID
      let channel = messages[index].message.channel
      guard let slot = touchedBy[id], touched[slot].inserted.contains(messages[index].message.id) else { continue }
      if messages[index].conversation.isContactChanged,
        announced.insert(messages[index].conversation.contact.id).inserted
      {
        let contact = contact(
          messages[index].conversation.contact, with: messages[index].message, in: touched[slot])
        events.append(.contactUpdated, at: now, conversation: nil, channel: channel) { contact.write(to: &$0) }
      }
      if json[index].isEmpty { json[index] = Self.json(messages[index].message) }
      events.append(type, at: now, conversation: id, channel: channel, data: json[index])
    }
    return touched.compactMap { touched in
      guard let group = groups[touched.id], let newest = touched.inserted.first,
        let last = group.members.first(where: { messages[$0].message.id == newest })
      else { return nil }
      let conversation = conversation(touched, group.conversation, last: messages[last].message)
      events.append(.conversationUpdated, at: now, conversation: touched.id, channel: touched.channel) {
        conversation.write(to: &$0, now: now, lastMessageJSON: json[last])
      }
      return (
        group.conversation.key,
        ConversationCache.Entry(conversationID: touched.id, contact: conversation.contact, channel: touched.channel)
      )
    }
  }

  /// The contact as it is after the batch.
  private func contact(_ contact: Contact, with message: Message, in touched: TouchedConversation) -> Contact {
    var contact = contact
    let type = message.channelType.contactType
    let address = message.direction == .inbound ? message.from : message.to
    for index in contact.channels.indices
    where contact.channels[index].type == type && contact.channels[index].address == address {
      // The address may be in conversations on other lines of ours too.
      contact.channels[index].lastInboundAt = [contact.channels[index].lastInboundAt, touched.lastInboundAt]
        .compactMap(\.self).max()
    }
    return contact
  }

  /// The conversation as it is after the batch.
  private func conversation(
    _ touched: TouchedConversation, _ resolved: ResolvedConversation, last: Message
  ) -> Conversation {
    let type = last.channelType.contactType
    let window = context.resources.windows[type]
    return Conversation(
      id: touched.id, contact: contact(resolved.contact, with: last, in: touched), channel: touched.channel,
      channelType: type, status: touched.isArchived ? .archived : .open, unreadCount: touched.unreadCount,
      lastMessage: last, hasWindow: window != nil,
      windowExpiresAt: window.flatMap { window in touched.lastInboundAt.map { $0 + window } },
      createdAt: touched.createdAt, updatedAt: touched.updatedAt)
  }
}
