// The events of one unit of work, and the statement that numbers and commits them.

import ChannelProtocol
import Postgres

/// Collects events in order; written by one call, the last before the commit.
struct EventBatch {
  /// Not numbered yet.
  private var events: [Event] = []
  private let context: WriteContext

  init(_ context: WriteContext) { self.context = context }

  mutating func append(
    _ type: EventType, at time: Timestamp, conversation: Identifier?, channel: String?, data: [UInt8]
  ) {
    events.append(
      Event(
        seq: 0, id: context.clock.makeIdentifier(), type: type, at: time, conversationID: conversation,
        channel: channel, data: data))
  }

  mutating func append(
    _ type: EventType, at time: Timestamp, conversation: Identifier?, channel: String?,
    _ write: (inout JSONWriter) -> Void
  ) {
    var writer = JSONWriter(capacity: 1_024)
    write(&writer)
    append(type, at: time, conversation: conversation, channel: channel, data: writer.bytes)
  }

  private static let append = Statement(
    "append_events",
    "SELECT append_events($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[])")

  /// Ends the unit in one flush: `steps`, the numbering under the log's lock where there are events, the commit.
  func commit(_ steps: [(Statement, Parameters)] = [], on connection: Connection) throws {
    try connection.unit { try commit(steps, in: $0) }
  }

  /// The same, and finishes `unit`.
  func commit(_ steps: [(Statement, Parameters)], in unit: Pipeline) throws {
    for (statement, parameters) in steps { try unit.send(statement, parameters) }
    guard !events.isEmpty else {
      try unit.send(.commit)
      try unit.finish()
      return
    }
    let numbering = try unit.send(Self.append, parameters())
    try unit.send(.commit)
    // Under the lock nobody else takes a number: those of one call follow each other.
    let newest = try unit.finish()[numbering].single().int8(0)
    var numbered = events
    for index in numbered.indices { numbered[index].seq = newest - Int64(numbered.count - 1 - index) }
    context.commits.publish(numbered)
  }

  private func parameters() -> Parameters {
    var parameters = Parameters()
    parameters.identifierColumn(events) { $0.id }
    parameters.textColumn(events) { $0.type.rawValue }
    parameters.timestampColumn(events) { $0.at }
    parameters.identifierColumn(events) { $0.conversationID }
    parameters.textColumn(events) { $0.channel }
    // Ours, from `JSONWriter`: what is no text is escaped there.
    parameters.textColumn(trusted: events, estimate: 1_024) { $0.data }
    return parameters
  }
}

/// What was read before a write no longer stood when it was written: the unit is run again from the start.
func unitIsStale(_ what: String) -> PostgresError {
  PostgresError(.server(sqlState: .serializationFailure), what)
}
