// Media of a message: list, metadata, the file behind a redirect, deletion.

import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// The Media resource, and the place its redirects lead to.
struct MediaRoutes: Sendable {
  let sandbox: Sandbox
  let signer = ContentURLSigner()

  func list(_ call: APICall) async throws(TwilioError) -> APIAnswer {
    let message = try message(call)
    let paging = Paging(call.query)
    // At most ten: they fit on one page unless a smaller one is asked for; the token is a position.
    let position = paging.token.flatMap { Int($0.dropFirst(2)) } ?? 0
    let page = message.media.dropFirst(position).prefix(paging.size)
    let hasMore = position + page.count < message.media.count
    let uris = paging.members(
      path: call.path, filters: ["DateCreated", "DateCreated<", "DateCreated>"], query: call.query, count: page.count,
      next: hasMore ? "PA\(position + page.count)" : nil,
      previous: position > 0 ? "PA\(max(0, position - paging.size))" : nil)
    let list = JSONValue.array(page.map { $0.json(of: message) })
    return .json(200, .object(uris + [.init(name: "media_list", value: list)]))
  }

  /// `.json`: the metadata; without it a redirect to the file.
  func fetch(_ call: APICall) async throws(TwilioError) -> APIAnswer {
    let message = try message(call)
    guard let media = message.media.first(where: { $0.sid == call.mediaSID }) else { throw .notFound(call.path) }
    let lifetime = sandbox.read { $0.chaos.mediaLifetime }
    let end = lifetime.map { media.created + $0 }
    if let end, end <= .now { throw .notFound(call.path) }
    if call.path.hasSuffix(".json") { return .json(200, media.json(of: message)) }
    if let status = sandbox.change({ $0.chaos.nextMedia() }) {
      throw status == 404 ? .notFound(call.path) : TwilioError(status: status, code: 20500, message: "Chaos")
    }
    switch media.source {
    case .url(let url): return .redirect(url)
    case .stored:
      let expires = min(.now + .seconds(300), end ?? .now + .seconds(300))
      return .redirect((sandbox.baseURL ?? "") + signer.path(media.sid, expires: expires))
    }
  }

  func delete(_ call: APICall) async throws(TwilioError) -> APIAnswer {
    try sandbox.change { state throws(TwilioError) in
      let message = try MessageRoutes.message(call, in: state)
      guard message.media.contains(where: { $0.sid == call.mediaSID }) else { throw .notFound(call.path) }
      state.deleteMedia(call.mediaSID, of: message)
    }
    return .empty(204)
  }

  /// The file, for whoever has a signed URL.
  func content(_ request: Request, _ context: SandboxRequestContext) -> Response {
    let sid = context.parameters.get("media") ?? ""
    let query = FormFields(decoding: request.uri.query ?? "")
    let isStrict = sandbox.configuration.contentRefusesCredentials
    if isStrict, request.headers[.authorization] != nil { return Self.refusal(.badRequest, "InvalidArgument") }
    guard signer.isValid(sid, query: query, now: .now) else { return Self.refusal(.forbidden, "AccessDenied") }
    guard let file = sandbox.read({ $0.media[sid] }) else { return Self.refusal(.notFound, "NoSuchKey") }
    return Response(status: .ok, headers: [.contentType: file.contentType], body: body(file.bytes))
  }

  /// Whole, or with the pause that chaos has it make.
  private func body(_ bytes: [UInt8]) -> ResponseBody {
    guard let stall = sandbox.change({ $0.chaos.nextStall() }) else {
      return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
    }
    return ResponseBody(contentLength: bytes.count) { writer in
      try await writer.write(ByteBuffer(bytes: bytes.prefix(stall.bytes)))
      try await Task.sleep(for: stall.duration)
      try await writer.write(ByteBuffer(bytes: bytes.dropFirst(stall.bytes)))
      try await writer.finish(nil)
    }
  }

  private func message(_ call: APICall) throws(TwilioError) -> SandboxMessage {
    try sandbox.read { state throws(TwilioError) in try MessageRoutes.message(call, in: state) }
  }

  private static func refusal(_ status: HTTPResponse.Status, _ code: String) -> Response {
    Response(
      status: status, headers: [.contentType: "application/xml"],
      body: .init(
        byteBuffer: ByteBuffer(
          string: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>\(code)</Code></Error>")))
  }
}
