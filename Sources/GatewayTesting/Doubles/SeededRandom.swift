// Chance that can be repeated: a property test that fails names its seed.

import Foundation

/// SplitMix64: the same seed gives the same numbers, on every machine.
public struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// Seeds for so many rounds: new ones every time, or the one in `FRACTAL_TEST_SEED` to repeat a failure.
  public static func seeds(_ count: Int) -> [UInt64] {
    if let seed = ProcessInfo.processInfo.environment["FRACTAL_TEST_SEED"].flatMap({ UInt64($0) }) { return [seed] }
    return (0..<count).map { _ in .random(in: .min ... .max) }
  }
}
