// `If-Match` as far as the store: what the client has seen must be what the change finds under its lock.

import HTTPTypes
import Hummingbird

extension APIContext {
  /// The resource that `If-Match` names, for the store to compare with what it finds; nil: whatever it finds will do.
  ///
  /// The gates have looked before, without a lock: this is what holds between two changes at once.
  /// - Parameters:
  ///   - load: the resource as it is; nil: there is none, which the change itself will say.
  ///   - represent: the answer to GET, whose tag the client has.
  /// - Throws: ``Problem``: 412 where it is another one.
  func expected<Resource>(
    _ load: () async throws -> Resource?, _ represent: (Resource) async throws -> Response
  ) async throws -> Resource? {
    guard let ifMatch, ifMatch.trimmingPrefix(" ") != "*", let resource = try await load() else { return nil }
    let answer = try await WholeAnswer(represent(resource))
    guard EntityTag(of: answer.body).isNamed(inIfMatch: ifMatch) else { throw Problem.preconditionFailed }
    return resource
  }
}
