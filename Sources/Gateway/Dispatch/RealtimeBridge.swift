// What realtime connections ask of the gateway: the same checks and the same intake as the REST API.

import ChannelProtocol
import HTTPTypes
import Logging
import Sinks
import Storage

struct RealtimeBridge: RealtimeGateway {
  let authentication: Authentication
  let intake: MessageIntake
  let logger: Logger

  func authenticate(key: String) async throws -> RealtimePrincipal? {
    guard let principal = try await authentication.principal(key: key) else { return nil }
    return RealtimePrincipal(
      keyID: principal.id, canRead: principal.scopes.contains(.read), canSend: principal.scopes.contains(.send))
  }

  func send(
    _ message: [UInt8], idempotencyKey: String?, as principal: RealtimePrincipal
  ) async -> Result<[UInt8], RealtimeProblem> {
    do {
      guard idempotencyKey == nil else {
        // Refused rather than ignored: a client that names a key counts on it.
        throw Problem(.notImplemented, "idempotency_unsupported", "Idempotency keys are not supported yet.")
      }
      let sent = try await intake.accept(SendRequest(BodyReader.parse(message)))
      var writer = JSONWriter()
      sent.write(to: &writer)
      return .success(writer.bytes)
    } catch let problem as Problem {
      return .failure(RealtimeProblem(json: problem.json))
    } catch {
      logger.warning("a realtime send failed", metadata: ["error": "\(error)"])
      let problem: Problem = StorageFailure.isPassing(error) ? .unavailable : .internal
      return .failure(RealtimeProblem(json: problem.json))
    }
  }
}
