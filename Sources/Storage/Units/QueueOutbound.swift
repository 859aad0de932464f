// The way out begins: a batch of messages becomes rows that wait to be sent, and events, in one transaction.

public import ChannelProtocol
import Postgres

/// A message to send, checked and with its sender chosen.
public struct OutboundRecord: Sendable {
  public var id: Identifier
  public var to: Address
  /// The configured channel's id and the message's type on it (`sms` and `mms` share a conversation).
  public var channel: String
  public var channelType: ChannelType
  /// The line of ours the conversation is held on.
  public var line: String
  /// The address, or pool, it leaves from, and the key under which that sender is paced.
  public var sender: String
  public var senderKey: String
  public var accountSID: String
  public var body: String?
  public var content: Content
  /// URLs or ids of uploaded media, in order.
  public var media: [String]
  /// What is known of those of `media` that were uploaded.
  public var uploads: [String: MediaFile]
  public var template: TemplateReference?
  public var segments: Segments?
  /// Parts it takes of the sender's rate.
  public var units: Int
  /// Lower goes first.
  public var priority: Int
  public var scheduledAt: Timestamp?
  /// Seconds.
  public var validFor: Int?
  public var replyTo: Identifier?
  public var resendOf: Identifier?
  public var metadata: [String: String]
  /// Hold it until the contact writes, unless they have within this time.
  public var heldOutside: Duration?
  /// When its sender is to look at it; nil: when it is scheduled, or at once.
  public var runAt: Timestamp?
  /// When it ends if it still waits with us; nil: with its validity.
  public var expiresAt: Timestamp?
  /// The time zone whose quiet hours it keeps.
  public var quietZone: String?
  public var createdAt: Timestamp

  public init(
    id: Identifier, to: Address, channel: String, channelType: ChannelType, line: String, sender: String,
    senderKey: String, accountSID: String, body: String?, content: Content, media: [String] = [],
    uploads: [String: MediaFile] = [:],
    template: TemplateReference? = nil, segments: Segments? = nil, units: Int = 1, priority: Int = 10,
    scheduledAt: Timestamp? = nil, validFor: Int? = nil, replyTo: Identifier? = nil, resendOf: Identifier? = nil,
    metadata: [String: String] = [:], heldOutside: Duration? = nil, createdAt: Timestamp
  ) {
    self.id = id
    self.to = to
    self.channel = channel
    self.channelType = channelType
    self.line = line
    self.sender = sender
    self.senderKey = senderKey
    self.accountSID = accountSID
    self.body = body
    self.content = content
    self.media = media
    self.uploads = uploads
    self.template = template
    self.segments = segments
    self.units = units
    self.priority = priority
    self.scheduledAt = scheduledAt
    self.validFor = validFor
    self.replyTo = replyTo
    self.resendOf = resendOf
    self.metadata = metadata
    self.heldOutside = heldOutside
    self.createdAt = createdAt
  }
}

extension OutboundRecord {
  fileprivate var end: Timestamp? {
    let validity = validFor.map { (scheduledAt ?? createdAt) + .seconds($0) }
    return [expiresAt, validity].compactMap(\.self).min()
  }
}

struct QueueOutbound: BatchOperation {
  let name = "queue_outbound"
  let maximumBatch: Int
  let context: WriteContext

  private static let insertOutbox = Statement(
    "insert_outbox",
    """
    INSERT INTO outbox (message_id, sender_key, channel, sender, priority, units, run_at, state, held_for,
      expires_at, quiet_zone)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int2[], $6::int4[], $7::timestamptz[],
      $8::int2[], $9::uuid[], $10::timestamptz[], $11::text[])
    """)

  func execute(_ items: [OutboundRecord], on connection: Connection) throws -> [Result<Message, any Error>] {
    let resolved = try ConversationResolution(clock: context.clock, cache: nil).resolve(
      items.map {
        ConversationResolution.Request(
          key: ConversationKey(address: $0.to, line: $0.line), channel: $0.channel, profileName: nil, at: $0.createdAt)
      }, on: connection)
    let gone = try UploadLock.missing(in: items, on: connection)
    guard gone.isEmpty else { return try queueOthers(than: gone, of: items, on: connection) }
    let messages = items.indices.map { newMessage(items[$0], resolved[$0]) }
    _ = try NewMessages(context: context, cache: nil, trustsNew: false)
      .write(messages, as: .messageQueued, on: connection) { inserted, touched in
        let new = items.indices.filter { inserted.contains(items[$0].id) }
        guard !new.isEmpty else { return [] }
        let held = heldFor(new, items, messages, touched)
        return [(Self.insertOutbox, outboxParameters(new.map { items[$0] }, heldFor: held))]
      }
    return messages.map { .success($0.message) }
  }

  /// Begins anew: of those that name a file which is gone not even a conversation is left.
  private func queueOthers(
    than gone: [Int: String], of items: [OutboundRecord], on connection: Connection
  ) throws -> [Result<Message, any Error>] {
    try connection.execute(.rollback)
    let others = items.indices.filter { gone[$0] == nil }
    var queued = try others.isEmpty ? [] : execute(others.map { items[$0] }, on: connection)[...]
    return items.indices.compactMap { index in
      gone[index].map { .failure(UploadGone(source: $0)) } ?? queued.popFirst()
    }
  }

  /// The conversation that each message waits for, where its contact has not written meanwhile: the conversation's row
  /// is locked by now, so nobody writes between this look and our commit.
  private func heldFor(
    _ indices: [Int], _ items: [OutboundRecord], _ messages: [NewMessage], _ touched: [TouchedConversation]
  ) -> [Identifier?] {
    let now = context.clock.now()
    return indices.map { index in
      guard let window = items[index].heldOutside else { return nil }
      let id = messages[index].message.conversationID
      let last = touched.first { $0.id == id }?.lastInboundAt
      let leaves = max(now, items[index].scheduledAt ?? now)
      return last.map { $0 + window > leaves } ?? false ? nil : id
    }
  }

  private func outboxParameters(_ items: [OutboundRecord], heldFor held: [Identifier?]) -> Parameters {
    var p = Parameters()
    p.identifierArray(items.map(\.id))
    p.textArray(items.map(\.senderKey))
    p.textArray(items.map(\.channel))
    p.textArray(items.map(\.sender))
    p.int2Array(items.map { Int16(clamping: $0.priority) })
    p.int4Array(items.map { Int32(clamping: $0.units) })
    p.timestampArray(items.map { $0.runAt ?? $0.scheduledAt ?? $0.createdAt })
    p.int2Array(held.map { $0 == nil ? 0 : 3 })
    p.identifierArray(held)
    p.timestampArray(items.map(\.end))
    p.textArray(items.map(\.quietZone))
    return p
  }

  private func newMessage(_ item: OutboundRecord, _ resolved: ResolvedConversation) -> NewMessage {
    let media = item.media.map { source in
      let id = context.clock.makeIdentifier()
      let file = item.uploads[source]
      return MediaItem(
        id: id, state: .ready, contentType: file?.contentType, url: context.resources.mediaURL(id), size: file?.size,
        filename: file?.filename)
    }
    return NewMessage(
      message: Message(
        id: item.id, conversationID: resolved.id, contactID: resolved.contact.id, channel: item.channel,
        channelType: item.channelType, direction: .outbound, from: item.sender, to: item.to.value, body: item.body,
        content: item.content, media: media, status: item.scheduledAt == nil ? .queued : .scheduled,
        segments: item.segments, template: item.template, scheduledAt: item.scheduledAt, replyTo: item.replyTo,
        resendOf: item.resendOf, metadata: item.metadata, createdAt: item.createdAt),
      accountSID: item.accountSID, validFor: item.validFor, mediaSources: item.media, raw: nil, conversation: resolved)
  }
}
