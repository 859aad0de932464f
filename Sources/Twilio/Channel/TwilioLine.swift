// Our end of a Twilio channel: account, addresses, keys. What all Twilio adapters do alike is done here.

public import ChannelProtocol
import HTTPTypes

public struct TwilioLine: Sendable {
  public let type: ChannelType
  /// Bare.
  public let addresses: [String]
  /// `MG…`, or nil.
  public let messagingServiceSID: String?
  public let messagesPerSecond: Double
  public let client: TwilioClient
  public let clock: any WallClock
  private let accountSID: String
  private let publicURL: String
  let keywords: OptOutKeywords
  private let signature: RequestSignature

  /// - Parameters:
  ///   - defaultRate: Parts per second where the configuration says nothing.
  ///   - keywords: The words that contacts opt out with.
  ///   - problems: What else is wrong with the entry, to be told with what is wrong with its senders.
  public init(
    type: ChannelType, senders: TwilioSenders, defaultRate: Double, keywords: OptOutKeywords = .standard,
    problems: [ConfigurationProblem] = [], context: ChannelContext
  ) throws(ConfigurationProblems) {
    try ConfigurationProblems.check(senders.problems(of: type) + problems)
    self.type = type
    addresses = senders.addresses
    messagingServiceSID = senders.messagingService
    messagesPerSecond = senders.mps ?? defaultRate
    client = TwilioClient(account: context.account, transport: context.transport)
    clock = context.clock
    accountSID = context.account.accountSID
    publicURL = context.publicURL
    self.keywords = keywords
    signature = RequestSignature(tokens: context.account.authTokens, sharedKeys: context.account.sharedKeys)
  }

  /// One pair of URLs for every channel.
  public static let routes = [
    WebhookRoute(path: "/webhooks/twilio/incoming", purpose: .incoming),
    WebhookRoute(path: "/webhooks/twilio/status", purpose: .status),
  ]

  /// The pool first where there is one, then the addresses.
  public var senders: [Sender] {
    ([messagingServiceSID].compactMap { $0 } + addresses)
      .map { Sender(address: $0, messagesPerSecond: messagesPerSecond) }
  }

  /// A request that names no account is claimed weakly: its signature decides whether it is refused as a forgery or
  /// as no message.
  public func claim(_ request: WebhookRequest) -> WebhookClaim {
    let webhook = TwilioWebhook.reading(request)
    guard let account = webhook.accountSID else { return .account }
    guard account.utf8.elementsEqual(accountSID.utf8) else { return .none }
    guard webhook.channelType.contactType == type.contactType else { return .account }
    guard isOurs(webhook) else { return .kind }
    return webhook.channelType == type ? .exact : .address
  }

  private func isOurs(_ webhook: TwilioWebhook) -> Bool {
    if let address = webhook.ourAddress, addresses.contains(where: { $0.utf8.elementsEqual(address.utf8) }) {
      return true
    }
    return messagingServiceSID != nil && webhook.messagingServiceSID == messagingServiceSID
  }

  /// Verifies first, unless that was done when it came: nothing of an unsigned request is looked at but its account. Reads messages of every Twilio
  /// channel, so that one to a number or channel that nobody configured is kept all the same.
  public func receive(_ request: WebhookRequest) throws(WebhookRejection) -> [InboundEvent] {
    let webhook = TwilioWebhook.reading(request)
    if let account = webhook.accountSID, !account.utf8.elementsEqual(accountSID.utf8) { throw .unknownAccount }
    guard !webhook.fields.isTruncated else { throw .malformed("the form has too many fields") }
    let body: RequestSignature.SignedBody =
      switch webhook.encoding {
      case .query: .none
      case .form: .form(webhook.fields)
      case .json, .unsupported: .digest(request.body)
      }
    guard
      request.isVerified
        || signature.isValid(
          request.headers.value(of: .twilioSignature), settings: request.headers.value(of: .twilioSignatureSettings),
          url: publicURL + request.target, body: body)
    else { throw .badSignature }
    switch webhook.encoding {
    case .unsupported: throw .unsupportedMediaType
    case .json(isValid: false): throw .malformed("the body is no JSON")
    case .json, .form, .query: break
    }
    guard webhook.accountSID != nil else { throw .notAMessage("it names no account") }
    switch webhook.kind {
    case .message:
      return [.message(InboundMessage(webhook, receivedAt: request.receivedAt, keywords: keywords))]
    case .status:
      return [.status(StatusUpdate(webhook, query: request.query, receivedAt: request.receivedAt))]
    case .other(let reason):
      throw .notAMessage(reason)
    }
  }

  /// What every message has: addresses with this channel's prefix, validity, where to report.
  public func request(for message: OutboundMessage) -> MessageRequest {
    var request = MessageRequest(to: prefixed(message.to))
    if message.from.hasPrefix("MG"), message.from == messagingServiceSID {
      request.messagingServiceSID = message.from
    } else {
      request.from = prefixed(message.from)
      request.messagingServiceSID = messagingServiceSID
    }
    request.statusCallback = message.statusCallback.isEmpty ? nil : message.statusCallback
    request.sendAt = message.sendAt
    request.validityPeriod = message.validity.map { min(max(Int($0.inSeconds.rounded(.up)), 1), 36_000) }
    return request
  }

  /// Twilio's spelling of a bare address.
  private func prefixed(_ address: String) -> String {
    type.contactType == .sms ? address : "\(type):\(address)"
  }
}
