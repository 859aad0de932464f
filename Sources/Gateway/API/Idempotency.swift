// Requests that may be sent twice: the first is acted on, the others get its answer.

import ChannelProtocol
import Crypto
import Foundation
import HTTPTypes
import Logging
import Storage

/// Acts on a request once for each key.
///
/// A crash may come between the commit of what a request makes and the keeping of its answer. So the row that is
/// claimed first names the id which the thing will have: whoever repeats the request after the crash is given that id
/// again, finds the thing under it, and answers with it; and where the commit is still under way, the id's uniqueness
/// makes one of the two.
struct Idempotency: Sendable {
  let store: any IdempotencyStore
  let box: SecretBox
  let clock: any WallClock
  let logger: Logger

  /// Longer than any request is acted on: after it, its node is taken for dead.
  static let lease = Duration.seconds(60)

  /// - Throws: ``Problem``: 422 where the text is no key.
  static func check(_ key: String) throws(Problem) {
    guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      throw .invalid("Idempotency-Key", "must be 1 to 255 printable ASCII characters")
    }
  }

  func request(keyID: Identifier, path: String, key: String, query: String?, body: [UInt8]) -> IdempotentRequest {
    var hash = SHA256()
    hash.update(data: body)
    // What a query says belongs to what is asked for.
    if let query, !query.isEmpty { hash.update(data: Data("?\(query)".utf8)) }
    return IdempotentRequest(
      keyID: keyID, path: path, key: key, bodyHash: Array(hash.finalize()), proposedID: clock.makeIdentifier())
  }

  /// Acts on `request`, or gives the answer that it was given before.
  /// - Parameter act: is given the id that what it makes must have.
  /// - Throws: what `act` throws; ``Problem``: 409 while another is acted on, 422 for another body.
  func perform(
    _ request: IdempotentRequest, _ act: (HeldRequest) async throws -> WholeAnswer
  ) async throws -> (answer: WholeAnswer, isReplayed: Bool) {
    switch try await store.claim(request, lease: Self.lease) {
    case .answered(let kept):
      guard let bytes = box.open(kept.sealed), let answer = WholeAnswer(status: kept.status, kept: bytes) else {
        throw Problem(
          .conflict, "idempotency_unreadable", "The first answer cannot be read: the gateway's secret has changed.")
      }
      return (answer, true)
    case .inFlight:
      throw Problem(
        .conflict, "request_in_flight", "A request with this Idempotency-Key is being acted on.",
        headers: [.retryAfter: "1"])
    case .otherBody:
      throw Problem(
        .unprocessableContent, "idempotency_key_reused", "This Idempotency-Key was used with another body.",
        errors: [.init(field: "Idempotency-Key", message: "was used with another body")])
    case .held(let held):
      do {
        let answer = try await act(held)
        await settle(held, with: answer)
        return (answer, false)
      } catch let problem as Problem {
        await settle(held, with: WholeAnswer(problem))
        throw problem
      } catch {
        await settle(held, with: nil)
        throw error
      }
    }
  }

  /// In a task of its own: a client that has gone cancels the request's, and the claim would stand for a minute.
  private func settle(_ held: HeldRequest, with answer: WholeAnswer?) async {
    await Task {
      do {
        if let answer, Self.isKept(answer.status) {
          _ = try await store.keep(
            KeptAnswer(status: answer.status, sealed: try box.seal(answer.kept)), for: held)
        } else {
          // What ended without a word, or with an error of ours, may have been done all the same.
          let isRefusal = answer.map { $0.status < 500 } ?? false
          try await store.release(held, forgetting: isRefusal && !held.isRepeated)
        }
      } catch {
        // The answer is true all the same; a repetition finds the row, and what was made.
        logger.warning("an idempotent answer was not kept", metadata: ["error": "\(error)"])
      }
    }.value
  }

  /// Successes and refusals for good; not what may be otherwise the next time.
  static func isKept(_ status: Int) -> Bool {
    switch status {
    case 401, 403, 409, 429: false
    case 200..<300, 400..<500: true
    default: false
    }
  }
}

extension HTTPField.Name {
  static let idempotencyKey = Self("Idempotency-Key")!
  static let idempotencyReplayed = Self("Idempotency-Replayed")!
}

extension APIContext {
  /// The id for what the request makes: the one that a request with an `Idempotency-Key` has claimed, else a new one.
  func makeIdentifier(_ clock: any WallClock) -> Identifier { held?.resourceID ?? clock.makeIdentifier() }

  /// The same request was acted on before, and nobody knows how that ended: what it makes may be there.
  var isRepeated: Bool { held?.isRepeated ?? false }
}
