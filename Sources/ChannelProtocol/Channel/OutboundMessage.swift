// What an adapter is asked to send, what it answers, and how it may fail.

/// A message on its way out: all checks are made, the sender is chosen.
public struct OutboundMessage: Sendable, Hashable {
  public var id: Identifier
  /// Bare address of the sender, or the pool's id (`MG…`).
  public var from: String
  /// Bare address of the contact.
  public var to: String
  public var channelType: ChannelType
  public var body: String?
  public var content: Content
  /// URLs the provider can fetch.
  public var mediaURLs: [String]
  public var template: TemplateReference?
  /// What the provider may show as the message's text, where it makes that itself (of a template, of interactive
  /// content). Known when the message is looked up, as far as it is; empty otherwise.
  public var renderedTexts: [String] = []
  /// How long the provider may hold it.
  public var validity: Duration?
  /// When the provider is to send it, which keeps it until then (``MessageScheduling``); nil: at once.
  public var sendAt: Timestamp?
  /// Where the provider reports to; carries our id, so that a report which overtakes the answer finds its message.
  public var statusCallback: String

  public init(
    id: Identifier, from: String, to: String, channelType: ChannelType, body: String?, content: Content,
    mediaURLs: [String] = [], template: TemplateReference? = nil, validity: Duration? = nil, statusCallback: String
  ) {
    self.id = id
    self.from = from
    self.to = to
    self.channelType = channelType
    self.body = body
    self.content = content
    self.mediaURLs = mediaURLs
    self.template = template
    self.validity = validity
    self.statusCallback = statusCallback
  }
}

/// The provider has the message.
public struct SendReceipt: Sendable, Hashable {
  public var providerSID: String
  public var status: DeliveryStatus
  /// The provider's own word.
  public var providerStatus: String
  public var segmentCount: Int?
  /// The sender, where the provider chose it.
  public var from: String?
  public var raw: RawPayload
  /// Of a look-up: it may be another message as well. It is never taken for the one looked for, nor its absence
  /// believed while it is nobody's.
  public var isDoubtful = false

  public init(
    providerSID: String, status: DeliveryStatus, providerStatus: String, segmentCount: Int? = nil, from: String? = nil,
    raw: RawPayload
  ) {
    self.providerSID = providerSID
    self.status = status
    self.providerStatus = providerStatus
    self.segmentCount = segmentCount
    self.from = from
    self.raw = raw
  }
}

/// Why a send did not succeed: exactly what the engine must know to decide, and words for a person.
public struct SendFailure: Error, Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// The provider refused for good.
    case rejected
    /// Not processed; may succeed later.
    case transient
    /// Not processed; too fast.
    case throttled(retryAfter: Duration?)
    /// Refused: the contact opted out.
    case optedOut
    /// Refused: something of ours must be mended first (credentials, permissions, a sender).
    case misconfigured
    /// The provider may or may not have it: never repeat blindly.
    case unknownOutcome
  }

  public var kind: Kind
  /// The provider's code, or a word of ours.
  public var code: String
  public var message: String
  /// What it means and what to do.
  public var explanation: String?
  /// How often what is transient may be tried again; nil: as often as the engine does.
  public var maximumRepeats: Int?
  /// The fault lies with our account, not with the message: whatever its sender sends would be refused alike. The sender
  /// waits this long, and the message with it. nil: the refusal is of this message.
  public var senderPause: Duration?

  public init(_ kind: Kind, code: String, message: String, explanation: String? = nil) {
    self.kind = kind
    self.code = code
    self.message = message
    self.explanation = explanation
  }
}

/// For log lines: what the provider said, without our advice.
extension SendFailure: CustomStringConvertible {
  public var description: String { "\(code): \(message)" }
}
