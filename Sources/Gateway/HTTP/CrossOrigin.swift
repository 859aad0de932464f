// Browsers' questions whether a page of another origin may call us (Fetch standard, "CORS protocol").

import HTTPTypes
import Hummingbird

/// Which pages may: `server.cors.origins`; none: the headers never appear.
struct CrossOrigin: Sendable {
  private let origins: Set<String>

  init(origins: [String]) { self.origins = Set(origins) }

  private static let requestHeaders =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range, X-API-Key, "
    + "X-Request-Id"
  private static let exposedHeaders =
    "Content-Disposition, Content-Range, ETag, Idempotency-Replayed, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
    + "X-Request-Id"

  /// Adds what the page's browser must hear. Keys travel in headers, never in cookies: no credentials are allowed.
  func complete(_ response: inout Response, for request: Request) {
    guard !origins.isEmpty else { return }
    // Also where this origin is not allowed: a cache must not give one's answer to another.
    response.headers.addVary("Origin")
    guard let origin = request.headers[.origin] else { return }
    let allowsAll = origins.contains("*")
    guard allowsAll || origins.contains(origin) else { return }
    response.headers[.accessControlAllowOrigin] = allowsAll ? "*" : origin
    guard request.method == .options, request.headers[.accessControlRequestMethod] != nil else {
      response.headers[.accessControlExposeHeaders] = Self.exposedHeaders
      return
    }
    response.headers[.accessControlAllowMethods] = response.headers[.allow]
    response.headers[.accessControlAllowHeaders] = Self.requestHeaders
    response.headers[.accessControlMaxAge] = "600"
  }
}

extension HTTPFields {
  /// Names one more header that the answer depends on.
  mutating func addVary(_ name: String) {
    self[.vary] = self[.vary].map { "\($0), \(name)" } ?? name
  }
}
