// What became of an attempt, and whose attempt it was.

import ChannelProtocol

/// The way to the store takes its time: meanwhile a lane may be lost and taken again, and then knows nothing of it.
struct LaneOutcome: Sendable, Hashable {
  var outcome: DeliveryOutcome
  /// Which life of its lane it belongs to.
  var life: Int
}
