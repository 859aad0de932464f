// One line for each request of the API: what was asked, what came of it, how long it took.

import Hummingbird
import Logging

struct RequestLog: Sendable {
  let logger: Logger

  /// Asked every few seconds by those who watch us.
  private static let quiet: Set<String> = ["/health", "/ready", "/metrics"]

  /// The path as the route has it: ids, tokens and addresses stay out of the log, and so do bodies and parameters.
  func write(_ request: Request, _ response: Response, _ context: APIContext, _ duration: Duration) {
    // What no route takes has a name of the router's own there.
    let route = context.endpointPath.flatMap { $0.first == "/" ? $0 : nil } ?? "none"
    logger.log(
      level: Self.quiet.contains(route) ? .debug : .info, "request",
      metadata: [
        "method": .string(request.method.rawValue), "route": .string(route),
        "status": .stringConvertible(response.status.code), "ms": .stringConvertible(Self.milliseconds(duration)),
        "bytes": .stringConvertible(response.body.contentLength ?? -1),
        "client": .string(context.client.map { "\($0)" } ?? "none"), "request": .string(context.requestID),
      ])
  }

  static func milliseconds(_ duration: Duration) -> Double {
    let parts = duration.components
    return Double(parts.seconds * 10_000 + parts.attoseconds / 100_000_000_000_000) / 10
  }
}
