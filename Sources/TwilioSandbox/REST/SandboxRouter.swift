// The map of the sandbox's HTTP routes.

import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Builds the router.
struct SandboxRouter: Sendable {
  let sandbox: Sandbox

  var router: Router<SandboxRequestContext> {
    let router = Router(context: SandboxRequestContext.self)
    let calls = APICallHandler(sandbox: sandbox)
    router.add(middleware: UnknownResource(calls: calls))
    addMessages(router, calls)
    addMedia(router, calls)
    addContent(router)
    ControlRoutes(sandbox: sandbox).add(to: router)
    router.get("/2010-04-01/Accounts/:account") { request, context in
      await calls.handle(request, context) { call async throws(TwilioError) in .json(200, Self.account(call)) }
    }
    return router
  }

  private func addMessages(_ router: Router<SandboxRequestContext>, _ calls: APICallHandler) {
    let messages = MessageRoutes(sandbox: sandbox)
    let list: RouterPath = "/2010-04-01/Accounts/:account/Messages.json"
    let single: RouterPath = "/2010-04-01/Accounts/:account/Messages/:message"
    router.post(list) { await calls.handle($0, $1, .json, messages.create) }
    router.get(list) { await calls.handle($0, $1, .json, messages.list) }
    router.get(single) { await calls.handle($0, $1, .json, messages.fetch) }
    router.post(single) { await calls.handle($0, $1, .json, messages.update) }
    router.delete(single) { await calls.handle($0, $1, .json, messages.delete) }
    router.post("/2010-04-01/Accounts/:account/Messages/:message/Feedback.json") {
      await calls.handle($0, $1, .json, messages.feedback)
    }
  }

  private func addMedia(_ router: Router<SandboxRequestContext>, _ calls: APICallHandler) {
    let media = MediaRoutes(sandbox: sandbox)
    let single: RouterPath = "/2010-04-01/Accounts/:account/Messages/:message/Media/:media"
    router.get("/2010-04-01/Accounts/:account/Messages/:message/Media.json") {
      await calls.handle($0, $1, .json, media.list)
    }
    router.get(single) { await calls.handle($0, $1, .any, media.fetch) }
    router.delete(single) { await calls.handle($0, $1, .json, media.delete) }
    router.get("/sandbox/content/:media") { media.content($0, $1) }
  }

  /// The Content API, on the same host: a client's base URL for all products reaches it.
  private func addContent(_ router: Router<SandboxRequestContext>) {
    let calls = ContentCallHandler(sandbox: sandbox)
    let content = ContentRoutes(sandbox: sandbox)
    router.get("/v1/Content") { await calls.handle($0, $1, content.list) }
    router.post("/v1/Content") { await calls.handle($0, $1, content.create) }
    router.get("/v1/Content/:content") { await calls.handle($0, $1, content.fetch) }
    router.delete("/v1/Content/:content") { await calls.handle($0, $1, content.delete) }
    router.get("/v1/Content/:content/ApprovalRequests") { await calls.handle($0, $1, content.approval) }
    router.get("/v1/ContentAndApprovals") { await calls.handle($0, $1, content.listWithApprovals) }
  }

  /// The Account resource: enough for a client to check its credentials.
  private static func account(_ call: APICall) -> JSONValue {
    let path = "/2010-04-01/Accounts/\(call.account.sid)"
    return .object([
      "auth_token": .null, "date_created": .string(UTCTime(microseconds: 0).rfc2822),
      "date_updated": .string(UTCTime(microseconds: 0).rfc2822), "friendly_name": .string("Sandbox"),
      "owner_account_sid": .string(call.account.sid), "sid": .string(call.account.sid), "status": .string("active"),
      "subresource_uris": .object(["messages": .string(path + "/Messages.json")]), "type": .string("Full"),
      "uri": .string(path + ".json"),
    ])
  }
}

/// Twilio's own answer to a path of its API that the sandbox does not have.
private struct UnknownResource: RouterMiddleware {
  typealias Context = SandboxRequestContext

  let calls: APICallHandler

  func handle(
    _ request: Request, context: SandboxRequestContext,
    next: (Request, SandboxRequestContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as HTTPError where error.status == .notFound && request.uri.path.hasPrefix("/2010-04-01/") {
      return await calls.handle(request, context) { call async throws(TwilioError) in throw .notFound(call.path) }
    }
  }
}
