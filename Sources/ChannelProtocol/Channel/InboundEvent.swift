// What an adapter makes of a provider's request.

public enum InboundEvent: Sendable, Hashable {
  case message(InboundMessage)
  case status(StatusUpdate)
}

/// A message from a contact, normalised.
public struct InboundMessage: Sendable, Hashable {
  /// The provider's account and id: a message is stored once for each pair.
  public var accountSID: String
  public var providerSID: String
  public var channelType: ChannelType
  /// The contact's bare address; any text a provider gives.
  public var from: String
  /// Our bare address.
  public var to: String
  public var body: String?
  public var content: Content
  public var media: [InboundMedia]
  /// The name the contact gave themselves.
  public var profileName: String?
  /// Further names of the same person on this channel (an id beside the phone number).
  public var aliases: [String]
  /// The provider's id of the message this one answers.
  public var replyToProviderSID: String?
  public var optOut: OptOutSignal?
  /// The provider itself gave the signal, and has answered the contact.
  public var isOptOutAnswered: Bool
  /// The pool of ours that it came through.
  public var pool: String?
  public var segmentCount: Int?
  public var receivedAt: Timestamp
  /// The provider found by reconciliation, not by a webhook.
  public var recovered: Bool
  /// Every field as the provider sent it.
  public var raw: RawPayload

  public init(
    accountSID: String, providerSID: String, channelType: ChannelType, from: String, to: String, body: String?,
    content: Content, media: [InboundMedia] = [], profileName: String? = nil, aliases: [String] = [],
    replyToProviderSID: String? = nil, optOut: OptOutSignal? = nil, isOptOutAnswered: Bool = false,
    pool: String? = nil, segmentCount: Int? = nil, receivedAt: Timestamp,
    recovered: Bool = false, raw: RawPayload
  ) {
    self.accountSID = accountSID
    self.providerSID = providerSID
    self.channelType = channelType
    self.from = from
    self.to = to
    self.body = body
    self.content = content
    self.media = media
    self.profileName = profileName
    self.aliases = aliases
    self.replyToProviderSID = replyToProviderSID
    self.optOut = optOut
    self.isOptOutAnswered = isOptOutAnswered
    self.pool = pool
    self.segmentCount = segmentCount
    self.receivedAt = receivedAt
    self.recovered = recovered
    self.raw = raw
  }
}

/// A file of an inbound message, still at the provider.
public struct InboundMedia: Sendable, Hashable {
  public var url: String
  /// What the sender says it is.
  public var contentType: String?
  public var filename: String?

  public init(url: String, contentType: String?, filename: String? = nil) {
    self.url = url
    self.contentType = contentType
    self.filename = filename
  }
}

/// What a contact asks for with a keyword.
public enum OptOutSignal: String, Sendable, Hashable { case stop, start, help }

/// A report on a message of ours.
public struct StatusUpdate: Sendable, Hashable {
  public var accountSID: String
  public var providerSID: String
  /// Our id, where the callback's URL carried it.
  public var messageID: Identifier?
  public var report: StatusReport
  /// Set where the provider chose the sender or counted the parts.
  public var from: String?
  public var segmentCount: Int?
  /// What it cost, where that is known by now.
  public var price: Price?
  public var raw: RawPayload

  public init(
    accountSID: String, providerSID: String, messageID: Identifier?, report: StatusReport, from: String? = nil,
    segmentCount: Int? = nil, price: Price? = nil, raw: RawPayload
  ) {
    self.accountSID = accountSID
    self.providerSID = providerSID
    self.messageID = messageID
    self.report = report
    self.from = from
    self.segmentCount = segmentCount
    self.price = price
    self.raw = raw
  }
}

/// A provider's payload as one JSON object, every field kept: `{"From":"+1…","Tags":["a","b"]}` (a repeated field
/// becomes an array).
public struct RawPayload: Sendable, Hashable {
  /// UTF-8 JSON.
  public var json: [UInt8]
  public init(json: [UInt8]) { self.json = json }
  public static let empty = RawPayload(json: Array("{}".utf8))
}
