// How long a read takes that misses a core's own caches, which others on the machine can change by the hour.

/// What one read takes whose address is known only from the read before it: from the cache that the cores share, from
/// memory where that has no room, with the walk through the page tables where it is needed. A gateway and a database that
/// take turns on a core need more than its own caches hold, so they slow down with it; a loop that stays in those does not.
/// One sample: a thread that had to wait for a processor has that in it too.
package enum MemoryLatency {
  /// - Parameter kilobytes: the size of what is read in, at least 1.
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
