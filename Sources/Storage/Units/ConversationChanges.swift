// Conversations are opened, filed away and taken out again by the API.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  public func openConversation(_ opening: ConversationOpening) async throws -> OpenedConversation {
    let writing = writing
    return try await runUnit { connection in
      let now = writing.clock.now()
      let key = ConversationKey(address: opening.address, line: opening.line)
      let resolved = try ConversationResolution(clock: writing.clock, cache: nil).resolve(
        [.init(key: key, channel: opening.channel, profileName: nil, at: now)], on: connection)[0]
      var unit = ContactUnit(writing, on: connection)
      if resolved.isContactChanged { _ = try unit.announce(resolved.contact.id) }
      if resolved.isNew { try unit.announce(conversations: [resolved.id]) }
      let shown = try ConversationRows.load([resolved.id], context: writing.resources, on: connection)[resolved.id]
      guard let shown else { throw unitIsStale("a conversation went away while it was opened") }
      try unit.events.commit(on: connection)
      return OpenedConversation(conversation: shown, isNew: resolved.isNew)
    }
  }

  private static let lock = Statement(
    "lock_conversation_to_change", "SELECT 1 FROM conversations WHERE id = $1 FOR NO KEY UPDATE")

  private static let archive = Statement(
    "archive_conversation",
    """
    UPDATE conversations SET archived = $2, updated_at = greatest($3, updated_at + interval '1 microsecond')
    WHERE id = $1 AND archived <> $2 RETURNING 1
    """)

  private static let read = Statement(
    "mark_one_read",
    """
    UPDATE conversations SET unread_count = 0, updated_at = greatest($2, updated_at + interval '1 microsecond')
    WHERE id = $1 AND unread_count > 0 RETURNING 1
    """)

  public func setArchived(
    _ archived: Bool, conversation id: Identifier, ifStill expected: Conversation?
  ) async throws -> Conversation? {
    var parameters = Parameters()
    parameters.identifier(id)
    parameters.bool(archived)
    parameters.timestamp(writing.clock.now())
    return try await change(id, ifStill: expected, by: Self.archive, parameters)
  }

  public func markRead(conversation id: Identifier, ifStill expected: Conversation) async throws -> Conversation? {
    var parameters = Parameters()
    parameters.identifier(id)
    parameters.timestamp(writing.clock.now())
    return try await change(id, ifStill: expected, by: Self.read, parameters)
  }

  private func change(
    _ id: Identifier, ifStill expected: Conversation?, by statement: Statement, _ parameters: Parameters
  ) async throws -> Conversation? {
    let writing = writing
    return try await runUnit { connection in
      var locked = Parameters()
      locked.identifier(id)
      _ = try connection.pipeline([(.begin, Parameters()), (Self.lock, locked)])
      var unit = ContactUnit(writing, on: connection)
      if let expected {
        let found = try ConversationRows.load([id], context: writing.resources, on: connection)[id]
        guard let found else { return try unit.abandon(nil) }
        guard found == expected else { throw try unit.abandon(ResourceChanged()) }
      }
      if try !connection.execute(statement, parameters).isEmpty { try unit.announce(conversations: [id]) }
      let shown = try ConversationRows.load([id], context: writing.resources, on: connection)[id]
      try unit.events.commit(on: connection)
      return shown
    }
  }
}
