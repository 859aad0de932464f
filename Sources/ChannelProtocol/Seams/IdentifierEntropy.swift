// Chance for ids, fetched from the system in pieces: a system call for each id costs ten times the id.

import Synchronization

#if canImport(Glibc)
import Glibc
#endif

enum IdentifierEntropy {
  /// `getentropy` gives no more than 256 bytes at once (its manual page).
  private static let size = 32

  private struct Pool {
    var words = [UInt64](repeating: 0, count: size)
    /// The first word that was not given out; each is given out once.
    var next = size
  }

  private static let pool = Mutex(Pool())

  static func word() -> UInt64 {
    pool.withLock { pool in
      if pool.next == size {
        fill(&pool.words)
        pool.next = 0
      }
      defer { pool.next += 1 }
      return pool.words[pool.next]
    }
  }

  private static func fill(_ words: inout [UInt64]) {
    #if canImport(Glibc)
    let wanted = words.count * MemoryLayout<UInt64>.size
    if words.withUnsafeMutableBytes({ getentropy($0.baseAddress, wanted) }) == 0 { return }
    #endif
    var generator = SystemRandomNumberGenerator()
    for index in words.indices { words[index] = generator.next() }
  }
}
