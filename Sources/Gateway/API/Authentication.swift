// Whose key a request carries, and what it may do.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Storage

/// Finds keys by their keyed hash; revocation and expiry hold at the next request, on every node.
struct Authentication: Sendable {
  let store: any MessageStore
  let hasher: APIKeyHasher

  func principal(key: String) async throws -> APIKey? {
    guard !key.isEmpty, key.utf8.count <= 256 else { return nil }
    return try await store.key(hash: hasher.hash(key))
  }

  /// - Throws: ``Problem``: 401 without a good key, 403 without the scope.
  func require(_ scope: APIKey.Scope, _ request: Request) async throws -> APIKey {
    guard let key = Self.key(in: request.headers), let principal = try await principal(key: key) else {
      throw Problem(
        .unauthorized, "unauthorized", "A valid API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY.",
        headers: [.wwwAuthenticate: "Bearer realm=\"fractal\""])
    }
    guard principal.scopes.contains(scope) else {
      throw Problem(.forbidden, "missing_scope", "This key lacks the scope \(scope.rawValue).")
    }
    return principal
  }

  static func key(in headers: HTTPFields) -> String? {
    if let authorization = headers[.authorization] {
      let parts = authorization.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
      return String(parts[1])
    }
    return headers[.apiKey]
  }
}
