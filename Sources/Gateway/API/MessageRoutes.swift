// /api/messages

import ChannelProtocol
import Hummingbird
import Storage

extension APIRouter {
  mutating func addMessages(_ services: APIServices) {
    on(.post, "/api/messages", scope: .send) { request, context in
      let message = try await services.intake.accept(
        SendRequest(try await BodyReader.read(request)), as: context.held)
      return Response(.accepted, headers: [.location: "/api/messages/\(message.id)"]) { message.write(to: &$0) }
    }

    on(.get, "/api/messages", scope: .read) { request, _ in
      var query = QueryReader(request)
      var filter = MessageQuery()
      filter.conversation = query.identifier("conversation")
      filter.contact = query.identifier("contact")
      filter.channel = query.string("channel")
      filter.direction = query.choice("direction", Direction.self)
      filter.statuses = query.choices("status", DeliveryStatus.self)
      filter.providerSID = query.string("providerSid")
      filter.search = query.words("search")
      filter.since = query.timestamp("since")
      filter.until = query.timestamp("until")
      let page = query.page(services.cursors)
      try query.finish()
      return .page(try await services.store.messages(filter, page: page.request), of: page) { $0.write(to: &$1) }
    }

    on(.delete, "/api/messages/:id", scope: .send) { _, context in
      let id = try context.identifier("id", of: "message")
      let expected = try await context.expected(
        { try await services.store.message(id) }, { detail in Response { detail.write(to: &$0, includesRaw: false) } })
      let message = try await MessageCancellation(
        store: services.store, directory: services.directory, clock: services.clock
      ).cancel(id, ifStill: expected)
      return Response { message.write(to: &$0) }
    }

    on(.get, "/api/messages/:id", scope: .read) { request, context in
      var query = QueryReader(request)
      let include = query.string("include")
      try query.finish()
      guard include == nil || include == "raw" else { throw Problem.invalid("include", "can only be raw") }
      if include == "raw", !(context.principal?.scopes.contains(.manage) ?? false) {
        throw Problem(.forbidden, "missing_scope", "Raw payloads need the scope manage.")
      }
      let id = try context.identifier("id", of: "message")
      guard let detail = try await services.store.message(id) else { throw Problem.notFound("message") }
      return Response { detail.write(to: &$0, includesRaw: include == "raw") }
    }
  }
}
