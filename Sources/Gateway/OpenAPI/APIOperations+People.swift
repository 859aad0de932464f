// The operations on contacts, their conversations and their opt-outs.

import ChannelProtocol
import HTTPTypes
import Storage

extension APIOperations {
  static let contacts: [APIOperation] = [
    APIOperation(
      method: .get, path: "/api/contacts", name: "listContacts", summary: "List contacts", tag: .contacts, scope: .read,
      parameters: [
        .query(
          "search", "A part of the name, an address or an attribute. \(APIOperation.Parameter.typedPlus)",
          .text("ada", length: 1...200)),
        .query("channel", "A type of address that they have.", .text("sms", length: 1...200)),
        .query("label", "A label that they have.", .text("customer", length: 1...200)),
      ] + APIOperation.Parameter.page,
      answers: [.page("Newest first.", of: APISchemas.contact.reference)]),
    APIOperation(
      method: .get, path: "/api/contacts/:id", name: "getContact", summary: "Get a contact", tag: .contacts,
      scope: .read, parameters: [.path("id", "The contact's id.")],
      answers: [.ok("The contact.", APISchemas.contact.reference)], problems: [404]),
    APIOperation(
      method: .post, path: "/api/contacts", name: "createContact", summary: "Make a contact", tag: .contacts,
      scope: .manage, body: .init(schema: APISchemas.newContact),
      answers: [.created("The contact.", APISchemas.contact.reference)]),
    APIOperation(
      method: .put, path: "/api/contacts/:id", name: "replaceContact", summary: "Replace a contact's profile",
      detail: "What is left out is emptied; addresses stay.", tag: .contacts, scope: .manage,
      parameters: [.path("id", "The contact's id.")], body: .init(schema: APISchemas.contactRequest.reference),
      answers: [.ok("The contact.", APISchemas.contact.reference)], problems: [404, 412]),
    APIOperation(
      method: .delete, path: "/api/contacts/:id", name: "deleteContact", summary: "Delete a contact",
      detail: """
        Its conversations, messages and media go with it; an opt-out stays. What a provider keeps for it until its time is \
        taken back first: 503 where the provider does not say, and nothing is deleted then (some may be canceled).
        """, tag: .contacts, scope: .manage,
      parameters: [.path("id", "The contact's id.")], answers: [.noContent], problems: [404, 412]),
    APIOperation(
      method: .post, path: "/api/contacts/:id/channels", name: "addContactChannel", summary: "Add an address",
      tag: .contacts, scope: .manage, parameters: [.path("id", "The contact's id.")],
      body: .init(schema: APISchemas.addressRequest),
      answers: [.created("The address.", APISchemas.contactChannel.reference)], problems: [404]),
    APIOperation(
      method: .delete, path: "/api/contacts/:id/channels/:channelId", name: "removeContactChannel",
      summary: "Remove an address", tag: .contacts, scope: .manage,
      parameters: [.path("id", "The contact's id."), .path("channelId", "The address's id.")], answers: [.noContent],
      problems: [404, 412]),
    APIOperation(
      method: .post, path: "/api/contacts/:id/merge", name: "mergeContacts", summary: "Merge another contact into one",
      tag: .contacts, scope: .manage, parameters: [.path("id", "The contact that stays.")],
      body: .init(schema: .object([("from", .id)], isClosed: true)),
      answers: [.ok("The contact that stays.", APISchemas.contact.reference)], problems: [404]),
  ]

  static let conversations: [APIOperation] = [
    APIOperation(
      method: .get, path: "/api/conversations", name: "listConversations", summary: "List conversations",
      tag: .conversations, scope: .read,
      parameters: [
        .query("status", "Open or archived.", .word(["open", "archived"])),
        .query("channel", "A channel's id, or a type.", .text("sms", length: 1...200)),
        .query("unread", "Only those with unread messages, or only those without.", .flag(true)),
        .query(
          "search", "A part of the contact's name or address. \(APIOperation.Parameter.typedPlus)",
          .text("ada", length: 1...200)),
      ] + APIOperation.Parameter.page,
      answers: [.page("The last active first.", of: APISchemas.conversation.reference)]),
    APIOperation(
      method: .get, path: "/api/conversations/:id", name: "getConversation",
      summary: "Get a conversation and its last messages", tag: .conversations, scope: .read,
      parameters: [.path("id", "The conversation's id.")],
      answers: [.ok("The conversation.", APISchemas.conversationDetail.reference)], problems: [404]),
    APIOperation(
      method: .post, path: "/api/conversations", name: "openConversation", summary: "Open a conversation",
      tag: .conversations, scope: .send,
      body: .init(
        schema: .object(
          [
            ("contactId", Schema.id.optional.like(.null)),
            ("to", Schema.text("+14155550123", length: 0...200).optional), ("channel", .text("sms", length: 1...200)),
          ], "`contactId` or `to`.", isClosed: true)),
      answers: [
        .created("The conversation is new.", APISchemas.conversation.reference),
        .ok("It was there.", APISchemas.conversation.reference),
      ]),
    APIOperation(
      method: .patch, path: "/api/conversations/:id/archive", name: "archiveConversation",
      summary: "Archive a conversation, or take it back", tag: .conversations, scope: .send,
      parameters: [.path("id", "The conversation's id.")],
      body: .init(
        schema: .object([("archived", Schema.flag(true, "Left out: true.").optional)], isClosed: true),
        isRequired: false),
      answers: [.ok("The conversation.", APISchemas.conversation.reference)], problems: [404, 412]),
    APIOperation(
      method: .patch, path: "/api/conversations/:id/read", name: "readConversation",
      summary: "Mark a conversation as read", tag: .conversations, scope: .send,
      parameters: [.path("id", "The conversation's id.")],
      answers: [.ok("The conversation.", APISchemas.conversation.reference)], problems: [404, 412]),
  ]

  static let optOuts: [APIOperation] = [
    APIOperation(
      method: .get, path: "/api/opt-outs", name: "listOptOuts", summary: "Read the ledger of opt-outs", tag: .optOuts,
      scope: .read,
      parameters: [
        .query("contact", "A contact's id.", .id),
        .query(
          "address", "An address. \(APIOperation.Parameter.typedPlus)", .text("+14155550123", length: 1...200)),
      ] + APIOperation.Parameter.page,
      answers: [.page("Newest first.", of: APISchemas.optOut.reference)]),
    APIOperation(
      method: .post, path: "/api/opt-outs", name: "setOptOut", summary: "Opt an address out, or in again",
      tag: .optOuts, scope: .manage,
      body: .init(
        schema: .object(
          [
            ("channelType", .text("sms", length: 1...64)), ("address", .text("+14155550123", length: 1...200)),
            ("optedOut", .flag(true)),
          ], isClosed: true)),
      answers: [.ok("What stands for the address now.", APISchemas.optOutStanding)]),
  ]
}
