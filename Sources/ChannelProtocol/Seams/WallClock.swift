// Time and chance, from outside, so that a test can hold them still.

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

public protocol WallClock: Sendable {
  func now() -> Timestamp
}

/// The system's clock.
public struct SystemClock: WallClock {
  public init() {}

  public func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }
}

extension WallClock {
  /// A new id for this moment.
  public func makeIdentifier() -> Identifier {
    Identifier(at: now(), randomness: IdentifierEntropy.word())
  }
}
