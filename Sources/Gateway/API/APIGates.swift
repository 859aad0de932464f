// What a request passes on its way to a route: whose it is, how many of them, whether it may, and whether it was here
// before.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Storage

struct APIGates: Sendable {
  let authentication: Authentication
  /// By API key.
  let limiter: RateLimiter<Identifier>
  let idempotency: Idempotency
  let problems: ProblemAnswers

  /// Answers one request to `route`; every answer carries the limit's headers, errors too.
  func answer(_ route: APIRoute, _ request: Request, _ context: APIContext) async throws -> Response {
    guard let scope = route.scope else {
      return try await act(route, request, context)
    }
    var context = context
    let principal = try await authentication.principal(of: request, context)
    context.principal = principal
    let decision = limiter.take(principal.id)
    var response: Response
    do {
      if let decision, !decision.isAllowed { throw Problem(tooMany: decision) }
      guard principal.scopes.contains(scope) else {
        throw Problem(.forbidden, "missing_scope", "This key lacks the scope \(scope.rawValue).")
      }
      response = try await act(route, request, context)
    } catch {
      response = problems.problem(of: error, context).response
    }
    if let decision { response.headers.note(decision) }
    return response
  }

  private func act(_ route: APIRoute, _ request: Request, _ context: APIContext) async throws -> Response {
    if request.method != .get, request.method != .head, !route.readsQuery {
      // What writes takes no parameters; one that was meant to matter must not be passed over.
      var query = QueryReader(request)
      try query.finish()
    }
    var request = request
    if !route.readsBody, ![.get, .head].contains(request.method), request.hasBody,
      var reader = try await BodyReader.collectIfAny(&request)
    {
      // As with parameters; an empty object says nothing.
      try reader.finish()
    }
    try await checkMatch(route, request, context)
    var context = context
    context.ifMatch = request.headers[.ifMatch]
    guard request.method == .post, let principal = context.principal,
      let key = request.headers[.idempotencyKey]
    else {
      let response = try await route.handler(request, context)
      return route.isSingleResource ? try await tagged(response, request) : response
    }
    return try await once(route, key: key, principal, request, context)
  }

  // MARK: Requests that may be sent twice

  private func once(
    _ route: APIRoute, key: String, _ principal: APIKey, _ request: Request, _ context: APIContext
  ) async throws -> Response {
    try Idempotency.check(key)
    var collected = request
    let body = try await JSONBody.bytes(&collected, limit: route.bodyLimit)
    let whole = collected
    let claim = idempotency.request(
      keyID: principal.id, path: request.uri.path, key: key, query: request.uri.query, body: body)
    let (answer, isReplayed) = try await idempotency.perform(claim) { held in
      var context = context
      context.held = held
      return try await WholeAnswer(route.handler(whole, context))
    }
    var response = answer.response
    if isReplayed { response.headers[.idempotencyReplayed] = "true" }
    return response
  }

  // MARK: Tags

  private func tagged(_ response: Response, _ request: Request) async throws -> Response {
    // A file says by itself what it is.
    guard response.status == .ok, response.headers[.contentType] == "application/json",
      response.headers[.eTag] == nil
    else { return response }
    var answer = try await WholeAnswer(response)
    let tag = EntityTag(of: answer.body)
    answer.headers[.eTag] = tag.text
    answer.headers[.cacheControl] = "private, no-cache"
    guard let known = tag.named(inIfNoneMatch: request.headers[.ifNoneMatch]) else { return answer.response }
    answer.headers[.eTag] = known
    answer.headers.addVary("Accept-Encoding")
    answer.headers[.contentType] = nil
    return Response(status: .notModified, headers: answer.headers)
  }

  /// `If-Match` on what changes a resource: its present representation must be one that the client has seen.
  private func checkMatch(_ route: APIRoute, _ request: Request, _ context: APIContext) async throws {
    guard let wanted = request.headers[.ifMatch], [.put, .patch, .delete].contains(request.method) else { return }
    guard let resource = route.resource else { throw Problem.preconditionFailed }
    var head = request.head
    head.method = .get
    head.path = request.uri.path
    // What is not there is a 404, as without the header.
    let response = try await resource(Request(head: head, body: .init(buffer: ByteBuffer())), context)
    guard EntityTag(of: try await WholeAnswer(response).body).isNamed(inIfMatch: wanted) else {
      throw Problem.preconditionFailed
    }
  }
}

extension Request {
  /// Whether there is one, by what its headers say.
  var hasBody: Bool {
    headers[.transferEncoding] != nil || headers[.contentLength].map { $0 != "0" } ?? false
  }
}

extension Problem {
  init(tooMany decision: RateDecision) {
    self.init(
      .tooManyRequests, "rate_limited", "Too many requests; try again in \(decision.retryAfter) s.",
      headers: [.retryAfter: String(decision.retryAfter)])
  }
}

extension HTTPField.Name {
  static let rateLimitLimit = Self("RateLimit-Limit")!
  static let rateLimitRemaining = Self("RateLimit-Remaining")!
  static let rateLimitReset = Self("RateLimit-Reset")!
}

extension HTTPFields {
  mutating func note(_ decision: RateDecision) {
    self[.rateLimitLimit] = String(decision.limit)
    self[.rateLimitRemaining] = String(decision.remaining)
    self[.rateLimitReset] = String(decision.reset)
  }
}
