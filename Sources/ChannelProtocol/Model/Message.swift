// The one message model that all channels are normalised into.

public enum Direction: String, Sendable, Hashable, CaseIterable { case inbound, outbound }

/// A message as the API shows it.
public struct Message: Sendable, Hashable {
  public var id: Identifier
  public var conversationID: Identifier
  public var contactID: Identifier
  /// The configured channel's id; nil for a message to a number of ours that no channel names.
  public var channel: String?
  public var channelType: ChannelType
  public var direction: Direction
  /// Bare addresses, without a channel prefix.
  public var from: String
  public var to: String
  public var body: String?
  public var content: Content
  public var media: [MediaItem]
  public var status: DeliveryStatus
  public var error: MessageError?
  public var providerSID: String?
  public var segments: Segments?
  /// Comes later than the message's end, or never.
  public var price: Price?
  public var template: TemplateReference?
  public var scheduledAt: Timestamp?
  public var replyTo: Identifier?
  public var resendOf: Identifier?
  public var recovered: Bool
  public var metadata: [String: String]
  public var createdAt: Timestamp
  public var sentAt: Timestamp?
  public var deliveredAt: Timestamp?
  public var readAt: Timestamp?

  public init(
    id: Identifier, conversationID: Identifier, contactID: Identifier, channel: String?, channelType: ChannelType,
    direction: Direction, from: String, to: String, body: String?, content: Content, media: [MediaItem] = [],
    status: DeliveryStatus, error: MessageError? = nil, providerSID: String? = nil, segments: Segments? = nil,
    price: Price? = nil, template: TemplateReference? = nil, scheduledAt: Timestamp? = nil, replyTo: Identifier? = nil,
    resendOf: Identifier? = nil, recovered: Bool = false, metadata: [String: String] = [:], createdAt: Timestamp,
    sentAt: Timestamp? = nil, deliveredAt: Timestamp? = nil, readAt: Timestamp? = nil
  ) {
    self.id = id
    self.conversationID = conversationID
    self.contactID = contactID
    self.channel = channel
    self.channelType = channelType
    self.direction = direction
    self.from = from
    self.to = to
    self.body = body
    self.content = content
    self.media = media
    self.status = status
    self.error = error
    self.providerSID = providerSID
    self.segments = segments
    self.price = price
    self.template = template
    self.scheduledAt = scheduledAt
    self.replyTo = replyTo
    self.resendOf = resendOf
    self.recovered = recovered
    self.metadata = metadata
    self.createdAt = createdAt
    self.sentAt = sentAt
    self.deliveredAt = deliveredAt
    self.readAt = readAt
  }
}

/// Why a message failed: the provider's number or a word of ours.
public struct MessageError: Sendable, Hashable {
  public var code: String
  public var message: String
  /// What it means and what to do, for a person.
  public var explanation: String?
  public var isRetryable: Bool

  public init(code: String, message: String, explanation: String? = nil, isRetryable: Bool = false) {
    self.code = code
    self.message = message
    self.explanation = explanation
    self.isRetryable = isRetryable
  }
}

/// How many parts a text takes on the air, and in which alphabet.
public struct Segments: Sendable, Hashable {
  public enum Encoding: String, Sendable, Hashable {
    case gsm7 = "GSM-7"
    case ucs2 = "UCS-2"
  }

  public var count: Int
  public var encoding: Encoding

  public init(count: Int, encoding: Encoding) {
    self.count = count
    self.encoding = encoding
  }
}

/// A provider's template and the values for its variables.
public struct TemplateReference: Sendable, Hashable {
  public var sid: String
  public var variables: [String: String]

  public init(sid: String, variables: [String: String]) {
    self.sid = sid
    self.variables = variables
  }
}

/// One file of a message.
public struct MediaItem: Sendable, Hashable {
  public enum State: String, Sendable, Hashable, CaseIterable { case pending, ready, failed }

  public var id: Identifier
  public var state: State
  public var contentType: String?
  /// Absolute, under the gateway's public URL; needs a key.
  public var url: String
  /// Bytes; nil until fetched.
  public var size: Int?
  public var filename: String?

  public init(
    id: Identifier, state: State, contentType: String?, url: String, size: Int? = nil, filename: String? = nil
  ) {
    self.id = id
    self.state = state
    self.contentType = contentType
    self.url = url
    self.size = size
    self.filename = filename
  }
}
