// Inserts the messages of a batch and moves their conversations on, in one statement.

import ChannelProtocol
import Postgres

/// A message to insert, resolved.
struct NewMessage {
  var message: Message
  var accountSID: String?
  var validFor: Int?
  /// Where the message's files are; the gateway fetches, or hands out, from there.
  var mediaSources: [String]
  var raw: [UInt8]?
  var conversation: ResolvedConversation
}

/// What the statement says of one conversation that got messages.
struct TouchedConversation {
  var id: Identifier
  var inserted: Set<Identifier>
  var channel: String?
  var isArchived: Bool
  var unreadCount: Int
  var lastInboundAt: Timestamp?
  var createdAt: Timestamp
  var updatedAt: Timestamp
}

struct NewMessages {
  let context: ResourceContext

  /// One statement: what was inserted decides what is counted, also when the batch is run again after a commit whose
  /// answer was lost. Rows come sorted by provider id, so that two nodes wait for each other in one direction only.
  private static let insert = Statement(
    "insert_messages",
    """
    WITH inserted AS (
      INSERT INTO messages
        (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body, content, status,
         account_sid, provider_sid, segment_count, segment_encoding, template, valid_for, scheduled_at, reply_to,
         resend_of, recovered, has_media, metadata, raw, created_at)
      SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::int2[], $12::text[], $13::text[], $14::int2[], $15::text[], $16::text[], $17::int4[],
        $18::timestamptz[], $19::uuid[], $20::uuid[], $21::bool[], $22::bool[], $23::text[], $24::text[],
        $25::timestamptz[])
      ON CONFLICT DO NOTHING
      RETURNING id, conversation_id, contact_id, inbound, channel, created_at
    ), touched AS (
      SELECT conversation_id, (array_agg(contact_id))[1] AS contact_id, array_agg(id ORDER BY id DESC) AS ids,
        (array_agg(channel ORDER BY id DESC))[1] AS channel, count(*) FILTER (WHERE inbound)::int4 AS unread,
        max(created_at) AS at, max(created_at) FILTER (WHERE inbound) AS inbound_at
      FROM inserted GROUP BY conversation_id ORDER BY conversation_id
    )
    UPDATE conversations v SET
      unread_count = v.unread_count + t.unread,
      archived = v.archived AND t.unread = 0,
      last_message_id = t.ids[1],
      channel = coalesce(t.channel, v.channel),
      last_activity_at = greatest(v.last_activity_at, t.at),
      last_inbound_at = greatest(v.last_inbound_at, t.inbound_at),
      updated_at = greatest(v.updated_at, t.at)
    FROM touched t WHERE v.id = t.conversation_id AND v.contact_id = t.contact_id
    RETURNING v.id, t.ids, v.channel, v.archived, v.unread_count, v.last_inbound_at, v.created_at, v.updated_at
    """)

  /// - Returns: the conversations that got a message; a message in none of their `inserted` was there before.
  func insert(_ messages: [NewMessage], on connection: Connection) throws -> [TouchedConversation] {
    let sorted = messages.sorted { left, right in
      guard let leftSID = left.message.providerSID, let rightSID = right.message.providerSID else {
        return left.message.id < right.message.id
      }
      return leftSID.utf8.lexicographicallyPrecedes(rightSID.utf8)
    }
    let rows = try connection.execute(Self.insert, parameters(sorted))
    let touched = try rows.map { row in
      var reader = ColumnReader(row)
      return TouchedConversation(
        id: try reader.identifier(), inserted: Set(try reader.identifierArray()), channel: try reader.textOrNil(),
        isArchived: try reader.bool(), unreadCount: try reader.int4(), lastInboundAt: try reader.timestampOrNil(),
        createdAt: try reader.timestamp(), updatedAt: try reader.timestamp())
    }
    return touched
  }

  private static let astray = Statement(
    "find_astray_messages",
    """
    SELECT count(*) FROM messages m WHERE m.id = ANY ($1::uuid[]) AND (
      SELECT v.id FROM conversations v WHERE v.id = m.conversation_id AND v.contact_id = m.contact_id LIMIT 1) IS NULL
    """)

  /// A message in no touched conversation was there before, or its conversation or contact went away (deleted,
  /// merged) between our reading and our writing: then the unit starts again.
  func checkNoneIsAstray(_ messages: [NewMessage], _ inserted: Set<Identifier>, on connection: Connection) throws {
    let missing = messages.map(\.message.id).filter { !inserted.contains($0) }
    guard !missing.isEmpty else { return }
    var parameters = Parameters()
    parameters.identifierArray(missing)
    guard try connection.execute(Self.astray, parameters).single().int8(0) == 0 else {
      throw unitIsStale("a conversation changed while messages were written into it")
    }
  }

  private func parameters(_ messages: [NewMessage]) -> Parameters {
    var p = Parameters()
    p.identifierArray(messages.map(\.message.id))
    p.identifierArray(messages.map(\.message.conversationID))
    p.identifierArray(messages.map(\.message.contactID))
    p.textArray(messages.map(\.message.channel))
    p.textArray(messages.map(\.message.channelType.rawValue))
    p.boolArray(messages.map { $0.message.direction == .inbound })
    p.textArray(messages.map(\.message.from))
    p.textArray(messages.map(\.message.to))
    p.textArray(messages.map(\.message.body))
    p.textArray(messages.map { $0.message.content.stored(body: $0.message.body) })
    p.int2Array(messages.map(\.message.status.code))
    p.textArray(messages.map(\.accountSID))
    p.textArray(messages.map(\.message.providerSID))
    p.int2Array(messages.map { $0.message.segments.map { Int16(clamping: $0.count) } })
    p.textArray(messages.map { $0.message.segments?.encoding.rawValue })
    p.textArray(messages.map { $0.message.template?.stored })
    p.int4Array(messages.map { $0.validFor.map { Int32(clamping: $0) } })
    p.timestampArray(messages.map(\.message.scheduledAt))
    p.identifierArray(messages.map(\.message.replyTo))
    p.identifierArray(messages.map(\.message.resendOf))
    p.boolArray(messages.map(\.message.recovered))
    p.boolArray(messages.map { !$0.message.media.isEmpty })
    p.textArray(messages.map { StoredJSON.text($0.message.metadata) })
    p.textArray(utf8: messages.map(\.raw))
    p.timestampArray(messages.map(\.message.createdAt))
    return p
  }

  private static let insertMedia = Statement(
    "insert_media",
    """
    INSERT INTO media (id, message_id, position, state, content_type, filename, provider_url, account_sid, created_at)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
      $9::timestamptz[])
    """)

  /// The step that keeps the files of `messages`, where they have any.
  func mediaSteps(_ messages: [NewMessage]) -> [(Statement, Parameters)] {
    let items = messages.flatMap { new in
      zip(new.message.media, new.mediaSources).enumerated().map { (new, $0.offset, $0.element.0, $0.element.1) }
    }
    guard !items.isEmpty else { return [] }
    var p = Parameters()
    p.identifierArray(items.map(\.2.id))
    p.identifierArray(items.map(\.0.message.id))
    p.int2Array(items.map { Int16(clamping: $0.1) })
    p.textArray(items.map(\.2.state.rawValue))
    p.textArray(items.map(\.2.contentType))
    p.textArray(items.map(\.2.filename))
    p.textArray(items.map(\.3))
    p.textArray(items.map(\.0.accountSID))
    p.timestampArray(items.map(\.0.message.createdAt))
    return [(Self.insertMedia, p)]
  }

  /// The contact as it is after the batch.
  private func contact(_ contact: Contact, with message: Message, in touched: TouchedConversation) -> Contact {
    var contact = contact
    let type = message.channelType.contactType
    let address = message.direction == .inbound ? message.from : message.to
    for index in contact.channels.indices
    where contact.channels[index].type == type && contact.channels[index].address == address {
      contact.channels[index].lastInboundAt = touched.lastInboundAt
    }
    return contact
  }

  /// The conversation as it is after the batch.
  private func conversation(
    _ touched: TouchedConversation, _ resolved: ResolvedConversation, last: Message
  ) -> Conversation {
    let contact = contact(resolved.contact, with: last, in: touched)
    let type = last.channelType.contactType
    let window = context.windows[type]
    return Conversation(
      id: touched.id, contact: contact, channel: touched.channel, channelType: type,
      status: touched.isArchived ? .archived : .open, unreadCount: touched.unreadCount, lastMessage: last,
      hasWindow: window != nil,
      windowExpiresAt: window.flatMap { window in touched.lastInboundAt.map { $0 + window } },
      createdAt: touched.createdAt, updatedAt: touched.updatedAt)
  }

  /// The events of a batch: each new message as `type`, then each new contact and each conversation once, as they
  /// stand after it.
  func append(
    _ messages: [NewMessage], _ touched: [TouchedConversation], as type: EventType, to events: inout EventBatch,
    now: Timestamp
  ) {
    var lastOf: [Identifier: NewMessage] = [:]
    let touchedBy = touched.reduce(into: [Identifier: TouchedConversation]()) { result, touched in
      for id in touched.inserted { result[id] = touched }
    }
    var announced: Set<Identifier> = []
    for new in messages {
      guard let touched = touchedBy[new.message.id] else { continue }
      // The newest by id is the conversation's last message, as the statement has it.
      let last = lastOf[new.message.conversationID]?.message.id
      if last.map({ $0 < new.message.id }) ?? true { lastOf[new.message.conversationID] = new }
      if new.conversation.isContactNew, announced.insert(new.conversation.contact.id).inserted {
        let contact = contact(new.conversation.contact, with: new.message, in: touched)
        events.append(.contactUpdated, at: now, conversation: nil, channel: new.message.channel) {
          contact.write(to: &$0)
        }
      }
      events.append(type, at: now, conversation: new.message.conversationID, channel: new.message.channel) {
        new.message.write(to: &$0)
      }
    }
    for touched in touched {
      guard let last = lastOf[touched.id] else { continue }
      let conversation = conversation(touched, last.conversation, last: last.message)
      events.append(.conversationUpdated, at: now, conversation: touched.id, channel: touched.channel) {
        conversation.write(to: &$0, now: now)
      }
    }
  }
}
