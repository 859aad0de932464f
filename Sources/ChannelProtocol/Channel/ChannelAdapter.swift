// What a channel is to the gateway. A new channel is one type that conforms to this.

/// Translates between one channel of a provider and the message model. The engine mounts the adapter's routes, asks
/// it whose a request is, and never reads a provider's form itself.
public protocol ChannelAdapter: Sendable {
  associatedtype Configuration: ChannelConfiguration

  /// The word in `channels.yaml`: `sms`, `mms`, `whatsapp`.
  static var type: ChannelType { get }

  /// - Throws: ``ConfigurationProblem`` for what decodes but cannot be.
  init(configuration: Configuration, context: ChannelContext) throws

  var capabilities: ChannelCapabilities { get }

  /// What the entry in `channels.yaml` asks of the engine; left out: the defaults.
  var policies: ChannelPolicies { get }

  /// The paths the provider calls. Several adapters may name the same one.
  var routes: [WebhookRoute] { get }

  /// Our addresses on this channel, bare, the first one the default sender; or the pool that stands for them.
  var senders: [Sender] { get }

  /// Whose the request is, judged by its words alone, before any signature is checked. The strongest claim receives.
  func claim(_ request: WebhookRequest) -> WebhookClaim

  /// Verifies, parses and normalises. Synchronous and pure: the same request gives the same events.
  func receive(_ request: WebhookRequest) throws(WebhookRejection) -> [InboundEvent]

  /// Makes one call to the provider, and only one: the engine decides on retries.
  func send(_ message: OutboundMessage) async throws(SendFailure) -> SendReceipt
}

extension ChannelAdapter {
  public var policies: ChannelPolicies { ChannelPolicies() }
}

/// An adapter that can say what became of a message whose `send` gave no answer.
public protocol OutcomeLookup: ChannelAdapter {
  /// Looks the message up at the provider by what tells it: recipient, sender, time and contents.
  /// - Returns: every message of the provider's that may be this one, the likeliest first; none: it provably has not got
  ///   it.
  ///   Which of several alike belong to other messages of ours, the engine knows. What cannot be told apart from
  ///   another message is ``SendReceipt/isDoubtful``.
  /// - Throws: ``SendFailure`` where the provider could not be asked; nothing is known then.
  func lookUp(_ message: OutboundMessage, attemptedAt: Timestamp) async throws(SendFailure) -> [SendReceipt]
}

/// An adapter that can fetch a message's present state from the provider.
public protocol StatusLookup: ChannelAdapter {
  /// Whether the provider says what a message cost, some hours later at most; false if left out.
  var tellsPrices: Bool { get }
  func status(ofProviderSID sid: String) async throws(SendFailure) -> StatusUpdate
}

extension StatusLookup {
  public var tellsPrices: Bool { false }
}

/// An adapter whose texts are counted in parts.
public protocol SegmentCounting: ChannelAdapter {
  /// How many parts a text takes on the air, in which alphabet, and which characters force it. Pure.
  func measure(_ body: String) -> TextMeasure
}

extension SegmentCounting {
  public func segments(of body: String) -> Segments { measure(body).segments }
}

/// A number, short code, pool or agent of ours that messages leave from.
public struct Sender: Hashable, Sendable {
  /// Bare address (`+1500…`), or the pool's id (`MG…`).
  public var address: String
  /// Parts per second the provider takes from this sender.
  public var messagesPerSecond: Double

  public init(address: String, messagesPerSecond: Double) {
    self.address = address
    self.messagesPerSecond = messagesPerSecond
  }
}

/// A path a provider calls, below the gateway's public URL.
public struct WebhookRoute: Hashable, Sendable {
  public enum Purpose: String, Hashable, Sendable { case incoming, status }

  public var path: String
  public var purpose: Purpose

  public init(path: String, purpose: Purpose) {
    self.path = path
    self.purpose = purpose
  }
}

/// How strongly an adapter claims a request.
public enum WebhookClaim: Int, Comparable, Sendable {
  /// Not ours: another account, or nothing that can be read.
  case none
  /// Our account, but neither our kind of channel nor our address.
  case account
  /// Our account and kind of channel; the address is nobody's.
  case kind
  /// Our address.
  case address
  /// Our address and exactly our kind of message.
  case exact

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
