// How far away the machine's memory is, which others on it can change by the hour.

/// What one read takes whose address is known only from the read before it. A gateway and a database that take turns on a
/// core live from the shared cache: where neighbours have taken it, the same work takes several times as long, while a
/// loop that stays in the core's own does not slow down.
package enum MemoryLatency {
  /// - Parameter kilobytes: the size of what is read in.
  /// - Returns: nanoseconds a read.
  package static func nanoseconds(within kilobytes: Int) -> Double {
    let words = kilobytes * 1_024 / MemoryLayout<Int>.stride
    // One word of each cache line, in an order that no processor foresees: a single cycle through all of them.
    let lines = words / 8
    var next = [Int](repeating: 0, count: words)
    var order = Array(0..<lines)
    var generator = SystemRandomNumberGenerator()
    order.shuffle(using: &generator)
    for (index, line) in order.enumerated() { next[line * 8] = order[(index + 1) % lines] * 8 }
    let reads = 2_000_000
    return next.withUnsafeBufferPointer { next in
      var place = order[0] * 8
      for _ in 0..<lines { place = next[place] }
      let start = ContinuousClock.now
      for _ in 0..<reads { place = next[place] }
      let duration = start.duration(to: .now)
      // Never: so that the reads are not left out.
      if place < 0 { print(place) }
      return duration / .nanoseconds(1) / Double(reads)
    }
  }
}
