// What a conformance check is given: the adapter's options, its provider's requests, and its provider's answers.

public import ChannelProtocol
public import HTTPTypes

/// A provider as a channel's author knows it, written down so that ``AdapterConformance`` can play it.
public struct AdapterFixtures<Adapter: ChannelAdapter>: Sendable {
  /// The options that the adapter is made with.
  public var configuration: Adapter.Configuration
  public var account: Account
  /// The gateway's public base URL, without a trailing slash.
  public var publicURL: String
  /// Requests of the provider's to this account and channel: one of every kind it can send.
  public var requests: [SampleRequest]
  /// Requests that name an account which is not ours, otherwise as good as any.
  public var foreign: [SampleRequest]
  /// Makes a request as the provider would: encoded, and signed for ``account``.
  public var sign: @Sendable (SampleRequest) -> WebhookRequest
  /// The header fields that carry the signature, or the token that stands for one.
  public var signatureFields: [HTTPField.Name]
  /// False where the provider sends a token that is the same for every request.
  public var signatureCoversBody: Bool
  /// A contact's bare address, to send to.
  public var recipient: String
  /// How the provider says that it has taken a message.
  public var accepted: ScriptedTransport.Answer
  /// How the provider says no, and what each no means.
  public var failures: [ProviderFailure]
  /// What a 5xx means. ``SendFailure/Kind/transient`` only for a provider that never has a message it answered so.
  public var serverErrors: SendFailure.Kind
  /// Content to send where ``ChannelCapabilities/interactive`` is promised: one of every type.
  public var interactive: [Content.Kind]
  /// How the provider says that it keeps interactive content, for adapters that deposit it.
  public var deposited: ScriptedTransport.Answer?

  public init(
    configuration: Adapter.Configuration, account: Account, publicURL: String, requests: [SampleRequest],
    foreign: [SampleRequest], sign: @escaping @Sendable (SampleRequest) -> WebhookRequest,
    signatureFields: [HTTPField.Name], signatureCoversBody: Bool = true, recipient: String,
    accepted: ScriptedTransport.Answer, failures: [ProviderFailure], serverErrors: SendFailure.Kind = .unknownOutcome,
    interactive: [Content.Kind] = [], deposited: ScriptedTransport.Answer? = nil
  ) {
    self.configuration = configuration
    self.account = account
    self.publicURL = publicURL
    self.requests = requests
    self.foreign = foreign
    self.sign = sign
    self.signatureFields = signatureFields
    self.signatureCoversBody = signatureCoversBody
    self.recipient = recipient
    self.accepted = accepted
    self.failures = failures
    self.serverErrors = serverErrors
    self.interactive = interactive
    self.deposited = deposited
  }
}

/// A request of a provider's before it is encoded and signed.
public struct SampleRequest: Sendable, Hashable {
  /// A field of a form, or a member of a JSON object.
  public struct Field: Sendable, Hashable {
    public var name: String
    public var value: JSONValue

    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// What an adapter must make of it.
  public enum Expectation: Sendable, Hashable {
    /// A message whose content is understood.
    case message
    /// A message whose content is `unknown`.
    case unknown
    case status
    /// This event, in every field.
    case exactly(InboundEvent)
  }

  /// What it is called in a violation: a file's name, say.
  public var name: String
  /// Path and query, as in the request line.
  public var target: String
  public var fields: [Field]
  public var expected: [Expectation]
  /// How strongly the adapter must claim it, at least.
  public var claim: WebhookClaim
  /// False for a message from an address that nothing can be sent to.
  public var isAnswerable: Bool

  public init(
    _ name: String, target: String, fields: [Field], expected: [Expectation], claim: WebhookClaim = .kind,
    isAnswerable: Bool = true
  ) {
    self.name = name
    self.target = target
    self.fields = fields
    self.expected = expected
    self.claim = claim
    self.isAnswerable = isAnswerable
  }
}

/// An answer by which a provider refuses a message.
public struct ProviderFailure: Sendable {
  /// What it is called in a violation.
  public var name: String
  public var answer: ScriptedTransport.Answer
  /// What it means to the engine.
  public var kind: SendFailure.Kind

  public init(_ name: String, _ answer: ScriptedTransport.Answer, _ kind: SendFailure.Kind) {
    self.name = name
    self.answer = answer
    self.kind = kind
  }
}
