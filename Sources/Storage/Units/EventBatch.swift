// The events of one unit of work, and the statement that numbers and commits them.

import ChannelProtocol
import Postgres

/// Collects events in order; written by one call, the last before the commit.
struct EventBatch {
  private var ids: [Identifier] = []
  private var types: [String] = []
  private var times: [Timestamp] = []
  private var conversations: [Identifier?] = []
  private var channels: [String?] = []
  private var bodies: [[UInt8]] = []
  private let clock: any WallClock

  init(clock: any WallClock) { self.clock = clock }

  var isEmpty: Bool { ids.isEmpty }

  mutating func append(
    _ type: EventType, at time: Timestamp, conversation: Identifier?, channel: String?,
    _ write: (inout JSONWriter) -> Void
  ) {
    var writer = JSONWriter(capacity: 1_024)
    write(&writer)
    ids.append(clock.makeIdentifier())
    types.append(type.rawValue)
    times.append(time)
    conversations.append(conversation)
    channels.append(channel)
    bodies.append(writer.bytes)
  }

  private static let append = Statement(
    "append_events",
    "SELECT append_events($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[])")

  /// The steps that end the unit: numbering under the log's lock, where there are events, then the commit.
  func closing() -> [(Statement, Parameters)] {
    guard !isEmpty else { return [(.commit, Parameters())] }
    var parameters = Parameters()
    parameters.identifierArray(ids)
    parameters.textArray(types)
    parameters.timestampArray(times)
    parameters.identifierArray(conversations)
    parameters.textArray(channels)
    parameters.textArray(utf8: bodies)
    return [(Self.append, parameters), (.commit, Parameters())]
  }
}

/// What was read before a write no longer stood when it was written: the unit is run again from the start.
func unitIsStale(_ what: String) -> PostgresError {
  PostgresError(.server(sqlState: .serializationFailure), what)
}
