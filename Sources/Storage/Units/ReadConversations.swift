// A person has read a conversation: its unread count goes to zero.

import ChannelProtocol
import Postgres

struct ReadConversations: BatchOperation {
  let name = "read_conversations"
  let maximumBatch = 64
  let context: WriteContext

  private static let markRead = Statement(
    "mark_read",
    """
    UPDATE conversations SET unread_count = 0, updated_at = $2
    WHERE id = ANY (ARRAY(SELECT id FROM conversations WHERE id = ANY ($1::uuid[]) AND unread_count > 0 ORDER BY id
      FOR NO KEY UPDATE))
    RETURNING id
    """)

  func execute(_ items: [Identifier], on connection: Connection) throws -> [Result<Conversation?, any Error>] {
    let now = context.clock.now()
    var parameters = Parameters()
    parameters.identifierArray(items)
    parameters.timestamp(now)
    let changed = Set(
      try connection.pipeline([(.begin, Parameters()), (Self.markRead, parameters)])[1].map {
        Identifier(try $0.uuid(0))
      })
    let conversations = try ConversationRows.load(items, context: context.resources, on: connection)
    var events = EventBatch(context)
    for id in changed.sorted() {
      guard let conversation = conversations[id] else { continue }
      events.append(.conversationUpdated, at: now, conversation: id, channel: conversation.channel) {
        conversation.write(to: &$0, now: now)
      }
    }
    try events.commit(on: connection)
    return items.map { .success(conversations[$0]) }
  }
}
