// A contact with its channels, read from one row.

import ChannelProtocol
import Postgres

enum ContactRow {
  /// The columns of ``read(_:)``, of the aliases `c` (contacts) and `h` (``channelsJoin``).
  static let columns = """
    c.id, c.name, c.attributes, c.labels, c.created_at, c.updated_at, \
    h.ids, h.types, h.addresses, h.opted_out, h.last_inbound
    """
  static let columnCount = 11

  /// The contact's channels as arrays; the last inbound message is that of the address's conversations.
  static let channelsJoin = """
    LEFT JOIN LATERAL (
      SELECT array_agg(h.id ORDER BY h.id) AS ids, array_agg(h.type ORDER BY h.id) AS types,
        array_agg(h.address ORDER BY h.id) AS addresses, array_agg(h.opted_out::int4 ORDER BY h.id) AS opted_out,
        array_agg(coalesce((
          SELECT (extract(epoch FROM max(v.last_inbound_at)) * 1000000)::int8 FROM conversations v
          WHERE v.channel_type = h.type AND v.address = h.address), 0) ORDER BY h.id) AS last_inbound
      FROM contact_channels h WHERE h.contact_id = c.id
    ) h ON true
    """

  static func read(_ reader: inout ColumnReader) throws -> Contact {
    let id = try reader.identifier()
    let name = try reader.textOrNil()
    let attributes = try reader.jsonb()
    let labels = try reader.textArray()
    let createdAt = try reader.timestamp()
    let updatedAt = try reader.timestamp()
    var channels: [ContactChannel] = []
    if try reader.isNextNull {
      reader.skip(5)
    } else {
      let ids = try reader.identifierArray()
      let types = try reader.textArray()
      let addresses = try reader.textArray()
      let optedOut = try reader.int4Array()
      let lastInbound = try reader.int8Array()
      for index in ids.indices {
        channels.append(
          ContactChannel(
            id: ids[index], type: ChannelType(types[index]), address: addresses[index],
            optedOut: optedOut[index] != 0,
            lastInboundAt: lastInbound[index] == 0 ? nil : Timestamp(microseconds: lastInbound[index])))
      }
    }
    return Contact(
      id: id, name: name, attributes: attributes.count <= 2 ? [:] : try StoredJSON.value(attributes).objectValue ?? [:],
      labels: labels, channels: channels, createdAt: createdAt, updatedAt: updatedAt)
  }
}
