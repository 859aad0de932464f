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

  private static let archive = Statement(
    "archive_conversation",
    "UPDATE conversations SET archived = $2, updated_at = $3 WHERE id = $1 AND archived <> $2 RETURNING 1")

  public func setArchived(_ archived: Bool, conversation id: Identifier) async throws -> Conversation? {
    let writing = writing
    return try await runUnit { connection in
      var parameters = Parameters()
      parameters.identifier(id)
      parameters.bool(archived)
      parameters.timestamp(writing.clock.now())
      let changed = try connection.pipeline([(.begin, Parameters()), (Self.archive, parameters)])[1]
      var unit = ContactUnit(writing, on: connection)
      if !changed.isEmpty { try unit.announce(conversations: [id]) }
      let shown = try ConversationRows.load([id], context: writing.resources, on: connection)[id]
      try unit.events.commit(on: connection)
      return shown
    }
  }
}
