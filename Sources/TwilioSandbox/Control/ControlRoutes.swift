// /sandbox/…: make a phone text in, set webhooks and chaos, look at what happened. No authentication: the sandbox
// listens on the loopback address.

import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// The sandbox's own endpoints.
struct ControlRoutes: Sendable {
  let sandbox: Sandbox

  func add(to router: Router<SandboxRequestContext>) {
    router.get("/") { _, _ in help }
    router.get("/sandbox") { _, _ in help }
    router.post("/sandbox/inbound") { request, _ in
      await answer(request) { body in
        let text =
          switch body {
          case .json(let json): try InboundText(json: json)
          case .form(let form): try InboundText(form: form)
          }
        return try await sandbox.receive(text).json
      }
    }
    router.post("/sandbox/tap") { request, _ in
      await answer(request) { try await sandbox.tap(try ButtonTap(json: $0.json)).json }
    }
    router.post("/sandbox/chaos") { request, _ in
      await answer(request) { body in
        sandbox.setChaos(try Chaos(json: body.json))
        return sandbox.read { $0.chaos.json }
      }
    }
    router.get("/sandbox/chaos") { _, _ in json(200, sandbox.read { $0.chaos.json }) }
    router.post("/sandbox/webhook") { request, _ in await answer(request) { try setWebhooks($0.json) } }
    router.post("/sandbox/reset") { _, _ in
      sandbox.reset()
      return json(200, .object(["reset": .bool(true)]))
    }
    router.get("/sandbox/messages") { request, _ in
      let limit = request.uri.queryParameters["limit"].flatMap { Int($0) } ?? 100
      return json(
        200,
        .object([
          "messages": .array(sandbox.messages(limit: max(0, limit)).map(\.json)),
          "webhooks": .array(sandbox.deliveries(limit: max(0, limit)).reversed().map(\.json)),
        ]))
    }
  }

  /// A request body, in either of its two forms.
  private enum Body {
    case json(JSONValue)
    case form(FormFields)

    /// Form fields read as an object of strings and numbers.
    var json: JSONValue {
      switch self {
      case .json(let json): json
      case .form(let form):
        .object(
          form.fields.map { field in
            let number = Int(field.value).map(JSONValue.integer) ?? Double(field.value).map(JSONValue.double)
            return JSONValue.Member(name: field.name, value: number ?? .string(field.value))
          })
      }
    }
  }

  private func answer(_ request: Request, _ operation: (Body) async throws -> JSONValue) async -> Response {
    do {
      guard let buffer = try? await request.body.collect(upTo: 32 << 20) else {
        throw ControlError("at most 32 MB", status: 413)
      }
      // Curl's `-d '{…}'` says that it is a form: what looks like JSON is JSON.
      let isJSON = request.headers[.contentType]?.contains("json") ?? false
      let body: Body
      if isJSON || buffer.readableBytesView.first == UInt8(ascii: "{") {
        guard let value = try? JSONValue(parsing: buffer.readableBytesView) else { throw ControlError("not JSON") }
        body = .json(value)
      } else {
        body = .form(FormFields(decoding: String(buffer: buffer)))
      }
      return json(200, try await operation(body))
    } catch let error as ControlError {
      return json(error.status, .object(["error": .string(error.message)]))
    } catch {
      return json(503, .object(["error": .string("the sandbox is stopping")]))
    }
  }

  /// `{"incoming","status","incomingByAddress":{…},"account"}`; what is left out stays, null switches off.
  private func setWebhooks(_ json: JSONValue) throws(ControlError) -> JSONValue {
    guard let members = json.members else { throw ControlError("an object is expected") }
    let sid = json["account"]?.string
    guard let account = sandbox.read({ sid == nil ? $0.accounts.first : $0.account(sid ?? "") }) else {
      throw ControlError("no such account", status: 404)
    }
    var webhooks = account.webhooks
    for member in members {
      switch member.name {
      case "incoming": webhooks.incoming = try Self.url(member)
      case "status": webhooks.status = try Self.url(member)
      case "incomingByAddress":
        webhooks.incomingByAddress = [:]
        for entry in member.value.members ?? [] { webhooks.incomingByAddress[entry.name] = try Self.url(entry) }
      case "account": break
      default:
        throw ControlError("unknown field \(member.name); there are incoming, status, incomingByAddress, account")
      }
    }
    sandbox.setWebhooks(webhooks, account: account.sid)
    return .object([
      "account": .string(account.sid), "incoming": .optional(webhooks.incoming), "status": .optional(webhooks.status),
      "incomingByAddress": .object(
        webhooks.incomingByAddress.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: .string($0.value)) }),
    ])
  }

  private static func url(_ member: JSONValue.Member) throws(ControlError) -> String? {
    if member.value == .null || member.value == .string("") { return nil }
    guard let url = member.value.string, WebhookTarget(url) != nil else {
      throw ControlError("\(member.name) is not an absolute http or https URL")
    }
    return url
  }

  private func json(_ status: Int, _ value: JSONValue) -> Response {
    APICallHandler.response(.json(status, value))
  }

  private var help: Response {
    let text = SandboxHelp.text(
      baseURL: sandbox.baseURL ?? "", accounts: sandbox.read { $0.accounts })
    return Response(
      status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
      body: .init(byteBuffer: ByteBuffer(string: text)))
  }
}
