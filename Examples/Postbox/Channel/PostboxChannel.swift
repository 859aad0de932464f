// The channel of `docs/adding-a-channel.md`: a provider that does not exist, and has nothing of Twilio's. It posts
// JSON, signed with the account's token. A test holds the page and this file together.

public import ChannelProtocol
import Crypto
import Foundation
import HTTPTypes

/// The options of a `postbox` entry in `channels.yaml`.
public struct PostboxConfiguration: ChannelConfiguration {
  public var from: [String]

  public static let keys = [
    ConfigurationKey("from", .list(.string), required: true, "Our boxes; the first one sends.")
  ]
}

public struct PostboxChannel: ChannelAdapter {
  public static let type = ChannelType("postbox")

  public let senders: [Sender]
  private let context: ChannelContext

  public init(configuration: PostboxConfiguration, context: ChannelContext) throws {
    guard !configuration.from.isEmpty
    else { throw ConfigurationProblem(path: ["from"], "A postbox channel needs a box of ours.") }
    senders = configuration.from.map { Sender(address: $0, messagesPerSecond: 10) }
    self.context = context
  }

  public var capabilities: ChannelCapabilities { ChannelCapabilities(maximumBodyLength: 1_000, recipients: .id) }

  public var routes: [WebhookRoute] {
    [
      WebhookRoute(path: "/webhooks/postbox/letters", purpose: .incoming),
      WebhookRoute(path: "/webhooks/postbox/reports", purpose: .status),
    ]
  }
}

extension PostboxChannel {
  public func claim(_ request: WebhookRequest) -> WebhookClaim {
    let letter = Letter.reading(request)
    guard let account = letter["account"] else { return .account }
    guard account == context.account.accountSID else { return .none }
    return senders.contains { $0.address == letter["box"] } ? .exact : .kind
  }

  public func receive(_ request: WebhookRequest) throws(WebhookRejection) -> [InboundEvent] {
    let letter = Letter.reading(request)
    if let account = letter["account"], account != context.account.accountSID { throw .unknownAccount }
    guard request.isVerified || isSigned(request) else { throw .badSignature }
    guard let members = letter.members else { throw .malformed("the body is no JSON object") }
    guard let account = letter["account"], let id = letter["id"], let box = letter["box"], let person = letter["person"]
    else { throw .notAMessage("it names no letter, no box or no person") }
    let raw = RawPayload(json: request.body)
    if let word = letter["status"] {
      let report = StatusReport(
        status: DeliveryStatus(postbox: word), providerStatus: word, at: request.receivedAt, source: .callback)
      return [
        .status(
          StatusUpdate(
            accountSID: account, providerSID: id, messageID: letter["reference"].flatMap { Identifier($0) },
            report: report, raw: raw))
      ]
    }
    let kind: Content.Kind = letter["text"].map { .text($0) } ?? .unknown(providerType: letter["kind"], raw: members)
    return [
      .message(
        InboundMessage(
          accountSID: account, providerSID: id, channelType: Self.type, from: person, to: box, body: letter["text"],
          content: Content(kind), receivedAt: request.receivedAt, raw: raw))
    ]
  }

  /// Any of the account's tokens will do, so that one can be replaced by another.
  private func isSigned(_ request: WebhookRequest) -> Bool {
    guard let name = HTTPField.Name("Postbox-Signature"), let text = request.headers[name],
      let code = Data(base64Encoded: text)
    else { return false }
    return context.account.authTokens.contains { token in
      HMAC<SHA256>.isValidAuthenticationCode(
        code, authenticating: request.body, using: SymmetricKey(data: Array(token.plaintext.utf8)))
    }
  }
}

extension PostboxChannel {
  public func send(_ message: OutboundMessage) async throws(SendFailure) -> SendReceipt {
    if let refusal = capabilities.refusal(of: message) { throw .unsupportedContent(refusal) }
    guard case .text(let text) = message.content.kind
    else { throw .unsupportedContent("A letter carries text only.") }
    var letter = JSONWriter()
    letter.object { letter in
      letter.member("box", message.from)
      letter.member("person", message.to)
      letter.member("text", message.body ?? text)
      letter.member("reference", message.id)
      letter.member("reports", message.statusCallback)
    }
    let (response, body) = try await post(letter.bytes)
    guard response.status.kind == .successful else { throw failure(response, Letter(body)) }
    guard let id = Letter(body)["id"] else {
      throw SendFailure(.unknownOutcome, code: "unknown_outcome", message: "The answer names no letter")
    }
    return SendReceipt(
      providerSID: id, status: .accepted, providerStatus: "taken", raw: RawPayload(json: body))
  }

  /// One call, and only one: the engine decides on retries.
  private func post(_ body: [UInt8]) async throws(SendFailure) -> (HTTPResponse, [UInt8]) {
    let provider = URL(string: context.account.baseURL ?? "https://api.postbox.example")
    let port = provider?.port.map { ":\($0)" } ?? ""
    let request = HTTPRequest(
      method: .post, scheme: provider?.scheme, authority: provider?.host().map { $0 + port }, path: "/letters",
      headerFields: [
        .authorization: "Bearer \(context.account.authTokens[0].plaintext)", .contentType: "application/json",
      ])
    do {
      let answer = try await context.transport.send(request, body: body, deadline: .seconds(15))
      return (answer.response, answer.body)
    } catch {
      throw error.mayHaveArrived
        ? SendFailure(.unknownOutcome, code: "unknown_outcome", message: error.message)
        : SendFailure(.transient, code: "connection_failed", message: error.message)
    }
  }

  private func failure(_ response: HTTPResponse, _ answer: Letter) -> SendFailure {
    let status = response.status.code
    let seconds = response.headerFields[.retryAfter].flatMap { Int($0) }
    let kind: SendFailure.Kind =
      switch (status, answer["error"]) {
      case (429, _): .throttled(retryAfter: seconds.map { .seconds($0) })
      case (500..., _): .unknownOutcome
      case (401, _), (403, _): .misconfigured
      case (_, "unwanted"): .optedOut
      default: .rejected
      }
    return SendFailure(
      kind, code: answer["error"] ?? "http_\(status)", message: answer["words"] ?? "Postbox answered \(status)")
  }
}

/// A JSON object of the provider's.
private struct Letter {
  let members: [String: JSONValue]?

  init(_ body: [UInt8]) {
    members = (try? JSONDecoder().decode(JSONValue.self, from: Data(body)))?.objectValue
  }

  /// Parsed once, however many channels look at the request.
  static func reading(_ request: WebhookRequest) -> Letter {
    request.parsed(as: Letter.self) { Letter($0.body) }
  }

  subscript(name: String) -> String? { members?[name]?.stringValue }
}

extension DeliveryStatus {
  /// Nil for a word we do not know: it is kept in the message's history, and moves nothing.
  fileprivate init?(postbox word: String) {
    switch word {
    case "taken": self = .sent
    case "delivered": self = .delivered
    case "opened": self = .read
    case "returned": self = .undelivered
    default: return nil
    }
  }
}
