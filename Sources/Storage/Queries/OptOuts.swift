// Opt-outs as the sending side and the API ask for them.

public import ChannelProtocol
import Postgres

/// Filters of the ledger; nil: no filter.
public struct OptOutQuery: Sendable, Hashable {
  public var contact: Identifier?
  public var address: String?
  public init() {}
}

extension PostgresMessageStore {
  private static let standing = Statement(
    "standing_opt_outs",
    """
    SELECT s.scope FROM (
      SELECT DISTINCT ON (o.scope) o.scope, o.opted_out FROM opt_outs o
      WHERE o.channel_type = $1 AND o.address = $2 ORDER BY o.scope, o.at DESC, o.id DESC) s
    WHERE s.opted_out
    """)

  public func optedOutScopes(of address: Address) async throws -> Set<OptOutScope> {
    try await run { connection in
      try Self.scopes(of: address, on: connection)
    }
  }

  private static func scopes(of address: Address, on connection: Connection) throws -> Set<OptOutScope> {
    var parameters = Parameters()
    parameters.text(address.type.rawValue)
    parameters.text(address.value)
    return Set(try connection.execute(standing, parameters).map { OptOutScope(rawValue: try $0.text(0)) })
  }

  /// Newest first.
  public func optOuts(_ query: OptOutQuery, page: PageRequest) async throws -> Page<OptOutEntry> {
    try await run { connection in
      var conditions: [String] = []
      var name = "opt_outs"
      var parameters = Parameters()
      if let cursor = page.cursor {
        parameters.identifier(cursor.id)
        conditions.append("o.id < $\(parameters.count)")
        name += "_after"
      }
      if let contact = query.contact {
        parameters.identifier(contact)
        conditions.append(
          """
          (o.channel_type, o.address) IN (SELECT h.type, h.address FROM contact_channels h
            WHERE h.contact_id = $\(parameters.count))
          """)
        name += "_contact"
      }
      if let address = query.address {
        parameters.text(address)
        conditions.append("o.address = $\(parameters.count)")
        name += "_address"
      }
      parameters.int8(Int64(page.limit + 1))
      let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
      let statement = Statement(
        name,
        """
        SELECT o.id, o.channel_type, o.address, o.scope, o.opted_out, o.source, o.message_id, o.at
        FROM opt_outs o \(filter) ORDER BY o.id DESC LIMIT $\(parameters.count)
        """)
      let entries = try connection.execute(statement, parameters).map { row in
        var reader = ColumnReader(row)
        return try OptOutEntry(&reader)
      }
      let shown = Array(entries.prefix(page.limit))
      return Page(items: shown, next: entries.count > page.limit ? shown.last.map { PageCursor(id: $0.id) } : nil)
    }
  }

  private static let lockAddress = Statement(
    "lock_opt_out_address", "SELECT pg_advisory_xact_lock(hashtextextended($1, 7310577382525465189))")

  /// What one of ours decides: out for all our senders, or in again for every one that it was out for.
  /// - Returns: the address's standing scopes afterwards.
  @discardableResult
  public func setOptOut(_ address: Address, optedOut: Bool) async throws -> Set<OptOutScope> {
    let writing = writing
    return try await run { connection in
      var key = Parameters()
      key.text("\(address.type)/\(address.value)")
      _ = try connection.pipeline([(.begin, Parameters()), (Self.lockAddress, key)])
      let scopes = optedOut ? [.account] : Array(try Self.scopes(of: address, on: connection))
      var events = EventBatch(writing)
      let now = writing.clock.now()
      _ = try OptOutLedger.record(
        scopes.map {
          OptOutChange(
            contactID: nil, channelType: address.type, address: address.value, scope: $0, optedOut: optedOut,
            source: .api, messageID: nil, at: now)
        }, context: writing, to: &events, on: connection)
      try events.commit(on: connection)
      return try Self.scopes(of: address, on: connection)
    }
  }
}

extension OptOutEntry {
  fileprivate init(_ reader: inout ColumnReader) throws {
    self.init(
      id: try reader.identifier(), channelType: ChannelType(try reader.text()), address: try reader.text(),
      scope: OptOutScope(rawValue: try reader.text()), optedOut: try reader.bool(),
      source: OptOutSource(rawValue: try reader.text()) ?? .provider, messageID: try reader.identifierOrNil(),
      at: try reader.timestamp())
  }
}
