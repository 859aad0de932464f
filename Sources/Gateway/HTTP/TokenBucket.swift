// How many requests somebody may make: a token bucket as a value, the clock passed in.

/// What a bucket says to one request.
struct RateDecision: Sendable, Hashable {
  var isAllowed: Bool
  /// The most that may come at once.
  var limit: Int
  /// How many more may come now.
  var remaining: Int
  /// Whole seconds until `limit` may come at once again.
  var reset: Int
  /// Whole seconds until one more may come; at least one.
  var retryAfter: Int
}

/// Refills at `rate` tokens a second, to `burst` at most; a request takes one.
struct TokenBucket: Sendable, Hashable {
  private var tokens: Double
  private var updatedAt: ContinuousClock.Instant

  init(burst: Int, at now: ContinuousClock.Instant) {
    tokens = Double(burst)
    updatedAt = now
  }

  /// - Parameter rate: above zero.
  mutating func take(rate: Double, burst: Int, at now: ContinuousClock.Instant) -> RateDecision {
    refill(rate: rate, burst: burst, at: now)
    let isAllowed = tokens >= 1
    if isAllowed { tokens -= 1 }
    return RateDecision(
      isAllowed: isAllowed, limit: burst, remaining: Int(tokens), reset: Self.seconds(Double(burst) - tokens, rate),
      retryAfter: max(1, Self.seconds(1 - tokens, rate)))
  }

  /// What the next request would hear, without taking anything.
  func look(rate: Double, burst: Int, at now: ContinuousClock.Instant) -> RateDecision {
    var copy = self
    copy.refill(rate: rate, burst: burst, at: now)
    return RateDecision(
      isAllowed: copy.tokens >= 1, limit: burst, remaining: Int(copy.tokens),
      reset: Self.seconds(Double(burst) - copy.tokens, rate), retryAfter: max(1, Self.seconds(1 - copy.tokens, rate)))
  }

  /// Nothing is known by it that a new one would not say.
  func isFull(rate: Double, burst: Int, at now: ContinuousClock.Instant) -> Bool {
    look(rate: rate, burst: burst, at: now).reset == 0
  }

  private mutating func refill(rate: Double, burst: Int, at now: ContinuousClock.Instant) {
    let elapsed = (now - updatedAt) / .seconds(1)
    // Two threads may have read the clock in the other order.
    guard elapsed > 0 else { return }
    tokens = min(Double(burst), tokens + elapsed * rate)
    updatedAt = now
  }

  private static func seconds(_ tokens: Double, _ rate: Double) -> Int {
    Int(max(0, min(tokens / rate, 86_400)).rounded(.up))
  }
}
