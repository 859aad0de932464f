// One call of the Content API: signed in by its credentials alone, JSON both ways.

import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// A call that has signed in. The account is that of the credentials: the Content API's paths name none.
struct ContentCall: Sendable {
  var account: SandboxAccount
  /// `http://host:port`, as the client called us: URLs in answers begin with it.
  var base: String
  var path: String
  var query: FormFields
  /// The body; null where there is none.
  var json: JSONValue
  /// The route's parameter.
  var contentSID: String
}

struct ContentCallHandler: Sendable {
  let sandbox: Sandbox

  func handle(
    _ request: Request, _ context: SandboxRequestContext,
    _ operation: @Sendable (ContentCall) async throws(TwilioError) -> APIAnswer
  ) async -> Response {
    let start = ContinuousClock.now
    var response: Response
    do throws(TwilioError) {
      let account = try authenticate(request)
      if let status = sandbox.change({ $0.chaos.nextContentFailure() }) {
        throw status == 429
          ? .tooManyRequests
          : TwilioError(
            status: status, code: TwilioError.internalError.code, message: TwilioError.internalError.message)
      }
      let call = ContentCall(
        account: account, base: "http://\(request.head.authority ?? "localhost")", path: request.uri.path,
        query: FormFields(decoding: request.uri.query ?? ""), json: try await Self.json(request),
        contentSID: context.parameters.get("content") ?? "")
      response = APICallHandler.response(try await operation(call))
    } catch {
      response = APICallHandler.response(error.status == 503 ? .html(503) : .json(error.status, error.json))
    }
    APICallHandler.appendTwilioHeaders(&response, duration: start.duration(to: .now))
    return response
  }

  private func authenticate(_ request: Request) throws(TwilioError) -> SandboxAccount {
    guard let credentials = BasicCredentials(request.headers),
      let account = sandbox.read({ $0.accounts.first { credentials.open($0) } })
    else { throw .unauthenticated }
    return account
  }

  private static func json(_ request: Request) async throws(TwilioError) -> JSONValue {
    guard request.method == .post else { return .null }
    guard let body = try? await request.body.collect(upTo: 256 << 10) else {
      throw TwilioError(status: 413, code: 20001, message: "The request body is too large")
    }
    guard let json = try? JSONValue(parsing: body.readableBytesView), json.members != nil
    else { throw .invalidParameter("The body is no JSON object") }
    return json
  }
}
