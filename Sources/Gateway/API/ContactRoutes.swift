// /api/contacts

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Storage

extension APIRouter {
  mutating func addContacts(_ services: APIServices) {
    on(.get, "/api/contacts", scope: .read) { request, _ in
      var query = QueryReader(request)
      var filter = ContactQuery()
      filter.search = query.address("search")
      filter.channel = query.string("channel")
      filter.label = query.string("label")
      let page = query.page(services.cursors)
      try query.finish()
      return .page(try await services.store.contacts(filter, page: page.request), of: page) { $0.write(to: &$1) }
    }

    on(.get, "/api/contacts/:id", scope: .read) { request, context in
      var query = QueryReader(request)
      try query.finish()
      let id = try context.identifier("id", of: "contact")
      guard let contact = try await services.store.contact(id) else { throw Problem.notFound("contact") }
      return Response { contact.write(to: &$0) }
    }

    addContactChanges(services)
    addContactChannels(services)
  }

  private mutating func addContactChanges(_ services: APIServices) {
    let reading = ContactRequest(directory: services.directory)

    on(.post, "/api/contacts", scope: .manage) { request, context in
      var reader = try await BodyReader.read(request)
      let profile = reading.profile(&reader)
      let addresses = reading.addresses(&reader)
      try reader.finish()
      let contact = try await services.store.createContact(
        NewContact(id: context.makeIdentifier(services.clock), profile: profile, addresses: addresses)
      ).contact()
      return Response(.created, headers: [.location: "/api/contacts/\(contact.id)"]) { contact.write(to: &$0) }
    }

    on(.put, "/api/contacts/:id", scope: .manage) { request, context in
      let id = try context.identifier("id", of: "contact")
      var reader = try await BodyReader.read(request)
      let profile = reading.profile(&reader)
      try reader.finish()
      let contact = try await services.store.replaceContact(
        id, with: profile, ifStill: try await services.expectedContact(id, context)
      ).contact()
      return Response { contact.write(to: &$0) }
    }

    on(.delete, "/api/contacts/:id", scope: .manage) { _, context in
      let id = try context.identifier("id", of: "contact")
      let expected = try await services.expectedContact(id, context)
      try await services.takeBack(scheduledFor: id)
      guard try await services.store.deleteContact(id, ifStill: expected) else { throw Problem.notFound("contact") }
      return Response(status: .noContent)
    }

    on(.post, "/api/contacts/:id/merge", scope: .manage) { request, context in
      let id = try context.identifier("id", of: "contact")
      var reader = try await BodyReader.read(request)
      _ = reader.required("from", maximum: 64)
      let from = reader.identifier("from")
      if from == id { reader.errors.append(.init(field: "from", message: "is the contact itself")) }
      try reader.finish()
      guard let from else { throw Problem.invalid("from", "is required") }
      guard let survivor = try await services.store.contact(id) else { throw Problem.notFound("contact") }
      if context.isRepeated, try await services.store.contact(from) == nil {
        // The same request before, whose answer was lost, has merged them.
        return Response { survivor.write(to: &$0) }
      }
      guard try await services.store.contact(from) != nil else { throw Problem.invalid("from", "is no contact") }
      let contact = try await services.store.mergeContact(from, into: id).contact()
      return Response { contact.write(to: &$0) }
    }
  }

  private mutating func addContactChannels(_ services: APIServices) {
    let reading = ContactRequest(directory: services.directory)

    on(.post, "/api/contacts/:id/channels", scope: .manage) { request, context in
      let id = try context.identifier("id", of: "contact")
      var reader = try await BodyReader.read(request)
      let address = reading.address(&reader)
      try reader.finish()
      guard let address else { throw Problem.invalid("address", "is required") }
      var outcome = try await services.store.addContactChannel(address, to: id)
      // The same request before, whose answer was lost, has added it.
      if context.isRepeated, case .addressTaken(_, by: id) = outcome, let contact = try await services.store.contact(id)
      {
        outcome = .done(contact)
      }
      let contact = try outcome.contact()
      let channel = contact.channels.first { Address(type: $0.type, value: $0.address) == address }
      guard let channel else { throw Problem.internal }
      return Response(.created, headers: [.location: "/api/contacts/\(contact.id)"]) { channel.write(to: &$0) }
    }

    on(.delete, "/api/contacts/:id/channels/:channelId", scope: .manage) { _, context in
      let id = try context.identifier("id", of: "contact")
      let channel = try context.identifier("channelId", of: "channel of the contact")
      _ = try await services.store.removeContactChannel(
        channel, from: id, ifStill: try await services.expectedContact(id, context)
      ).contact("channel of the contact")
      return Response(status: .noContent)
    }
  }
}

extension APIServices {
  /// Takes back what is to leave for a contact later, be it still here or with a provider: that would be sent although
  /// nothing here knew of it any more.
  /// - Throws: ``Problem``: 503 where a provider may still have one.
  fileprivate func takeBack(scheduledFor contact: Identifier) async throws {
    let cancellation = MessageCancellation(store: store, directory: directory, clock: clock)
    var query = MessageQuery()
    query.contact = contact
    query.direction = .outbound
    query.statuses = [.scheduled, .queued, .sending, .accepted]
    var page = PageRequest(limit: 200)
    while true {
      let found = try await store.messages(query, page: page)
      for message in found.items {
        guard let time = message.scheduledAt, time > clock.now() else { continue }
        do {
          _ = try await cancellation.cancel(message.id)
        } catch let problem as Problem where [.conflict, .notFound].contains(problem.status) {
          guard let now = try await store.message(message.id)?.message, [.sending, .accepted].contains(now.status),
            now.channel.flatMap({ directory[$0] }) != nil
          else {
            // It has gone out, is no more, or is with a provider that nobody here can call.
            continue
          }
          throw Problem(
            .serviceUnavailable, "provider_unavailable",
            "The provider still has the message \(message.id), which is to leave later. Ask again.",
            headers: [.retryAfter: "5"])
        }
      }
      guard let next = found.next else { return }
      page.cursor = next
    }
  }

  fileprivate func expectedContact(_ id: Identifier, _ context: APIContext) async throws -> Contact? {
    try await context.expected({ try await store.contact(id) }, { contact in Response { contact.write(to: &$0) } })
  }
}

extension ContactOutcome {
  /// - Throws: ``Problem``: 404 where there is none, 409 where an address is taken.
  fileprivate func contact(_ what: String = "contact") throws(Problem) -> Contact {
    switch self {
    case .done(let contact): return contact
    case .notFound: throw .notFound(what)
    case .addressTaken(let address, let owner):
      throw Problem(
        .conflict, "address_taken",
        "The address \(address.value) is another contact's: merge them, or remove it there.",
        errors: [.init(field: "address", message: "is the contact \(owner)'s")],
        members: ["contactId": .string("\(owner)")])
    }
  }
}
