// A list's place and its ends in time, as bounds of ids.

import ChannelProtocol

/// What is told by the place in the list: by the ids, and the times that follow them.
struct MessageBounds {
  var conditions: [String] = []
  /// The parameter that bounds the ids of a list which ends at a time.
  var end: Int?

  /// For rows that come from elsewhere: all that is asked for.
  var whole: [String] { conditions + (end.map { ["(m.id < $\($0) OR m.recovered)"] } ?? []) }
}

extension Identifier {
  /// The smallest id of an instant.
  init(first time: Timestamp) {
    self.init(high: (UInt64(max(0, time.microseconds)) / 1_000) << 16, low: 0)
  }
}
