// Sixteen bytes as the wire carries them.

/// A UUID as two big-endian halves. Callers have id types of their own; this is what columns and parameters speak.
public struct UUIDBytes: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Same order as PostgreSQL's `uuid` (bytewise).
  public static func < (left: UUIDBytes, right: UUIDBytes) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }

  /// The canonical lower-case form, `8-4-4-4-12`.
  public var description: String {
    var text = ""
    text.reserveCapacity(36)
    let digits = Array("0123456789abcdef".utf8)
    for index in 0..<32 {
      if index == 8 || index == 12 || index == 16 || index == 20 { text += "-" }
      let half = index < 16 ? high : low
      let nibble = Int(half >> (60 - 4 * UInt64(index % 16)) & 0xf)
      text.unicodeScalars.append(Unicode.Scalar(digits[nibble]))
    }
    return text
  }
}
