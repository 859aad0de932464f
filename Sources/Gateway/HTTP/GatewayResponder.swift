// Where every request comes in: providers' webhooks by the short way, everything else through the router.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import Storage

/// Answers every request.
struct GatewayResponder: HTTPResponder {
  typealias Context = APIContext

  let routes: any HTTPResponder<APIContext>
  let webhooks: ProviderWebhooks
  let webhookPaths: Set<String>
  let clock: any WallClock
  let durations: RequestDurations

  /// The largest body a provider may send.
  static let maximumWebhookBody = 64 << 10
  private static let emptyInstructions = ByteBuffer(
    string: #"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#)

  func respond(to request: Request, context: APIContext) async throws -> Response {
    let start = ContinuousClock.now
    let isWebhook = webhookPaths.contains(request.uri.path)
    var context = context
    context.requestID = Self.requestID(request.headers[.requestID]) ?? clock.makeIdentifier().description
    var response: Response
    if isWebhook {
      response = await takeWebhook(request)
    } else {
      response = try await routes.respond(to: request, context: context)
    }
    response.headers[.requestID] = context.requestID
    durations.record(isWebhook ? .webhook : .api, status: response.status.code, .now - start)
    return response
  }

  /// A client's own id, where it is sane: 1 to 128 letters, digits and `-_.`.
  private static func requestID(_ text: String?) -> String? {
    guard let text, (1...128).contains(text.utf8.count),
      text.utf8.allSatisfy({ byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      })
    else { return nil }
    return text
  }

  // MARK: Providers

  private func takeWebhook(_ request: Request) async -> Response {
    guard request.method == .post || request.method == .get else {
      return Problem(
        .methodNotAllowed, "method_not_allowed", "Providers call this path with POST or GET.",
        headers: [.allow: "GET, POST"]
      ).response
    }
    var request = request
    let body: ByteBuffer
    do {
      body = try await request.collectBody(upTo: Self.maximumWebhookBody)
    } catch is NIOTooManyBytesError {
      return Self.tooLarge.response
    } catch let error as HTTPError where error.status == .contentTooLarge {
      return Self.tooLarge.response
    } catch {
      return Problem(.badRequest, "malformed_request", "The body ended early.").response
    }
    let answer = await webhooks.handle(
      method: request.method, target: request.head.path ?? "/", headers: request.headers,
      body: Array(body.readableBytesView))
    switch answer {
    case .taken:
      return Response(
        status: .ok, headers: [.contentType: "text/xml"], body: ResponseBody(byteBuffer: Self.emptyInstructions))
    case .refused(let problem):
      return problem.response
    }
  }

  private static let tooLarge = Problem(
    .contentTooLarge, "too_large", "A provider's request may have \(maximumWebhookBody) bytes at most.",
    headers: [.connection: "close"])
}

/// How long requests take, by kind and class of status; made once.
struct RequestDurations: Sendable {
  enum Kind: Int, Sendable { case webhook, api }

  private let timers: [[Timer]]

  init(_ factory: any MetricsFactory) {
    timers = ["webhook", "api"].map { kind in
      ["2xx", "3xx", "4xx", "5xx"].map { status in
        Timer(
          label: "fractal_http_request_duration", dimensions: [("kind", kind), ("status", status)], factory: factory)
      }
    }
  }

  func record(_ kind: Kind, status: Int, _ duration: Duration) {
    timers[kind.rawValue][min(max(status / 100 - 2, 0), 3)].record(duration: duration)
  }
}
