// Status callbacks: an append-only history and a monotone projection; one that comes before its message is parked.

import ChannelProtocol
import Postgres

/// What became of a status report.
public enum StatusOutcome: Sendable, Hashable {
  case applied
  /// Kept until its message is known.
  case parked
}

struct ApplyStatuses: BatchOperation {
  let name = "apply_statuses"
  let maximumBatch: Int
  let context: WriteContext

  func execute(_ items: [StatusUpdate], on connection: Connection) throws -> [Result<StatusOutcome, any Error>] {
    let transitions = items.map { Transition($0) }
    var unit = MessageTransitions(context)
    try unit.begin(transitions, on: connection)
    var parked: [StatusUpdate] = []
    let outcomes = zip(items, transitions).map { item, transition -> StatusOutcome in
      if unit.apply(transition) { return .applied }
      parked.append(item)
      return .parked
    }
    try unit.finish(ParkedStatuses.insert(parked), on: connection)
    return outcomes.map { .success($0) }
  }
}

extension Transition {
  init(_ update: StatusUpdate) {
    self.init(
      messageID: update.messageID, accountSID: update.accountSID, providerSID: update.providerSID,
      reports: [update.report], sender: update.from, segmentCount: update.segmentCount, price: update.price,
      raw: update.raw.json)
  }
}

/// Reports whose message is not known yet.
enum ParkedStatuses {
  private static let insertStatement = Statement(
    "park_statuses",
    """
    INSERT INTO parked_statuses
      (account_sid, provider_sid, provider_status, error_code, message_id, status, source, error_message, sender,
       segment_count, raw, at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::int2[], $7::text[],
      $8::text[], $9::text[], $10::int2[], $11::text[], $12::timestamptz[])
    ON CONFLICT (provider_sid, account_sid, provider_status, error_code) DO UPDATE SET
      sender = least(parked_statuses.sender COLLATE "C", excluded.sender COLLATE "C"),
      segment_count = greatest(parked_statuses.segment_count, excluded.segment_count)
    """)

  /// Of two with one word one row is kept, with the facts that ``ReportedFacts`` would keep of the two.
  static func insert(_ updates: [StatusUpdate]) -> [(Statement, Parameters)] {
    guard !updates.isEmpty else { return [] }
    let updates = merged(updates)
    var p = Parameters()
    p.textArray(updates.map(\.accountSID))
    p.textArray(updates.map(\.providerSID))
    p.textArray(updates.map(\.report.providerStatus))
    p.textArray(updates.map { $0.report.errorCode ?? "" })
    p.identifierArray(updates.map(\.messageID))
    p.int2Array(updates.map { $0.report.status?.code })
    p.textArray(updates.map(\.report.source.rawValue))
    p.textArray(updates.map(\.report.errorMessage))
    p.textArray(updates.map(\.from))
    p.int2Array(updates.map { $0.segmentCount.map { Int16(clamping: $0) } })
    p.textArray(utf8: updates.map(\.raw.json))
    p.timestampArray(updates.map(\.report.at))
    return [(insertStatement, p)]
  }

  /// One of each word, in the order of their keys, so that two nodes wait for each other in one direction only.
  private static func merged(_ updates: [StatusUpdate]) -> [StatusUpdate] {
    var rows: [[String]: StatusUpdate] = [:]
    for update in updates {
      let key = [
        update.providerSID, update.accountSID, update.report.providerStatus, update.report.errorCode ?? "",
      ]
      guard var row = rows[key] else {
        rows[key] = update
        continue
      }
      var facts = ReportedFacts(sender: .init(row.from, rank: 0), segmentCount: .init(row.segmentCount, rank: 0))
      facts.apply(status: nil, sender: update.from, segmentCount: update.segmentCount, price: nil)
      row.from = facts.sender.value
      row.segmentCount = facts.segmentCount.value
      rows[key] = row
    }
    return rows.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
  }

  private static let columns = """
    p.account_sid, p.provider_sid, p.provider_status, p.error_code, p.message_id, p.status, p.source, \
    p.error_message, p.sender, p.segment_count, p.raw, p.at
    """

  private static let takeStatement = Statement(
    "take_parked_statuses",
    """
    DELETE FROM parked_statuses p USING unnest($1::text[], $2::text[]) AS k(account, sid)
    WHERE p.provider_sid = k.sid AND p.account_sid = k.account RETURNING \(columns)
    """)

  /// Takes out the reports on messages that have just been given a provider's id.
  static func take(_ keys: [(accountSID: String, providerSID: String)], on connection: Connection) throws
    -> [StatusUpdate]
  {
    guard !keys.isEmpty else { return [] }
    var parameters = Parameters()
    parameters.textArray(keys.map(\.accountSID))
    parameters.textArray(keys.map(\.providerSID))
    return try connection.execute(takeStatement, parameters).map { try read($0) }
  }

  private static let matchedStatement = Statement(
    "matched_parked_statuses",
    """
    SELECT \(columns) FROM parked_statuses p
    WHERE (SELECT m.id FROM messages m WHERE m.provider_sid = p.provider_sid AND m.account_sid = p.account_sid LIMIT 1)
      IS NOT NULL
    ORDER BY p.at LIMIT $1
    """)

  /// Reports whose message came to be known without anybody taking them out: two nodes crossed.
  static func matched(limit: Int, on connection: Connection) throws -> [StatusUpdate] {
    var parameters = Parameters()
    parameters.int8(Int64(limit))
    return try connection.execute(matchedStatement, parameters).map { try read($0) }
  }

  private static func read(_ row: Row) throws -> StatusUpdate {
    var reader = ColumnReader(row)
    let accountSID = try reader.text()
    let providerSID = try reader.text()
    let providerStatus = try reader.text()
    let errorCode = try reader.text()
    let messageID = try reader.identifierOrNil()
    let status = try reader.int2OrNil()
    let source = try reader.text()
    let errorMessage = try reader.textOrNil()
    let sender = try reader.textOrNil()
    let segmentCount = try reader.int2OrNil()
    let raw = try reader.utf8()
    let at = try reader.timestamp()
    return StatusUpdate(
      accountSID: accountSID, providerSID: providerSID, messageID: messageID,
      report: StatusReport(
        status: status.flatMap { DeliveryStatus(code: $0) }, providerStatus: providerStatus, at: at,
        source: StatusReport.Source(rawValue: source) ?? .callback, errorCode: errorCode.isEmpty ? nil : errorCode,
        errorMessage: errorMessage),
      from: sender, segmentCount: segmentCount, raw: RawPayload(json: raw))
  }
}
