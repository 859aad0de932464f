// What realtime connections ask of the gateway: the same checks and the same intake as the REST API.

import ChannelProtocol
import HTTPTypes
import Logging
import Sinks
import Storage

struct RealtimeBridge: RealtimeGateway {
  let authentication: Authentication
  let intake: MessageIntake
  let idempotency: Idempotency
  let limiter: RateLimiter<Identifier>
  let proxies: TrustedProxies
  let logger: Logger

  func authenticate(key: String, from peer: RealtimePeer) async throws -> RealtimePrincipal? {
    let client = proxies.client(peer: peer.address, fields: peer.forwarding)
    do {
      return try await authentication.principal(key: key, from: ClientAddress(client)).map(Self.principal)
    } catch let failure as TooManyFailures {
      throw RealtimeThrottled(retryAfter: failure.decision.retryAfter)
    }
  }

  func address(of peer: RealtimePeer) -> String? {
    ClientAddress(proxies.client(peer: peer.address, fields: peer.forwarding)).description
  }

  func principal(_ keyID: Identifier) async throws -> RealtimePrincipal? {
    guard let key = try await authentication.store.key(keyID) else { return nil }
    if let expiry = key.expiresAt, expiry <= authentication.clock.now() { return nil }
    return Self.principal(key)
  }

  private static func principal(_ key: APIKey) -> RealtimePrincipal {
    RealtimePrincipal(
      keyID: key.id, canRead: key.scopes.contains(.read), canSend: key.scopes.contains(.send),
      expiresAt: key.expiresAt)
  }

  func send(
    _ message: [UInt8], idempotencyKey: String?, as principal: RealtimePrincipal
  ) async -> Result<[UInt8], RealtimeProblem> {
    do {
      if let decision = limiter.take(principal.keyID), !decision.isAllowed { throw Problem(tooMany: decision) }
      guard let idempotencyKey else { return .success(try await accept(message, nil).body) }
      try Idempotency.check(idempotencyKey)
      // The same key and the same bytes name the same message, over this way or that.
      let request = idempotency.request(
        keyID: principal.keyID, path: "/api/messages", key: idempotencyKey, query: nil, body: message)
      let answer = try await patiently { try await idempotency.perform(request) { try await accept(message, $0) } }
      return answer.status < 300 ? .success(answer.body) : .failure(RealtimeProblem(json: answer.body))
    } catch let problem as Problem {
      return .failure(RealtimeProblem(json: problem.json))
    } catch {
      logger.warning("a realtime send failed", metadata: ["error": "\(error)"])
      let problem: Problem = StorageFailure.isPassing(error) ? .unavailable : .internal
      return .failure(RealtimeProblem(json: problem.json))
    }
  }

  /// A connection's frames are acted on side by side: one that repeats the one before it waits for its answer.
  private func patiently(_ perform: () async throws -> (answer: WholeAnswer, isReplayed: Bool)) async throws
    -> WholeAnswer
  {
    let deadline = ContinuousClock.now + .seconds(2)
    while true {
      do {
        return try await perform().answer
      } catch let problem as Problem where problem.code == "request_in_flight" && .now < deadline {
        try await Task.sleep(for: .milliseconds(25))
      }
    }
  }

  private func accept(_ message: [UInt8], _ held: HeldRequest?) async throws -> WholeAnswer {
    let sent = try await intake.accept(SendRequest(BodyReader.parse(message)), as: held)
    var writer = JSONWriter()
    sent.write(to: &writer)
    return WholeAnswer(
      status: 202, headers: [.contentType: "application/json", .location: "/api/messages/\(sent.id)"],
      body: writer.bytes)
  }
}
