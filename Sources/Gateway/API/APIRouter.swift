// Collects routes, so that a wrong method on a known path can be told from an unknown path.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Storage

/// A route's answer; what it throws becomes a problem document.
typealias APIHandler = @Sendable (Request, APIContext) async throws -> Response

/// One method on one path.
struct APIRoute: Sendable {
  let method: HTTPRequest.Method
  /// With its parameters as `:name`.
  let path: String
  /// nil: no key is needed.
  let scope: APIKey.Scope?
  let readsQuery: Bool
  /// False: a body that says anything is refused.
  let readsBody: Bool
  /// Bytes, at most.
  let bodyLimit: Int
  let handler: APIHandler
  /// What answers for the resource that this route changes.
  var resource: APIHandler?

  /// Its answer is one resource of ours, which carries a tag.
  var isSingleResource: Bool { method == .get && scope != nil && path.split(separator: "/").last?.first == ":" }

  /// The path as far as its first parameter: the resource that the whole is a part of.
  var resourcePath: String {
    let parts = path.split(separator: "/")
    guard let end = parts.firstIndex(where: { $0.first == ":" }) else { return path }
    return "/" + parts[...end].joined(separator: "/")
  }
}

struct APIRouter {
  /// Those that the router is told of.
  static let methods: [HTTPRequest.Method] = [
    .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect,
  ]

  private(set) var routes: [APIRoute] = []
  private let gates: APIGates

  init(gates: APIGates) { self.gates = gates }

  /// Adds a route that needs a key with `scope`; nil: none.
  /// - Parameters:
  ///   - readsQuery: the handler of a writing route reads the parameters itself.
  ///   - readsBody: nil: as the method is meant.
  ///   - bodyLimit: bytes, at most, of a body that is read before the handler is called.
  mutating func on(
    _ method: HTTPRequest.Method, _ path: String, scope: APIKey.Scope?, readsQuery: Bool = false,
    readsBody: Bool? = nil, bodyLimit: Int = BodyReader.maximumBytes, _ handler: @escaping APIHandler
  ) {
    routes.append(
      APIRoute(
        method: method, path: path, scope: scope, readsQuery: readsQuery,
        readsBody: readsBody ?? [.post, .put, .patch].contains(method), bodyLimit: bodyLimit, handler: handler))
  }

  /// Answers HEAD and OPTIONS, and 405 for every method that a path does not have.
  func finish() -> Router<APIContext> {
    let router = Router(context: APIContext.self)
    let gates = gates
    router.addMiddleware { gates.problems }
    for var route in routes {
      route.resource = routes.first { $0.method == .get && $0.path == route.resourcePath }?.handler
      let route = route
      router.on(RouterPath(route.path), method: route.method) { request, context in
        try await gates.answer(route, request, context)
      }
      if route.method == .get {
        router.on(RouterPath(route.path), method: .head) { request, context in
          try await gates.answer(route, request, context).createHeadResponse()
        }
      }
    }
    addMethods(to: router)
    return router
  }

  private func addMethods(to router: Router<APIContext>) {
    for (path, methods) in methods {
      let allow = (methods + [.options]).map(\.rawValue).sorted().joined(separator: ", ")
      router.on(RouterPath(path), method: .options) { _, _ in Response(status: .noContent, headers: [.allow: allow]) }
      for method in Self.methods where method != .options && !methods.contains(method) {
        router.on(RouterPath(path), method: method) { _, _ -> Response in throw Problem.wrongMethod(allow) }
      }
    }
  }

  /// What each path takes.
  private var methods: [String: [HTTPRequest.Method]] {
    var methods: [String: [HTTPRequest.Method]] = [:]
    for route in routes {
      methods[route.path, default: []] += route.method == .get ? [.get, .head] : [route.method]
    }
    return methods
  }
}

extension APIContext {
  /// The id in the path. No UUID is no id of ours: 404, like an unknown one.
  func identifier(_ name: String, of what: String) throws(Problem) -> Identifier {
    guard let text = parameters.get(name), let id = Identifier(text) else { throw .notFound(what) }
    return id
  }
}
