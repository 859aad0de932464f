// One call of the REST API: signed in, decoded, answered with Twilio's headers.

import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// A call that has signed in.
struct APICall: Sendable {
  var account: SandboxAccount
  /// The path as requested.
  var path: String
  var query: FormFields
  var form: FormFields
  /// The route's parameters.
  var messageSID: String
  var mediaSID: String
  var channel: any Channel
}

/// What is answered.
enum APIAnswer: Sendable {
  case json(Int, JSONValue)
  case empty(Int)
  case redirect(String)
  /// An error that came from something before Twilio.
  case html(Int)
  /// Nothing: the connection has been closed.
  case abandoned
}

/// Turns requests into calls and answers into responses.
struct APICallHandler: Sendable {
  typealias Operation = @Sendable (APICall) async throws(TwilioError) -> APIAnswer

  let sandbox: Sandbox

  /// How a route's path ends.
  enum Ending: Sendable {
    /// In `.json`; without it Twilio would answer XML.
    case json
    /// In `.json` for the metadata, without for the file itself.
    case any
  }

  func handle(
    _ request: Request, _ context: SandboxRequestContext, _ ending: Ending = .json, _ operation: Operation
  ) async -> Response {
    let start = ContinuousClock.now
    var response: Response
    do throws(TwilioError) {
      let path = request.uri.path
      let account = try authenticate(request)
      if ending == .json, !path.hasSuffix(".json") { return Self.xml(.notFound(path)) }
      let call = APICall(
        account: account, path: path, query: FormFields(decoding: request.uri.query ?? ""),
        form: try await Self.form(request), messageSID: Self.sid(context, "message"),
        mediaSID: Self.sid(context, "media"), channel: context.channel)
      response = Self.response(try await operation(call))
    } catch {
      response = error.status == 503 ? Self.response(.html(503)) : Self.response(.json(error.status, error.json))
      if error.status == 401, let name = HTTPField.Name("WWW-Authenticate") {
        response.headers[name] = "Basic realm=\"Twilio API\""
      }
    }
    Self.appendTwilioHeaders(&response, duration: start.duration(to: .now))
    return response
  }

  /// The account in the path must be the one that signs in.
  private func authenticate(_ request: Request) throws(TwilioError) -> SandboxAccount {
    // "", "2010-04-01", "Accounts", "AC…"
    let parts = request.uri.path.split(separator: "/", omittingEmptySubsequences: false)
    let sid = parts.count > 3 ? parts[3].prefix { $0 != "." } : ""
    guard let credentials = BasicCredentials(request.headers),
      let account = sandbox.read({ $0.account(String(sid)) }), credentials.open(account)
    else { throw .unauthenticated }
    return account
  }

  private static func form(_ request: Request) async throws(TwilioError) -> FormFields {
    guard request.method == .post else { return FormFields() }
    let isForm = request.headers[.contentType]?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
    guard let body = try? await request.body.collect(upTo: 256 << 10) else {
      throw TwilioError(status: 413, code: 20001, message: "The request body is too large")
    }
    return isForm ? FormFields(decoding: String(buffer: body)) : FormFields()
  }

  private static func sid(_ context: SandboxRequestContext, _ name: String) -> String {
    let text = context.parameters.get(name) ?? ""
    return text.hasSuffix(".json") ? String(text.dropLast(5)) : text
  }

  static func response(_ answer: APIAnswer) -> Response {
    switch answer {
    case .json(let status, let value):
      return Response(
        status: .init(code: status), headers: [.contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(string: value.text)))
    case .empty(let status):
      return Response(status: .init(code: status))
    case .redirect(let url):
      return Response(status: .temporaryRedirect, headers: [.location: url])
    case .html(let status):
      return Response(
        status: .init(code: status), headers: [.contentType: "text/html"],
        body: .init(
          byteBuffer: ByteBuffer(string: "<html><body><h1>\(status) Service Unavailable</h1></body></html>")))
    case .abandoned:
      return Response(status: .internalServerError)
    }
  }

  /// Without `.json` Twilio speaks XML; the sandbox says so and no more.
  private static func xml(_ error: TwilioError) -> Response {
    let text = """
      <?xml version='1.0' encoding='UTF-8'?>
      <TwilioResponse><RestException><Code>\(error.code)</Code><Message>The sandbox speaks JSON only: append .json \
      to the path</Message><MoreInfo>https://www.twilio.com/docs/errors/\(error.code)</MoreInfo>\
      <Status>\(error.status)</Status></RestException></TwilioResponse>
      """
    return Response(
      status: .init(code: error.status), headers: [.contentType: "application/xml"],
      body: .init(byteBuffer: ByteBuffer(string: text)))
  }

  static func appendTwilioHeaders(_ response: inout Response, duration: Duration) {
    let milliseconds = Int(duration.microseconds / 1000)
    let padding = String(repeating: "0", count: max(0, 3 - String(milliseconds % 1000).utf8.count))
    for (name, value) in [
      ("Twilio-Concurrent-Requests", "1"), ("Twilio-Request-Id", SandboxSID.make("RQ")),
      ("Twilio-Request-Duration", "\(milliseconds / 1000).\(padding)\(milliseconds % 1000)"),
      ("X-Home-Region", "us1"), ("X-API-Domain", "api.twilio.com"),
    ] {
      if let name = HTTPField.Name(name) { response.headers[name] = value }
    }
  }
}
