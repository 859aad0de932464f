// /api/keys

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Storage

extension APIRouter {
  mutating func addKeys(_ services: APIServices) {
    on(.get, "/api/keys", scope: .manage) { request, _ in
      var query = QueryReader(request)
      let page = query.page(services.cursors)
      try query.finish()
      return .page(try await services.store.keys(page: page.request), of: page) { $0.write(to: &$1) }
    }

    on(.get, "/api/keys/:id", scope: .manage) { request, context in
      var query = QueryReader(request)
      try query.finish()
      let id = try context.identifier("id", of: "key")
      guard let key = try await services.store.key(id) else { throw Problem.notFound("key") }
      return Response { key.write(to: &$0) }
    }

    on(.post, "/api/keys", scope: .manage) { request, context in
      let key = try services.key(
        from: try await BodyReader.read(request), id: context.makeIdentifier(services.clock),
        grantable: context.principal?.scopes ?? [])
      let text = APIKeyHasher.makeKey()
      if context.held?.isRepeated ?? false {
        // The first try may have made it, and nobody has ever seen its text.
        _ = try await services.store.revokeKey(key.id)
      }
      try await services.store.createKey(key, hash: services.hasher.hash(text))
      return Response(
        .created, headers: [.location: "/api/keys/\(key.id)", .cacheControl: "no-store"]
      ) { writer in
        key.write(to: &writer) { $0.member("key", text) }
      }
    }

    on(.delete, "/api/keys/:id", scope: .manage) { _, context in
      let id = try context.identifier("id", of: "key")
      let expected = try await context.expected(
        { try await services.store.key(id) }, { key in Response { key.write(to: &$0) } })
      guard try await services.store.revokeKey(id, ifStill: expected) else { throw Problem.notFound("key") }
      return Response(status: .noContent)
    }
  }
}

extension APIServices {
  /// - Parameter grantable: the scopes of whoever asks.
  fileprivate func key(
    from reader: BodyReader, id: Identifier, grantable: Set<APIKey.Scope>
  ) throws(Problem) -> APIKey {
    var reader = reader
    let name = reader.required("name", maximum: 200)
    let words = reader.strings("scopes", maximum: 16)
    let expiresAt = reader.timestamp("expiresAt")
    let now = clock.now()
    var scopes: Set<APIKey.Scope> = []
    for (index, word) in (words ?? []).enumerated() {
      if let scope = APIKey.Scope(rawValue: word) {
        scopes.insert(scope)
      } else {
        let all = APIKey.Scope.allCases.map(\.rawValue).joined(separator: ", ")
        reader.errors.append(.init(field: "scopes[\(index)]", message: "must be one of \(all)"))
      }
    }
    if words?.isEmpty ?? true, !reader.errors.contains(where: { $0.field.hasPrefix("scopes") }) {
      reader.errors.append(.init(field: "scopes", message: "needs one scope at least"))
    }
    if let expiresAt, expiresAt <= now {
      reader.errors.append(.init(field: "expiresAt", message: "must be in the future"))
    }
    try reader.finish()
    let lacking = scopes.subtracting(grantable).map(\.rawValue).sorted()
    guard lacking.isEmpty else {
      throw Problem(
        .forbidden, "missing_scope", "This key cannot grant what it lacks: \(lacking.joined(separator: ", ")).")
    }
    return APIKey(id: id, name: name, scopes: scopes, expiresAt: expiresAt, createdAt: now)
  }
}
