// How far a bulk's messages have come.

import ChannelProtocol
import Postgres

/// A bulk's messages mostly stand beside each other, so their stages are read from the index that has these in order of
/// ids, from the bulk's first to its last: much sooner than each message is looked up. Where many others stand between
/// them, as after a retry, each is looked up after all.
struct BulkCounts {
  /// What waits for its message: recipients, and units.
  private(set) var waiting = 0
  private(set) var unitsLeft = 0
  private(set) var counts: [DeliveryStatus: Int] = [:]

  private static let begin = Statement("begin_bulk", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

  private static let waitingStatement = Statement(
    "bulk_waiting",
    "SELECT count(*), coalesce(sum(r.units), 0)::int8 FROM bulk_recipients r WHERE r.bulk_id = $1 AND r.state = 0")

  private static let span = Statement(
    "bulk_span",
    """
    WITH r AS MATERIALIZED (SELECT r.message_id FROM bulk_recipients r WHERE r.bulk_id = $1 AND r.state = 1)
    SELECT n.count, (SELECT r.message_id FROM r ORDER BY 1 LIMIT 1), (SELECT r.message_id FROM r ORDER BY 1 DESC LIMIT 1)
    FROM (SELECT count(*) FROM r) n WHERE n.count > 0
    """)

  /// Messages between the first and the last, in certain stages, as far as they are worth it. In the index's order, so that
  /// no plan reads all of a stage first.
  private static func between(_ columns: String) -> String {
    """
    SELECT m.* FROM unnest($2::int2[]) AS s(stage) CROSS JOIN LATERAL (
      SELECT \(columns) FROM messages m
      WHERE m.stage >= s.stage AND m.stage <= s.stage AND m.id >= $3 AND m.id <= $4
      ORDER BY m.stage, m.id DESC LIMIT $5) m LIMIT $5
    """
  }

  /// Those that have ended, whose stage is their status.
  private static let ended = Statement(
    "bulk_ended",
    """
    SELECT m.stage, count(*), count(*) FILTER (WHERE m.id IN (
      SELECT r.message_id FROM bulk_recipients r WHERE r.bulk_id = $1 AND r.state = 1))
    FROM (\(between("m.id, m.stage"))) m GROUP BY 1
    """)

  private static let onTheirWay = Statement(
    "bulk_on_its_way",
    """
    SELECT m.status, count(*), count(r.units), coalesce(sum(r.units), 0)::int8
    FROM (\(between("m.id, m.status"))) m LEFT JOIN LATERAL (
      SELECT r.units FROM bulk_recipients r WHERE r.message_id = m.id AND r.bulk_id = $1 AND r.state = 1 LIMIT 1) r ON true
    GROUP BY 1
    """)

  private static let lookedUp = Statement(
    "bulk_counts",
    """
    SELECT m.status, 0::int8, count(*), coalesce(sum(r.units), 0)::int8 FROM bulk_recipients r
    CROSS JOIN LATERAL (SELECT m.status FROM messages m WHERE m.id = r.message_id LIMIT 1) m
    WHERE r.bulk_id = $1 AND r.state = 1 GROUP BY 1
    """)

  /// How many messages for each of the bulk's are worth reading.
  private static let worth: Int64 = 4

  /// Counts in one snapshot, which ends with the call that has the connection, or before.
  /// - Parameter others: statements about the same bulk whose answers are to fit, given back beside the counts.
  static func read(
    of bulk: Identifier, with others: [Statement], on connection: Connection
  ) throws -> (counts: BulkCounts, others: [Rows]) {
    var parameters = Parameters()
    parameters.identifier(bulk)
    let answers = try connection.pipeline(
      [(begin, Parameters())] + ([waitingStatement, span] + others).map { ($0, parameters) })
    return (try BulkCounts(answers[1], answers[2], of: parameters, on: connection), Array(answers[3...]))
  }

  private init(_ left: Rows, _ span: Rows, of parameters: Parameters, on connection: Connection) throws {
    var reader = ColumnReader(try left.single())
    waiting = Int(try reader.int8())
    unitsLeft = Int(try reader.int8())
    // No row: none has a message yet.
    if let row = span.first, try !take(between: row, of: parameters, on: connection) {
      for row in try connection.execute(Self.lookedUp, parameters) { try take(row) }
    }
    _ = try connection.execute(.rollback)
  }

  /// - Returns: whether those between the first and the last were few enough.
  private mutating func take(between row: Row, of bulk: Parameters, on connection: Connection) throws -> Bool {
    var reader = ColumnReader(row)
    let number = try reader.int8()
    let (first, last) = (try reader.identifier(), try reader.identifier())
    let limit = (number + 100) * Self.worth
    func parameters(_ statuses: [DeliveryStatus]) -> Parameters {
      var parameters = bulk
      parameters.int2Array(Set(statuses.compactMap(\.stage)).sorted())
      parameters.identifier(first)
      parameters.identifier(last)
      parameters.int8(limit)
      return parameters
    }
    let ends: [DeliveryStatus] = [.delivered, .undelivered, .failed, .canceled, .read]
    let answers = try connection.pipeline([
      (Self.ended, parameters(ends)), (Self.onTheirWay, parameters([.queued, .scheduled, .sending, .accepted, .sent])),
    ])
    for rows in answers {
      guard try rows.reduce(0, { $0 + (try $1.int8(1)) }) < limit else { return false }
    }
    for row in answers.joined() { try take(row) }
    return true
  }

  /// Takes in a row: status, messages looked at, messages of the bulk; and their units, where they may be left.
  private mutating func take(_ row: Row) throws {
    guard let status = DeliveryStatus(code: Int(try row.int2(0))) else { return }
    let number = Int(try row.int8(2))
    guard number > 0 else { return }
    counts[status, default: 0] += number
    if status.rank < DeliveryStatus.accepted.rank { unitsLeft += Int(try row.int8(3)) }
  }
}
