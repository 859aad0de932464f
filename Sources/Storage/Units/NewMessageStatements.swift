// The statements that write messages and move their conversations, and their parameters.

import ChannelProtocol
import Postgres

enum NewMessageStatements {
  private static let returning = """
    v.id, v.channel, v.archived, v.unread_count, v.last_inbound_at, v.created_at, v.updated_at, \
    (SELECT c.updated_at FROM contacts c WHERE c.id = v.contact_id)
    """

  // MARK: What is new for certain

  /// The columns that a provider's message fills.
  static let insertInbound = Statement(
    "insert_inbound_messages",
    """
    INSERT INTO messages
      (id, conversation_id, contact_id, channel, channel_type, sender, recipient, body, content, account_sid,
       provider_sid, reply_to, recovered, has_media, raw, created_at, inbound, status)
    SELECT n.*, true, \(DeliveryStatus.received.code) FROM unnest(
      $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
      $10::text[], $11::text[], $12::uuid[], $13::bool[], $14::bool[], $15::text[], $16::timestamptz[]) AS n
    """)

  static func inboundParameters(_ messages: [NewMessage], in order: [Int]) -> Parameters {
    var p = Parameters()
    p.identifierColumn(order) { messages[$0].message.id }
    p.identifierColumn(order) { messages[$0].message.conversationID }
    p.identifierColumn(order) { messages[$0].message.contactID }
    p.textColumn(order) { messages[$0].message.channel }
    p.textColumn(order) { messages[$0].message.channelType.rawValue }
    p.textColumn(order) { messages[$0].message.from }
    p.textColumn(order) { messages[$0].message.to }
    p.textColumn(order) { messages[$0].message.body }
    p.textColumn(order) { messages[$0].message.content.stored(body: messages[$0].message.body) }
    p.textColumn(order) { messages[$0].accountSID }
    p.textColumn(order) { messages[$0].message.providerSID }
    p.identifierColumn(order) { messages[$0].message.replyTo }
    p.boolColumn(order) { messages[$0].message.recovered }
    p.boolColumn(order) { !messages[$0].message.media.isEmpty }
    p.textColumn(utf8: order, estimate: 640) { messages[$0].raw }
    p.timestampColumn(order) { messages[$0].message.createdAt }
    return p
  }

  /// Conversations in id order, so that two nodes wait for each other in one direction only.
  static let touch = Statement(
    "touch_conversations",
    """
    UPDATE conversations v SET
      unread_count = v.unread_count + t.unread,
      archived = v.archived AND t.unread = 0,
      last_message_id = t.last_id,
      channel = coalesce(t.channel, v.channel),
      last_activity_at = greatest(v.last_activity_at, t.at),
      last_inbound_at = greatest(v.last_inbound_at, t.inbound_at),
      updated_at = greatest(v.updated_at, t.at)
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int4[], $6::timestamptz[], $7::timestamptz[])
      AS t(id, contact_id, last_id, channel, unread, at, inbound_at)
    WHERE v.id = t.id AND v.contact_id = t.contact_id
    RETURNING \(returning)
    """)

  static func touchParameters(
    _ groups: [ConversationGroup], in order: [Int], _ messages: [NewMessage]
  ) -> Parameters {
    var p = Parameters()
    p.identifierColumn(order) { groups[$0].conversation.id }
    p.identifierColumn(order) { groups[$0].conversation.contact.id }
    p.identifierColumn(order) { messages[groups[$0].newest].message.id }
    p.textColumn(order) { messages[groups[$0].newest].message.channel }
    p.int4Column(order) { groups[$0].unread }
    p.timestampColumn(order) { groups[$0].lastAt }
    p.timestampColumn(order) { groups[$0].lastInboundAt }
    return p
  }

  // MARK: What may be there already

  private static let lock = Statement(
    "lock_conversations_of_messages",
    "SELECT id FROM conversations WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE")

  /// The conversations before the messages, as where all of them are new.
  static func locking(_ messages: [NewMessage]) -> (Statement, Parameters) {
    var parameters = Parameters()
    parameters.identifierArray(Array(Set(messages.map(\.message.conversationID))))
    return (lock, parameters)
  }

  /// One statement: what was inserted decides what is counted, also when the batch is run again after a commit whose
  /// answer was lost. Rows come sorted by provider id, so that two nodes wait for each other in one direction only.
  static let insert = Statement(
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
    RETURNING \(returning), t.ids
    """)

  /// - Parameter order: indices of `messages`, as the rows are to be written.
  static func parameters(_ messages: [NewMessage], in order: [Int]) -> Parameters {
    var p = Parameters()
    p.identifierColumn(order) { messages[$0].message.id }
    p.identifierColumn(order) { messages[$0].message.conversationID }
    p.identifierColumn(order) { messages[$0].message.contactID }
    p.textColumn(order) { messages[$0].message.channel }
    p.textColumn(order) { messages[$0].message.channelType.rawValue }
    p.boolColumn(order) { messages[$0].message.direction == .inbound }
    p.textColumn(order) { messages[$0].message.from }
    p.textColumn(order) { messages[$0].message.to }
    p.textColumn(order) { messages[$0].message.body }
    p.textColumn(order) { messages[$0].message.content.stored(body: messages[$0].message.body) }
    p.int2Column(order) { messages[$0].message.status.code }
    p.textColumn(order) { messages[$0].accountSID }
    p.textColumn(order) { messages[$0].message.providerSID }
    p.int2Column(order) { messages[$0].message.segments.map { Int16(clamping: $0.count) } }
    p.textColumn(order) { messages[$0].message.segments?.encoding.rawValue }
    p.textColumn(order) { messages[$0].message.template?.stored }
    p.int4Column(order) { messages[$0].validFor.map { Int32(clamping: $0) } }
    p.timestampColumn(order) { messages[$0].message.scheduledAt }
    p.identifierColumn(order) { messages[$0].message.replyTo }
    p.identifierColumn(order) { messages[$0].message.resendOf }
    p.boolColumn(order) { messages[$0].message.recovered }
    p.boolColumn(order) { !messages[$0].message.media.isEmpty }
    p.textColumn(order) { StoredJSON.text(messages[$0].message.metadata) }
    p.textColumn(utf8: order, estimate: 640) { messages[$0].raw }
    p.timestampColumn(order) { messages[$0].message.createdAt }
    return p
  }
}
