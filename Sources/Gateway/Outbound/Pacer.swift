// How fast a sender may go: decided here, waited for elsewhere.

import ChannelProtocol

/// The generic cell rate algorithm for one sender, in parts (segments) per second, with a brake for a provider that
/// says it is too much. A value: time is passed in.
struct Pacer: Sendable, Hashable {
  /// Parts per second the configuration allows.
  let configuredRate: Double
  /// Parts per second at the moment: halved at each throttling, back by a tenth with each minute of success.
  private(set) var rate: Double
  private var nextFree: Timestamp
  private var blockedUntil: Timestamp?
  private var lastRaise: Timestamp

  init(rate: Double, now: Timestamp) {
    configuredRate = max(rate, 0.001)
    self.rate = configuredRate
    nextFree = now
    lastRaise = now
  }

  /// When the next message may leave.
  func nextStart(now: Timestamp) -> Timestamp { max(now, nextFree, blockedUntil ?? now) }

  /// When the next message may leave; its place is taken.
  mutating func reserve(units: Int, now: Timestamp) -> Timestamp {
    recover(now: now)
    var start = max(now, nextFree)
    if let blockedUntil { start = max(start, blockedUntil) }
    nextFree = start + .microseconds(Int64(Double(max(units, 1)) / rate * 1_000_000))
    return start
  }

  /// The provider refused for speed.
  mutating func throttled(retryAfter: Duration?, now: Timestamp) {
    rate = max(rate / 2, configuredRate / 64)
    lastRaise = now
    let pause = retryAfter ?? .seconds(1)
    blockedUntil = max(blockedUntil ?? now, now + pause)
  }

  /// The provider refuses whatever this sender sends, for now.
  mutating func paused(for pause: Duration, now: Timestamp) {
    blockedUntil = max(blockedUntil ?? now, now + pause)
  }

  private mutating func recover(now: Timestamp) {
    if let blockedUntil, now >= blockedUntil { self.blockedUntil = nil }
    while rate < configuredRate, now - lastRaise >= .seconds(60) {
      rate = min(configuredRate, rate + configuredRate / 10)
      lastRaise = lastRaise + .seconds(60)
    }
  }
}
