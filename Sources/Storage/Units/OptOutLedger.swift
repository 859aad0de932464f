// The ledger of opt-outs, written in the transaction of whatever says so.

import ChannelProtocol
import Postgres

/// What a message, a refusal or one of ours says about an address.
struct OptOutChange {
  var contactID: Identifier?
  var channelType: ChannelType
  var address: String
  var scope: OptOutScope
  var optedOut: Bool
  var source: OptOutSource
  var messageID: Identifier?
  var at: Timestamp
}

enum OptOutLedger {
  /// The state of each key before this unit.
  private static let current = Statement(
    "current_opt_outs",
    """
    SELECT o.opted_out, o.at FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k(type, address, scope, ord)
    LEFT JOIN LATERAL (
      SELECT o.opted_out, o.at FROM opt_outs o
      WHERE o.channel_type = k.type AND o.address = k.address AND o.scope = k.scope
      ORDER BY o.at DESC, o.id DESC LIMIT 1) o ON true
    ORDER BY k.ord
    """)

  private static let insert = Statement(
    "insert_opt_outs",
    """
    INSERT INTO opt_outs (id, channel_type, address, scope, opted_out, source, message_id, at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::text[], $7::uuid[],
      $8::timestamptz[])
    """)

  /// What the provider keeps for who opts out falls due at once: the poll takes it back where the scope is its own.
  private static let recall = Statement(
    "recall_scheduled",
    """
    INSERT INTO status_polls AS p (message_id, run_at)
    SELECT DISTINCT m.id, $3::timestamptz FROM unnest($1::text[], $2::text[]) AS k(type, address)
    CROSS JOIN LATERAL (
      SELECT v.id FROM conversations v WHERE v.channel_type = k.type AND v.address = k.address LIMIT 1000) v
    CROSS JOIN LATERAL (
      SELECT m.id FROM messages m
      WHERE m.conversation_id = v.id AND m.scheduled_at > $3 AND m.status = \(DeliveryStatus.accepted.code) LIMIT 10000) m
    ORDER BY m.id
    ON CONFLICT (message_id) DO UPDATE SET run_at = excluded.run_at, attempts = 0, lease = NULL
    """)

  /// An address shows as opted out while any scope says so. The contact moves with it: whoever remembers it must see.
  private static let show = Statement(
    "show_opt_outs",
    """
    WITH shown AS (
      UPDATE contact_channels h SET opted_out = \(isOptedOut("h.type", "h.address"))
      FROM unnest($1::text[], $2::text[]) AS k(type, address) WHERE h.type = k.type AND h.address = k.address
      RETURNING h.contact_id
    )
    UPDATE contacts c SET updated_at = greatest($3, c.updated_at + interval '1 microsecond')
    WHERE c.id = ANY (ARRAY(SELECT contact_id FROM shown)) RETURNING c.id
    """)

  private static let contacts = Statement(
    "contacts_with_opt_outs",
    "SELECT \(ContactRow.columns) FROM contacts c \(ContactRow.channelsJoin) WHERE c.id = ANY ($1::uuid[])")

  /// Whether any scope of an address is opted out, as an expression over two columns.
  static func isOptedOut(_ type: String, _ address: String) -> String {
    """
    EXISTS (SELECT FROM (
      SELECT DISTINCT ON (o.scope) o.opted_out FROM opt_outs o
      WHERE o.channel_type = \(type) AND o.address = \(address) ORDER BY o.scope, o.at DESC, o.id DESC) s
    WHERE s.opted_out)
    """
  }

  /// Writes down what changes, and tells it: `optout.changed`, then the contact as it is now. What is so already is
  /// neither written nor told.
  /// - Returns: the contacts that changed.
  static func record(
    _ changes: [OptOutChange], context: WriteContext, to events: inout EventBatch, on connection: Connection
  ) throws -> [Contact] {
    guard !changes.isEmpty else { return [] }
    let new = try effective(changes, on: connection)
    guard !new.isEmpty else { return [] }
    var ledger = Parameters()
    ledger.identifierArray(new.map { _ in context.clock.makeIdentifier() })
    ledger.textArray(new.map(\.channelType.rawValue))
    ledger.textArray(new.map(\.address))
    ledger.textArray(new.map(\.scope.rawValue))
    ledger.boolArray(new.map(\.optedOut))
    ledger.textArray(new.map(\.source.rawValue))
    ledger.identifierArray(new.map(\.messageID))
    ledger.timestampArray(new.map(\.at))
    // In key order, so that two nodes wait for each other in one direction only.
    let keys = new.map { ($0.channelType.rawValue, $0.address) }.sorted { $0 < $1 }
    var shown = Parameters()
    shown.textArray(keys.map(\.0))
    shown.textArray(keys.map(\.1))
    shown.timestamp(context.clock.now())
    let ids = try connection.pipeline([(insert, ledger), (show, shown)])[1].map { Identifier(try $0.uuid(0)) }
    try recall(new.filter(\.optedOut), now: context.clock.now(), on: connection)
    var known = Parameters()
    known.identifierArray(ids)
    let contacts = try connection.execute(Self.contacts, known).map { row in
      var reader = ColumnReader(row)
      return try ContactRow.read(&reader)
    }
    let owners = Dictionary(
      contacts.flatMap { contact in
        contact.channels.map { (Address(type: $0.type, value: $0.address), contact.id) }
      }, uniquingKeysWith: { first, _ in first })
    for change in new {
      let owner = change.contactID ?? owners[Address(type: change.channelType, value: change.address)]
      events.append(.optOutChanged, at: change.at, conversation: nil, channel: nil) { change.write(to: &$0, of: owner) }
    }
    for contact in contacts {
      events.append(.contactUpdated, at: context.clock.now(), conversation: nil, channel: nil) {
        contact.write(to: &$0)
      }
    }
    return contacts
  }

  private static func recall(_ changes: [OptOutChange], now: Timestamp, on connection: Connection) throws {
    guard !changes.isEmpty else { return }
    var parameters = Parameters()
    parameters.textArray(changes.map { Address(type: $0.channelType, value: $0.address).type.rawValue })
    parameters.textArray(changes.map(\.address))
    parameters.timestamp(now)
    try connection.execute(recall, parameters)
  }

  /// The changes that change something, taking each as done for those behind it.
  private static func effective(_ changes: [OptOutChange], on connection: Connection) throws -> [OptOutChange] {
    struct Key: Hashable {
      var address: Address
      var scope: OptOutScope
    }
    var parameters = Parameters()
    parameters.textArray(changes.map(\.channelType.rawValue))
    parameters.textArray(changes.map(\.address))
    parameters.textArray(changes.map(\.scope.rawValue))
    let before = try connection.execute(current, parameters).map { row in
      (optedOut: try row.boolOrNil(0) ?? false, at: try row.timestampOrNil(1).map { Timestamp(microseconds: $0) })
    }
    var states: [Key: (optedOut: Bool, at: Timestamp?)] = [:]
    return zip(changes, before).filter { change, before in
      let key = Key(address: Address(type: change.channelType, value: change.address), scope: change.scope)
      let standing = states[key] ?? before
      // What was said before what stands came late: from the journal, or from a node that was slow.
      if let at = standing.at, change.at < at { return false }
      states[key] = (change.optedOut, change.at)
      return standing.optedOut != change.optedOut
    }.map(\.0)
  }
}

extension OptOutChange {
  fileprivate func write(to writer: inout JSONWriter, of contact: Identifier?) {
    writer.object { writer in
      writer.member("contactId", contact)
      writer.member("channelType", channelType.rawValue)
      writer.member("address", address)
      writer.member("optedOut", optedOut)
      writer.member("scope", scope.rawValue)
      writer.member("source", source.rawValue)
    }
  }
}
