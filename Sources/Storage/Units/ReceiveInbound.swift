// The way in: a batch of provider messages becomes rows and events in one transaction.

public import ChannelProtocol
import Postgres

/// A message from a provider, with what the engine decided about it.
public struct InboundRecord: Sendable {
  /// The id it will have, unless it was stored before.
  public var id: Identifier
  public var message: InboundMessage
  /// The configured channel that names our address; nil: none does.
  public var channel: String?
  /// The line of ours its conversation is held on.
  public var line: String

  public init(id: Identifier, message: InboundMessage, channel: String?, line: String) {
    self.id = id
    self.message = message
    self.channel = channel
    self.line = line
  }
}

extension InboundRecord {
  fileprivate var conversationKey: ConversationKey {
    ConversationKey(address: Address(type: message.channelType, value: message.from), line: line)
  }
}

/// What became of an inbound message.
public enum InboundOutcome: Sendable, Hashable {
  case stored
  /// The provider's id was known already: nothing was written.
  case duplicate
}

struct ReceiveInbound: BatchOperation {
  let name = "receive_inbound"
  let maximumBatch: Int
  let context: WriteContext
  let cache = ConversationCache()

  private static let replies = Statement(
    "resolve_replies",
    """
    SELECT m.id FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(account, sid, ord)
    LEFT JOIN LATERAL (
      SELECT m.id FROM messages m WHERE m.provider_sid = k.sid AND m.account_sid = k.account LIMIT 1) m ON true
    ORDER BY k.ord
    """)

  func execute(_ items: [InboundRecord], on connection: Connection) throws -> [Result<InboundOutcome, any Error>] {
    do {
      let inserted: Set<Identifier>
      do {
        inserted = try write(items, trustsNew: true, on: connection)
      } catch let error as PostgresError where error.sqlState == .uniqueViolation {
        // The provider has told of one of them before.
        if connection.isInTransaction { try connection.execute(.rollback) }
        inserted = try write(items, trustsNew: false, on: connection)
      }
      return items.map { .success(inserted.contains($0.id) ? .stored : .duplicate) }
    } catch {
      // What was remembered may be why.
      cache.forget(items.map(\.conversationKey))
      throw error
    }
  }

  private func write(
    _ items: [InboundRecord], trustsNew: Bool, on connection: Connection
  ) throws -> Set<Identifier> {
    let resolved = try ConversationResolution(clock: context.clock, cache: cache).resolve(
      items.map { item in
        ConversationResolution.Request(
          key: item.conversationKey, channel: item.channel, profileName: item.message.profileName,
          aliases: item.message.aliases, at: item.message.receivedAt)
      }, on: connection)
    let replies = try resolveReplies(items, on: connection)
    let messages = items.indices.map { newMessage(items[$0], resolved[$0], replyTo: replies[$0]) }
    return try NewMessages(context: context, cache: cache, trustsNew: trustsNew)
      .write(messages, as: .messageNew, optOuts: optOuts(items, messages), on: connection) { _, touched in
        releaseHeld(in: touched, items, messages)
      }
  }

  /// Asking for help changes nothing.
  private func optOuts(_ items: [InboundRecord], _ messages: [NewMessage]) -> [OptOutChange] {
    items.indices.compactMap { index in
      let inbound = items[index].message
      guard let signal = inbound.optOut, signal != .help else { return nil }
      let address = Address(type: inbound.channelType, value: inbound.from)
      return OptOutChange(
        contactID: messages[index].message.contactID, channelType: address.type, address: address.value,
        scope: inbound.pool.map { .service($0) } ?? .sender(inbound.to), optedOut: signal == .stop,
        source: inbound.isOptOutAnswered ? .provider : .keyword, messageID: items[index].id, at: inbound.receivedAt)
    }
  }

  private static let release = Statement(
    "release_held",
    """
    UPDATE outbox SET state = 0, held_for = NULL, run_at = greatest(run_at, $2),
      expires_at = (SELECT coalesce(m.scheduled_at, m.created_at) + make_interval(secs => m.valid_for)
        FROM messages m WHERE m.id = message_id LIMIT 1)
    WHERE held_for = ANY ($1::uuid[]) AND run_at < $3
    """)

  /// Messages that waited for these contacts to write; not for one who writes that they want nothing more, and not those
  /// that are to leave after the window has closed again.
  private func releaseHeld(
    in touched: [TouchedConversation], _ items: [InboundRecord], _ messages: [NewMessage]
  ) -> [(Statement, Parameters)] {
    var windowed: Set<Identifier> = []
    var shortest: Duration?
    for new in messages {
      guard let window = context.resources.windows[new.message.channelType.contactType] else { continue }
      windowed.insert(new.message.conversationID)
      shortest = min(shortest ?? window, window)
    }
    for index in items.indices where items[index].message.optOut == .stop {
      windowed.remove(messages[index].message.conversationID)
    }
    guard !windowed.isEmpty, let shortest else { return [] }
    var parameters = Parameters()
    parameters.identifierArray(touched.map(\.id).filter { windowed.contains($0) })
    let now = context.clock.now()
    parameters.timestamp(now)
    parameters.timestamp(now + shortest)
    return [(Self.release, parameters)]
  }

  private func resolveReplies(_ items: [InboundRecord], on connection: Connection) throws -> [Identifier?] {
    let asking = items.indices.filter { items[$0].message.replyToProviderSID != nil }
    var replies = [Identifier?](repeating: nil, count: items.count)
    guard !asking.isEmpty else { return replies }
    var parameters = Parameters()
    parameters.textArray(asking.map { items[$0].message.accountSID })
    parameters.textArray(asking.map { items[$0].message.replyToProviderSID })
    for (index, row) in zip(asking, try connection.execute(Self.replies, parameters)) {
      replies[index] = try row.uuidOrNil(0).map { Identifier($0) }
    }
    return replies
  }

  private func newMessage(_ item: InboundRecord, _ resolved: ResolvedConversation, replyTo: Identifier?) -> NewMessage {
    let inbound = item.message
    var content = inbound.content
    if case .reaction(let emoji, nil, let sid) = content.kind, replyTo != nil {
      content.kind = .reaction(emoji: emoji, messageID: replyTo, providerMessageSID: sid)
    }
    let media = inbound.media.map { file in
      let id = context.clock.makeIdentifier()
      return MediaItem(
        id: id, state: .pending, contentType: file.contentType, url: context.resources.mediaURL(id),
        filename: file.filename)
    }
    return NewMessage(
      message: Message(
        id: item.id, conversationID: resolved.id, contactID: resolved.contact.id, channel: item.channel,
        channelType: inbound.channelType, direction: .inbound, from: inbound.from, to: inbound.to, body: inbound.body,
        content: content, media: media, status: .received, providerSID: inbound.providerSID, segments: nil,
        replyTo: replyTo, recovered: inbound.recovered, createdAt: inbound.receivedAt),
      accountSID: inbound.accountSID, mediaSources: inbound.media.map(\.url), raw: inbound.raw.json,
      conversation: resolved)
  }
}
