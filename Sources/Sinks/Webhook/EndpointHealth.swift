// What an endpoint can take at the moment, learnt from how its attempts end. Values, without I/O.

import ChannelProtocol

/// Attempts under way at once: few until some were answered, one more with each success, half with each failure. An
/// endpoint that never answers holds few of the node's slots.
struct AttemptWindow: Sendable, Hashable {
  private(set) var size = 4

  mutating func succeeded(limit: Int) { size = min(size + 1, max(limit, 1)) }
  mutating func failed() { size = max(1, size / 2) }
}

/// Lets nothing through to an endpoint that does nothing but fail, except one attempt now and then: deliveries keep
/// their attempts for when it is back.
struct EndpointCircuit: Sendable, Hashable {
  static let threshold = 10
  static let longestPause = Duration.seconds(300)

  private var failures = 0
  private var nextPause = Duration.seconds(1)
  private(set) var opensAt: Timestamp?

  /// - Parameter underWay: attempts at this endpoint.
  func lets(through underWay: Int, at now: Timestamp) -> Bool {
    guard let opensAt else { return true }
    return now >= opensAt && underWay == 0
  }

  mutating func succeeded() { self = EndpointCircuit() }

  /// - Parameter jitter: 0 to 1.
  mutating func failed(at now: Timestamp, jitter: Double) {
    failures += 1
    guard failures >= Self.threshold else { return }
    opensAt = now + nextPause * (1 + 0.2 * jitter)
    nextPause = min(nextPause * 2, Self.longestPause)
  }
}

/// An even rate: each attempt has its place in time, and a few may go before theirs.
struct AttemptPace: Sendable, Hashable {
  private var place: Timestamp?

  /// When the next attempt may go.
  func next(rate: Double, at now: Timestamp) -> Timestamp {
    guard let place else { return now }
    return max(now, place - Self.slack(rate))
  }

  mutating func take(rate: Double, at now: Timestamp) {
    place = max(place ?? now, now) + .seconds(1 / rate)
  }

  /// A twentieth of a second's attempts, where that is more than one.
  private static func slack(_ rate: Double) -> Duration { .seconds(max(0, 0.05 - 1 / rate)) }
}
