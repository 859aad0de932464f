// Makes a problem document of every error below the router, its own "no such path" included.

import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1
import Storage

/// The outermost middleware: nothing that is thrown gets past it as it is.
struct ProblemAnswers: RouterMiddleware {
  typealias Context = APIContext

  let logger: Logger

  func handle(
    _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      return problem(of: error, context).response
    }
  }

  func problem(of error: any Error, _ context: APIContext) -> Problem {
    if let problem = error as? Problem { return problem }
    if let error = error as? HTTPParserError {
      // The client's doing: it says one length and sends another, or goes away in the middle.
      logger.debug("a body was broken", metadata: ["request": "\(context.requestID)", "error": "\(error)"])
      return .brokenBody
    }
    if error is ResourceChanged { return .preconditionFailed }
    if let error = error as? TooManyFailures { return Problem(tooMany: error.decision) }
    if error is WalkTooOld { return .invalid("cursor", "is older than what the event log keeps: begin again") }
    if let error = error as? HTTPError {
      return error.status == .notFound
        ? Problem(.notFound, "not_found", "There is nothing at this path.")
        : Problem(error.status, "malformed_request", error.status.reasonPhrase)
    }
    if StorageFailure.isInvalidValue(error) {
      return Problem(.unprocessableContent, "invalid_request", "A value cannot be stored: it is no text, or too large.")
    }
    if StorageFailure.isPassing(error) {
      logger.warning(
        "the database did not answer", metadata: ["request": "\(context.requestID)", "error": "\(error)"])
      return .unavailable
    }
    logger.error("a request failed", metadata: ["request": "\(context.requestID)", "error": "\(error)"])
    return .internal
  }
}
