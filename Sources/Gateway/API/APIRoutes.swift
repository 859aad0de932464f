// The REST API's table: method, path, scope and what answers.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Logging
import Storage

/// What the routes work with.
struct APIServices: Sendable {
  let store: any MessageStore
  let intake: MessageIntake
  let authentication: Authentication
  let directory: ChannelDirectory
  let secrets: SecretBox
  let webhookAddresses: WebhookAddressCheck
  let templates: TemplateSync
  let media: MediaServices
  let clock: any WallClock
}

/// A route's answer; what it throws becomes a problem document.
typealias APIHandler = @Sendable (Request, APIContext) async throws -> Response

/// Collects routes, so that a wrong method on a known path can be told from an unknown path.
struct APIRouter {
  let router = Router(context: APIContext.self)
  private let authentication: Authentication
  private var methods: [String: [HTTPRequest.Method]] = [:]

  init(authentication: Authentication, logger: Logger) {
    self.authentication = authentication
    router.addMiddleware { ProblemAnswers(logger: logger) }
  }

  /// Adds a route that needs a key with `scope`; nil: none.
  /// - Parameter readsQuery: the handler of a writing route reads the parameters itself.
  mutating func on(
    _ method: HTTPRequest.Method, _ path: String, scope: APIKey.Scope?, readsQuery: Bool = false,
    _ handler: @escaping APIHandler
  ) {
    methods[path, default: []].append(method)
    if method == .get { methods[path, default: []].append(.head) }
    let authentication = authentication
    let answer: APIHandler = { request, context in
      var context = context
      if let scope { context.principal = try await authentication.require(scope, request) }
      if method != .get, !readsQuery {
        // What writes takes no parameters; one that was meant to matter must not be passed over.
        var query = QueryReader(request)
        try query.finish()
      }
      return try await handler(request, context)
    }
    router.on(RouterPath(path), method: method, use: answer)
    if method == .get {
      router.on(RouterPath(path), method: .head) { request, context in
        try await answer(request, context).createHeadResponse()
      }
    }
  }

  /// Answers OPTIONS, and 405 for every method that a path does not have.
  func finish() -> Router<APIContext> {
    for (path, methods) in methods {
      let allow = (methods + [.options]).map(\.rawValue).sorted().joined(separator: ", ")
      router.on(RouterPath(path), method: .options) { _, _ in Response(status: .noContent, headers: [.allow: allow]) }
      for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .trace, .connect]
      where !methods.contains(method) {
        router.on(RouterPath(path), method: method) { _, _ -> Response in
          throw Problem(
            .methodNotAllowed, "method_not_allowed", "This path takes \(allow).", headers: [.allow: allow])
        }
      }
    }
    return router
  }
}

extension APIContext {
  /// The id in the path. No UUID is no id of ours: 404, like an unknown one.
  func identifier(_ name: String, of what: String) throws(Problem) -> Identifier {
    guard let text = parameters.get(name), let id = Identifier(text) else { throw .notFound(what) }
    return id
  }
}
