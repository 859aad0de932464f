// Token buckets by whose they are, in bounded memory. Each node counts for itself.

import Synchronization

/// One bucket to a key. Beyond `maximumBuckets` those that are full are forgotten, and where none is, all newcomers
/// share one: whoever makes up names to get a new bucket each time gets the same one.
final class RateLimiter<Key: Hashable & Sendable>: Sendable {
  private struct State {
    var buckets: [Key: TokenBucket] = [:]
    var shared: TokenBucket?
    var nextSweep: ContinuousClock.Instant
  }

  private let rate: Double
  private let burst: Int
  private let maximumBuckets: Int
  private let now: @Sendable () -> ContinuousClock.Instant
  private let state: Mutex<State>

  /// - Parameter rate: a second; 0: no limit.
  init(
    rate: Double, burst: Int, maximumBuckets: Int = 10_000,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.rate = rate
    self.burst = max(1, burst)
    self.maximumBuckets = maximumBuckets
    self.now = now
    state = Mutex(State(nextSweep: now()))
  }

  var bucketCount: Int { state.withLock { $0.buckets.count } }

  /// Counts one. nil: there is no limit.
  func take(_ key: Key) -> RateDecision? {
    guard rate > 0 else { return nil }
    let (now, rate, burst) = (now(), rate, burst)
    return state.withLock { state in
      if let decision = state.buckets[key]?.take(rate: rate, burst: burst, at: now) { return decision }
      if state.buckets.count >= maximumBuckets, state.nextSweep <= now {
        // Not at every newcomer: it looks at all of them.
        state.nextSweep = now + .seconds(1)
        state.buckets = state.buckets.filter { !$0.value.isFull(rate: rate, burst: burst, at: now) }
      }
      var bucket = TokenBucket(burst: burst, at: now)
      if state.buckets.count >= maximumBuckets { bucket = state.shared ?? bucket }
      let decision = bucket.take(rate: rate, burst: burst, at: now)
      if state.buckets.count >= maximumBuckets { state.shared = bucket } else { state.buckets[key] = bucket }
      return decision
    }
  }

  /// What the next one would hear; nothing is counted. nil: there is no limit, or nothing is known of the key.
  func look(_ key: Key) -> RateDecision? {
    guard rate > 0 else { return nil }
    let now = now()
    return state.withLock { state in
      let bucket = state.buckets[key] ?? (state.buckets.count >= maximumBuckets ? state.shared : nil)
      return bucket?.look(rate: rate, burst: burst, at: now)
    }
  }
}
