// /api/messages/bulk

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Storage

extension APIRouter {
  mutating func addBulks(_ services: APIServices) {
    let intake = BulkIntake(store: services.store, directory: services.directory, clock: services.clock)

    on(.post, "/api/messages/bulk", scope: .send, bodyLimit: BulkRequest.maximumBytes) { request, context in
      let id = context.held?.resourceID ?? services.clock.makeIdentifier()
      let headers: HTTPFields = [.location: "/api/messages/bulk/\(id)"]
      // The same request before, whose answer was lost.
      if context.held?.isRepeated ?? false, let made = try await services.store.bulk(id) {
        return Response(.accepted, headers: headers) { made.writeAcceptance(to: &$0) }
      }
      let reader = try await BodyReader.read(request, limit: BulkRequest.maximumBytes)
      let bulk = try await intake.accept(BulkRequest(reader), id: id)
      return Response(.accepted, headers: headers) { bulk.write(to: &$0) }
    }

    on(.get, "/api/messages/bulk/:id", scope: .read) { request, context in
      var query = QueryReader(request)
      try query.finish()
      return try await services.bulk(context.identifier("id", of: "bulk"))
    }

    addBulkChanges(services)
  }

  private mutating func addBulkChanges(_ services: APIServices) {
    for (word, state) in [("pause", BulkState.paused), ("resume", .running), ("cancel", .canceled)] {
      on(.post, "/api/messages/bulk/:id/\(word)", scope: .send) { request, context in
        let id = try context.identifier("id", of: "bulk")
        if var reader = try await BodyReader.readIfAny(request) { try reader.finish() }
        try await services.store.setBulkState(state, of: id).check()
        return try await services.bulk(id)
      }
    }

    on(.post, "/api/messages/bulk/:id/retry-failed", scope: .send) { request, context in
      let id = try context.identifier("id", of: "bulk")
      if var reader = try await BodyReader.readIfAny(request) { try reader.finish() }
      try await services.store.retryFailed(inBulk: id).check()
      return try await services.bulk(id)
    }
  }
}

extension APIServices {
  /// The answer that is a bulk.
  fileprivate func bulk(_ id: Identifier) async throws -> Response {
    guard let bulk = try await store.bulk(id) else { throw Problem.notFound("bulk") }
    let rate = directory[bulk.channel]?.messagesPerSecond ?? 0
    let now = clock.now()
    return Response { bulk.write(to: &$0, messagesPerSecond: rate, now: now) }
  }
}

extension BulkChange {
  fileprivate func check() throws(Problem) {
    switch self {
    case .done: return
    case .notFound: throw .notFound("bulk")
    case .refused: throw Problem(.conflict, "bulk_canceled", "The bulk is canceled: nothing more is sent of it.")
    }
  }
}
