// Durations in the units that the system calls take.

extension Duration {
  /// Rounded up, at least 0, at most what an `Int32` holds.
  var wholeMilliseconds: Int32 {
    let (seconds, attoseconds) = components
    if seconds < 0 || attoseconds < 0 { return 0 }
    if seconds >= Int64(Int32.max / 1_000) { return .max }
    let partial = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return Int32(seconds * 1_000 + partial)
  }

  var nanosecondsClamped: Int64 {
    let (seconds, attoseconds) = components
    if seconds >= Int64.max / 1_000_000_000 - 1 { return .max }
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}

extension ContinuousClock.Instant {
  /// Time that is left, never negative.
  var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: self)) }
  var hasPassed: Bool { self <= ContinuousClock.now }
}
