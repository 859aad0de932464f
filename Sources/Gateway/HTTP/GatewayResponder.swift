// Where every request of the API comes in; those of providers were taken out of the pipeline before.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import Storage

/// Answers every request that is not a provider's.
struct GatewayResponder: HTTPResponder {
  typealias Context = APIContext

  let routes: any HTTPResponder<APIContext>
  let clock: any WallClock
  let durations: RequestDurations
  let crossOrigin: CrossOrigin
  let proxies: TrustedProxies
  let log: RequestLog

  func respond(to request: Request, context: APIContext) async throws -> Response {
    let start = ContinuousClock.now
    var context = context
    context.requestID = RequestID.given(request.headers) ?? clock.makeIdentifier().description
    context.client = proxies.client(peer: context.channel.remoteAddress?.ipAddress, fields: request.headers)
    var response = try await identified(request, context)
    crossOrigin.complete(&response, for: request)
    response.headers[.requestID] = context.requestID
    let duration = ContinuousClock.now - start
    durations.record(.api, status: response.status.code, duration)
    log.write(request, response, context, duration)
    return response
  }

  private func identified(_ request: Request, _ context: APIContext) async throws -> Response {
    try await RequestID.$current.withValue(context.requestID) {
      try await ResponseCompression.apply(answer(request, context), for: request)
    }
  }

  /// A method that no path has is not known to the routes: then the path alone says whether it is there.
  private func answer(_ request: Request, _ context: APIContext) async throws -> Response {
    guard !APIRouter.methods.contains(request.method) else {
      return try await routes.respond(to: request, context: context)
    }
    var head = request.head
    head.method = .options
    let response = try await routes.respond(
      to: Request(head: head, body: .init(buffer: ByteBuffer())), context: context)
    guard response.status == .noContent, let allow = response.headers[.allow] else { return response }
    return Problem.wrongMethod(allow).response
  }
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
