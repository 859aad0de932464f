// Whose key a request carries.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Logging
import Storage

/// Finds keys by their keyed hash, in the database each time: revocation and expiry hold at the next request, on every
/// node.
struct Authentication: Sendable {
  let store: any KeyStore
  let hasher: APIKeyHasher
  let clock: any WallClock
  let logger: Logger
  let failures = FailedAuthentications()

  /// nil: nobody's, or its time is over.
  private func principal(key: String) async throws -> APIKey? {
    guard !key.isEmpty, key.utf8.count <= 256 else { return nil }
    guard let found = try await store.key(hash: hasher.hash(key)) else { return nil }
    await noteUse(of: found)
    return found
  }

  /// - Throws: ``Problem``: 401 without a good key, 429 after too many bad ones from the same address.
  func principal(of request: Request, _ context: APIContext) async throws -> APIKey {
    guard let key = Self.key(in: request.headers) else { throw Self.unauthorized }
    guard let principal = try await principal(key: key, from: ClientAddress(context.client)) else {
      throw Self.unauthorized
    }
    return principal
  }

  /// nil: nobody's.
  /// - Throws: ``TooManyFailures`` after too many bad ones from the same address.
  func principal(key: String, from client: ClientAddress) async throws -> APIKey? {
    let hash = hasher.hash(key)
    if let decision = failures.refusal(client, hash) { throw TooManyFailures(decision: decision) }
    guard let principal = try await principal(key: key) else {
      if let decision = failures.note(client), !decision.isAllowed { throw TooManyFailures(decision: decision) }
      return nil
    }
    failures.remember(hash)
    return principal
  }

  static let unauthorized = Problem(
    .unauthorized, "unauthorized", "A valid API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY.",
    headers: [.wwwAuthenticate: "Bearer realm=\"fractal\""])

  static func key(in headers: HTTPFields) -> String? {
    // Another scheme's may be a proxy's.
    if let authorization = headers[.authorization] {
      let parts = authorization.split(separator: " ", maxSplits: 1)
      if parts.first?.lowercased() == "bearer" { return parts.count == 2 ? String(parts[1]) : nil }
    }
    return headers[.apiKey]
  }

  /// Once a minute for each key; that it cannot be noted is no reason to refuse anybody.
  private func noteUse(of key: APIKey) async {
    let now = clock.now()
    guard key.lastUsedAt.map({ $0 <= now - APIKey.useNoted }) ?? true else { return }
    do {
      try await store.noteKeyUse(key.id, at: now)
    } catch {
      logger.debug("a key's use was not noted", metadata: ["error": "\(error)"])
    }
  }
}
