// What became of a message, step by step.

import ChannelProtocol
import Postgres

struct MessageHistory {
  let reports: [StatusReport]
  /// What the provider said beside each, a JSON object; nil: nothing.
  let payloads: [[UInt8]?]

  static let statement = Statement(
    "message_history",
    """
    SELECT status, provider_status, at, source, error_code, error_message, raw FROM status_events
    WHERE message_id = $1 ORDER BY at, status
    """)

  /// - Parameter rows: of ``statement``.
  init(of message: Message, _ rows: Rows) throws {
    reports = try [.first(of: message)] + rows.map { try StatusReport($0) }
    payloads = try [nil] + rows.map { try $0.textOrNil(6).map { Array($0.utf8) } }
  }

  static func load(of message: Message, on connection: Connection) throws -> MessageHistory {
    var parameters = Parameters()
    parameters.identifier(message.id)
    return try MessageHistory(of: message, connection.execute(statement, parameters))
  }
}

extension StatusReport {
  /// The report that a message begins with; it stands in the message's own row.
  fileprivate static func first(of message: Message) -> StatusReport {
    let status: DeliveryStatus =
      message.direction == .inbound ? .received : message.scheduledAt == nil ? .queued : .scheduled
    return StatusReport(
      status: status, providerStatus: status.rawValue, at: message.createdAt,
      source: message.direction == .inbound ? .provider : .api)
  }

  fileprivate init(_ row: Row) throws {
    var reader = ColumnReader(row)
    let status = try reader.int2OrNil()
    let providerStatus = try reader.text()
    let at = try reader.timestamp()
    let source = try reader.text()
    let errorCode = try reader.text()
    self.init(
      status: status.flatMap { DeliveryStatus(code: $0) }, providerStatus: providerStatus, at: at,
      source: Source(rawValue: source) ?? .callback, errorCode: errorCode.isEmpty ? nil : errorCode,
      errorMessage: try reader.textOrNil())
  }
}
