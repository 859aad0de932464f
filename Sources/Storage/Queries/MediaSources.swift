// Where a message's files are.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  public func mediaSources(of message: Identifier) async throws -> [String] {
    try await run { try MediaRows.sources([message], on: $0)[message] ?? [] }
  }
}
