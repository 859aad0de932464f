// Where a subscription begins: the decision between going on, starting now, and telling the client to start over.

internal import ChannelProtocol

/// What becomes of a request to subscribe.
enum SubscriptionStart: Hashable, Sendable {
  /// The stream begins after this place.
  case ready(LogPosition)
  /// The ring cannot tell: ask the log for its bounds and decide again.
  case needsLogBounds
  /// What the client asks to go on from is not to be had; the earliest place that is.
  case reset(oldest: LogPosition)

  /// - Parameters:
  ///   - ring: what this node's ring holds.
  ///   - log: what the log holds; nil: not asked yet. Another node's events may be in the log before they are here, so
  ///     only the log can say that a client is ahead.
  static func decide(_ request: SubscribeRequest, ring: EventLogBounds, log: EventLogBounds?) -> SubscriptionStart {
    guard let after = request.after else { return .ready(LogPosition(epoch: ring.epoch, seq: ring.newest)) }
    let isSameEpoch = request.epoch.map { Identifier($0[...]) == ring.epoch } ?? true
    if isSameEpoch, (ring.oldest...max(ring.oldest, ring.newest)).contains(after) {
      return .ready(LogPosition(epoch: ring.epoch, seq: after))
    }
    guard let log else { return .needsLogBounds }
    // The log may be of a newer epoch than the ring for the moment that the tail reader needs to notice.
    guard isSameEpoch, log.epoch == ring.epoch, after >= log.oldest, after <= max(log.newest, ring.newest) else {
      return .reset(oldest: LogPosition(epoch: log.epoch, seq: log.oldest))
    }
    return .ready(LogPosition(epoch: ring.epoch, seq: after))
  }
}
