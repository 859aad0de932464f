// Further names of the same person on a channel: the id beside a phone number, the number in another national form.

import ChannelProtocol
import Postgres

/// Who writes under one name is the contact that is known under another. An alias is no address: nothing is sent to it
/// until somebody has written from it.
enum ContactAliases {
  /// The contacts that are known under any of the names of a message's sender, by the message's place.
  private static let find = Statement(
    "contacts_by_alias",
    """
    SELECT k.ord, \(ContactRow.columns)
    FROM unnest($1::int4[], $2::text[], $3::text[]) AS k(ord, type, name)
    LEFT JOIN LATERAL (
      SELECT h.contact_id FROM contact_channels h WHERE h.type = k.type AND h.address = k.name LIMIT 1) a ON true
    LEFT JOIN LATERAL (
      SELECT l.contact_id FROM contact_aliases l WHERE l.type = k.type AND l.alias = k.name LIMIT 1) l ON true
    JOIN LATERAL (
      SELECT c.* FROM contacts c WHERE c.id = coalesce(a.contact_id, l.contact_id) LIMIT 1) c ON true
    \(ContactRow.channelsJoin)
    ORDER BY k.ord
    """)

  static func contacts(
    of requests: [(index: Int, request: ConversationResolution.Request)], on connection: Connection
  ) throws -> [Int: Contact] {
    let names = requests.flatMap { entry in entry.request.aliases.map { (entry.index, entry.request.type, $0) } }
    guard !names.isEmpty else { return [:] }
    var parameters = Parameters()
    parameters.int4Array(names.map { Int32($0.0) })
    parameters.textArray(names.map(\.1))
    parameters.textArray(names.map(\.2))
    var found: [Int: Contact] = [:]
    for row in try connection.execute(find, parameters) {
      var reader = ColumnReader(row)
      let index = try reader.int4()
      let contact = try ContactRow.read(&reader)
      if found[index] == nil { found[index] = contact }
    }
    return found
  }

  /// The contact who was known by it first keeps a name. In key order, so that two nodes wait in one direction only.
  private static let record = Statement(
    "record_aliases",
    """
    INSERT INTO contact_aliases (type, alias, contact_id)
    SELECT DISTINCT ON (n.type, n.alias) n.type, n.alias, n.contact_id
    FROM unnest($1::text[], $2::text[], $3::uuid[]) AS n(type, alias, contact_id)
    ORDER BY n.type, n.alias
    ON CONFLICT (type, alias) DO NOTHING
    """)

  /// The step that keeps the names of `entries`; nil: they have none.
  static func step(
    _ entries: [(request: ConversationResolution.Request, contact: Identifier)]
  ) -> (Statement, Parameters)? {
    let names = entries.flatMap { entry in entry.request.aliases.map { (entry.request.type, $0, entry.contact) } }
    guard !names.isEmpty else { return nil }
    var parameters = Parameters()
    parameters.textArray(names.map(\.0))
    parameters.textArray(names.map(\.1))
    parameters.identifierArray(names.map(\.2))
    return (record, parameters)
  }

  /// Everybody who remembers the contact must look again. In id order, as all who lock contacts do.
  private static let touch = Statement(
    "touch_joined_contacts",
    """
    WITH n AS (SELECT id, max(at) AS at FROM unnest($1::uuid[], $2::timestamptz[]) AS n(id, at) GROUP BY id),
      locked AS (
        SELECT c.id FROM contacts c WHERE c.id = ANY ($1::uuid[]) ORDER BY c.id FOR NO KEY UPDATE)
    UPDATE contacts c SET updated_at = greatest(n.at, c.updated_at)
    FROM n JOIN locked USING (id) WHERE c.id = n.id
    """)

  /// The step that moves the contacts who got another address.
  static func touching(_ contacts: [Contact]) -> (Statement, Parameters) {
    var parameters = Parameters()
    parameters.identifierArray(contacts.map(\.id))
    parameters.timestampArray(contacts.map(\.updatedAt))
    return (touch, parameters)
  }
}

extension ConversationResolution.Request {
  fileprivate var type: String { key.address.type.rawValue }
}
