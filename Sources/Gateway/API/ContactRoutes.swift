// /api/contacts

import ChannelProtocol
import Hummingbird
import Storage

extension APIRouter {
  mutating func addContacts(_ services: APIServices) {
    on(.get, "/api/contacts", scope: .read) { request, _ in
      var query = QueryReader(request)
      var filter = ContactQuery()
      filter.search = query.string("search")
      filter.channel = query.string("channel")
      filter.label = query.string("label")
      let page = query.page()
      try query.finish()
      return .page(try await services.store.contacts(filter, page: page)) { $0.write(to: &$1) }
    }

    on(.get, "/api/contacts/:id", scope: .read) { request, context in
      var query = QueryReader(request)
      try query.finish()
      let id = try context.identifier("id", of: "contact")
      guard let contact = try await services.store.contact(id) else { throw Problem.notFound("contact") }
      return Response { contact.write(to: &$0) }
    }
  }
}
