// /api/conversations

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Storage

extension APIRouter {
  mutating func addConversations(_ services: APIServices) {
    on(.get, "/api/conversations", scope: .read) { request, _ in
      var query = QueryReader(request)
      var filter = ConversationQuery()
      filter.status = query.choice("status", Conversation.Status.self)
      filter.channel = query.string("channel")
      filter.unread = query.boolean("unread")
      filter.search = query.address("search")
      let page = query.page(services.cursors)
      try query.finish()
      let now = services.clock.now()
      return .page(try await services.store.conversations(filter, page: page.request), of: page) {
        $0.write(to: &$1, now: now)
      }
    }

    on(.get, "/api/conversations/:id", scope: .read) { request, context in
      var query = QueryReader(request)
      try query.finish()
      let id = try context.identifier("id", of: "conversation")
      guard let conversation = try await services.store.conversation(id) else { throw Problem.notFound("conversation") }
      return try await services.representation(of: conversation)
    }

    addConversationChanges(services)
  }

  private mutating func addConversationChanges(_ services: APIServices) {
    on(.post, "/api/conversations", scope: .send) { request, _ in
      let opening = try await ConversationRequest(try await BodyReader.read(request)).opening(services)
      let opened = try await services.store.openConversation(opening)
      let now = services.clock.now()
      return Response(
        opened.isNew ? .created : .ok, headers: [.location: "/api/conversations/\(opened.conversation.id)"]
      ) { opened.conversation.write(to: &$0, now: now) }
    }

    on(.patch, "/api/conversations/:id/archive", scope: .send) { request, context in
      let id = try context.identifier("id", of: "conversation")
      var archived = true
      if var reader = try await BodyReader.readIfAny(request) {
        archived = reader.boolean("archived") ?? true
        try reader.finish()
      }
      let expected = try await services.expectedConversation(id, context)
      guard
        let conversation = try await services.store.setArchived(archived, conversation: id, ifStill: expected)
      else { throw Problem.notFound("conversation") }
      let now = services.clock.now()
      return Response { conversation.write(to: &$0, now: now) }
    }

    on(.patch, "/api/conversations/:id/read", scope: .send, readsBody: false) { _, context in
      let id = try context.identifier("id", of: "conversation")
      let conversation =
        if let expected = try await services.expectedConversation(id, context) {
          try await services.store.markRead(conversation: id, ifStill: expected)
        } else {
          try await services.store.markRead(conversation: id)
        }
      guard let conversation else { throw Problem.notFound("conversation") }
      let now = services.clock.now()
      return Response { conversation.write(to: &$0, now: now) }
    }
  }
}

extension APIServices {
  /// A conversation with its newest messages.
  fileprivate func representation(of conversation: Conversation) async throws -> Response {
    var filter = MessageQuery()
    filter.conversation = conversation.id
    let page = ListPage(
      request: PageRequest(),
      list: ListIdentity(path: "/api/messages", filters: ["conversation": conversation.id.description]), seal: cursors)
    let messages = try await store.messages(filter, page: page.request)
    let now = clock.now()
    return Response { writer in
      conversation.write(to: &writer, now: now) { writer in
        writer.member("messages") { writer in
          writer.object { writer in
            writer.member("data") { writer in
              writer.array { writer in for message in messages.items { message.write(to: &writer) } }
            }
            writer.member("nextCursor", page.text(of: messages.next))
          }
        }
      }
    }
  }

  fileprivate func expectedConversation(_ id: Identifier, _ context: APIContext) async throws -> Conversation? {
    try await context.expected({ try await store.conversation(id) }, representation(of:))
  }
}
