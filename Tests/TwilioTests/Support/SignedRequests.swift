// Requests as Twilio would send them, signed by a second implementation of the rules.

import ChannelProtocol
import Crypto
import Foundation
import HTTPTypes
import Logging
import Synchronization
import Twilio

/// What the fixtures agree on.
enum Sample {
  static let accountSID = "ACfeedc0de000000000000000000000001"
  static let publicURL = "https://gw.example.org"
  static let now = Timestamp(seconds: 1_790_783_000)
}

extension WebhookRequest {
  /// A form posted by Twilio, or, with a null body, a GET whose parameters are in the target.
  static func signed(
    _ fields: [(name: String, value: String)], target: String = "/webhooks/twilio/incoming",
    token: String = "test_auth_token_primary", method: HTTPRequest.Method = .post
  ) -> WebhookRequest {
    var target = target
    var text = ""
    if method == .get {
      target += (target.contains("?") ? "&" : "?") + String(decoding: FormEncoding.encode(fields), as: UTF8.self)
    } else {
      for field in fields.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
        text += field.name + field.value
      }
    }
    let code = HMAC<Insecure.SHA1>.authenticationCode(
      for: Data((Sample.publicURL + target + text).utf8), using: SymmetricKey(data: Data(token.utf8)))
    var headers: HTTPFields = [.xTwilioSignature: Data(code).base64EncodedString()]
    if method == .post { headers[.contentType] = "application/x-www-form-urlencoded; charset=UTF-8" }
    return WebhookRequest(
      method: method, target: target, headers: headers, body: method == .post ? FormEncoding.encode(fields) : [],
      receivedAt: Sample.now)
  }
}

extension HTTPField.Name {
  static let xTwilioSignature = HTTPField.Name("X-Twilio-Signature")!
}

struct StoppedClock: WallClock {
  var time = Sample.now
  func now() -> Timestamp { time }
}

extension Account {
  static let test = Account(
    id: "main", accountSID: Sample.accountSID, authTokens: [Secret("test_auth_token_primary"), Secret("second")])
}

extension ChannelContext {
  static func test(account: Account = .test, transport: any HTTPTransport = ScriptedTransport([])) -> ChannelContext {
    ChannelContext(
      channelID: "test", account: account, publicURL: Sample.publicURL, transport: transport, clock: StoppedClock(),
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }
}

extension TwilioLine {
  static func test(
    _ type: ChannelType = .sms, from: [String] = ["+15005550006"], context: ChannelContext = .test()
  ) throws -> TwilioLine {
    try TwilioLine(type: type, senders: TwilioSenders(from: from), defaultRate: 1, context: context)
  }
}

/// Answers requests in order, and keeps what was asked.
final class ScriptedTransport: HTTPTransport {
  struct Answer: Sendable {
    var status = 200
    var headers: HTTPFields = [:]
    var body: [UInt8] = []
    var failure: TransportFailure?
  }

  struct Asked: Sendable {
    var request: HTTPRequest
    var body: [UInt8]
    var url: String { "\(request.scheme ?? "")://\(request.authority ?? "")\(request.path ?? "")" }
  }

  private let state: Mutex<(answers: [Answer], asked: [Asked])>

  init(_ answers: [Answer]) { state = Mutex((answers, [])) }

  var asked: [Asked] { state.withLock { $0.asked } }

  func send(_ request: HTTPRequest, body: [UInt8], deadline: Duration) async throws(TransportFailure)
    -> (response: HTTPResponse, body: [UInt8])
  {
    let answer: Answer? = state.withLock { state in
      state.asked.append(Asked(request: request, body: body))
      return state.answers.isEmpty ? nil : state.answers.removeFirst()
    }
    guard let answer else { throw TransportFailure(mayHaveArrived: false, message: "nothing scripted") }
    if let failure = answer.failure { throw failure }
    return (HTTPResponse(status: .init(code: answer.status), headerFields: answer.headers), answer.body)
  }
}

extension ScriptedTransport.Answer {
  /// The answer of a fixture under `api/`.
  init(fixture name: String) throws {
    let response = try Fixtures.json("api/\(name)")["response"]
    status = Int(response?["status"]?.integerValue ?? 0)
    for (name, value) in response?["headers"]?.objectValue ?? [:] {
      if let name = HTTPField.Name(name) { headers[name] = value.stringValue }
    }
    switch response?["body"] {
    case .string(let text): body = Array(text.utf8)
    case .null, nil: break
    case .some(let json): body = Array(try JSONEncoder().encode(json))
    }
  }
}
