// What names a conversation, and a conversation that was found or made by its name.

import ChannelProtocol

/// What names a conversation: the contact's address and the line of ours it is held on.
struct ConversationKey: Hashable {
  var address: Address
  var line: String

  /// By byte, as the database compares: to Swift, texts in two normal forms are one.
  static func == (left: Self, right: Self) -> Bool {
    left.address.type == right.address.type && left.address.value.utf8.elementsEqual(right.address.value.utf8)
      && left.line.utf8.elementsEqual(right.line.utf8)
  }

  /// The type hardly tells keys apart, and every message's is hashed several times.
  func hash(into hasher: inout Hasher) {
    hasher.combine(address.value)
    hasher.combine(line)
  }

  /// What names the contact.
  var contact: ConversationKey { ConversationKey(address: address, line: "") }
}

/// A conversation as it stood when the unit began, or as it was just made.
struct ResolvedConversation {
  var key: ConversationKey
  var id: Identifier
  var contact: Contact
  var channel: String?
  var isNew = false
  var isContactNew = false
  /// The contact was known under another address, and writes from this one for the first time.
  var isAddressNew = false
  /// Whoever follows contacts is told.
  var isContactChanged: Bool { isContactNew || isAddressNew }
  /// Nobody has looked: the write has to check that it still stands.
  var isRemembered = false
}
