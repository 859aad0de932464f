// What an endpoint can take at the moment, learnt from how its attempts end. Values, without I/O.

import ChannelProtocol

/// Attempts under way at once: few until some were answered, one more with each success, half with each failure. An
/// endpoint that never answers holds few of the node's slots.
struct AttemptWindow: Sendable, Hashable {
  private(set) var size = 4

  mutating func succeeded(limit: Int) { size = min(size + 1, max(limit, 1)) }
  mutating func failed() { size = max(1, size / 2) }
}

/// Lets little through to an endpoint that does nothing but fail: deliveries keep their attempts for when it is back.
///
/// Only first attempts open it: one that fails again tells of its own conversation, not of the endpoint. While it is
/// open, one attempt goes at a time, and not before its pause is over. The pauses grow; but an endpoint that answers at
/// all is asked again with a first attempt each second, so that what it would take does not wait for what it refuses.
struct EndpointCircuit: Sendable, Hashable {
  static let threshold = 10
  static let longestPause = Duration.seconds(60)
  static let firstAttemptPause = Duration.seconds(1)

  private var failures = 0
  private var nextPause = Duration.seconds(1)
  private var opensAt: Timestamp?
  private var opensAtForFirst: Timestamp?

  var isOpen: Bool { opensAt != nil }

  /// When the next attempt may go; nil: at any time.
  func opensAt(isFirst: Bool) -> Timestamp? { isFirst ? opensAtForFirst : opensAt }

  mutating func succeeded() { self = EndpointCircuit() }

  /// - Parameters:
  ///   - isFirst: the delivery had not been attempted before.
  ///   - isAnswered: the endpoint said something.
  ///   - jitter: 0 to 1.
  mutating func failed(isFirst: Bool, isAnswered: Bool, at now: Timestamp, jitter: Double) {
    if isFirst { failures += 1 }
    guard failures >= Self.threshold else { return }
    let spread = 1 + 0.2 * jitter
    // First attempts that fail during a pause make it no longer.
    if opensAt.map({ $0 <= now }) ?? true {
      opensAt = now + nextPause * spread
      if isFirst { nextPause = min(nextPause * 2, Self.longestPause) }
    }
    opensAtForFirst = isAnswered ? now + Self.firstAttemptPause * spread : opensAt
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
