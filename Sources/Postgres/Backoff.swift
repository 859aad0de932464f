// How long to wait before the next attempt.

/// Exponential backoff with jitter: each delay is drawn from the upper half of a window that doubles up to a cap.
public struct Backoff: Sendable {
  public let base: Duration
  public let cap: Duration
  private var attempt = 0

  public init(base: Duration, cap: Duration) {
    self.base = base
    self.cap = cap
  }

  public mutating func next() -> Duration {
    var entropy = SystemRandomNumberGenerator()
    return next(using: &entropy)
  }

  mutating func next(using entropy: inout some RandomNumberGenerator) -> Duration {
    let window = min(cap, base * (1 << min(attempt, 20)))
    attempt += 1
    return window * Double.random(in: 0.5...1, using: &entropy)
  }

  public mutating func reset() { attempt = 0 }
}
