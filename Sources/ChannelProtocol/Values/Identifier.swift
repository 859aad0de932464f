// The id of everything we name: a UUID, version 7, so that index inserts stay at the right edge.

/// A 128-bit UUID, compared as its 16 big-endian bytes; those we make are version 7 (RFC 9562 section 5.7).
public struct Identifier: Hashable, Sendable, Comparable {
  /// The first eight bytes, big-endian: 48 bits of Unix milliseconds, version, 12 bits of counter or randomness.
  public let high: UInt64
  /// The last eight bytes, big-endian: variant and randomness.
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A version 7 id for an instant; its order follows the instant to the sub-millisecond (RFC 9562 method 3).
  public init(at time: Timestamp, randomness: UInt64) {
    let milliseconds = UInt64(max(0, time.microseconds)) / 1_000
    let fraction = (UInt64(max(0, time.microseconds)) % 1_000) * 4_096 / 1_000
    high = milliseconds << 16 | 0x7000 | fraction
    low = randomness & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
  }

  /// The canonical form `8-4-4-4-12`, either case; nil for anything else.
  public init?(_ text: some StringProtocol) {
    var high: UInt64 = 0
    var low: UInt64 = 0
    var position = 0
    var digits = 0
    for byte in text.utf8 {
      if position == 8 || position == 13 || position == 18 || position == 23 {
        guard byte == UInt8(ascii: "-") else { return nil }
      } else {
        guard let digit = Self.hexadecimalDigit(byte), digits < 32 else { return nil }
        if digits < 16 { high = high << 4 | digit } else { low = low << 4 | digit }
        digits += 1
      }
      position += 1
    }
    guard position == 36, digits == 32 else { return nil }
    self.high = high
    self.low = low
  }

  /// The instant a version 7 id was made, to the millisecond.
  public var timestamp: Timestamp { Timestamp(microseconds: Int64(high >> 16) * 1_000) }

  public static func < (left: Self, right: Self) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }

  private static func hexadecimalDigit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  /// Appends the 36 characters of the canonical lower-case form.
  public func append(to bytes: inout [UInt8]) {
    bytes.append(room: Self.length) { write(to: &$0) }
  }

  /// How many characters the canonical form has.
  static let length = 36

  @inline(__always)
  func write(to cursor: inout ByteCursor) {
    cursor.put(bigEndian: Self.digits(high >> 32))
    cursor.put("-")
    let middle = Self.digits(high & 0xFFFF_FFFF)
    cursor.put(bigEndian: UInt32(truncatingIfNeeded: middle >> 32))
    cursor.put("-")
    cursor.put(bigEndian: UInt32(truncatingIfNeeded: middle))
    cursor.put("-")
    let variant = Self.digits(low >> 32)
    cursor.put(bigEndian: UInt32(truncatingIfNeeded: variant >> 32))
    cursor.put("-")
    cursor.put(bigEndian: UInt32(truncatingIfNeeded: variant))
    cursor.put(bigEndian: Self.digits(low & 0xFFFF_FFFF))
  }

  /// The eight digits of 32 bits, as the bytes of one integer: all are made in a handful of steps.
  @inline(__always)
  private static func digits(_ value: UInt64) -> UInt64 {
    var digits = (value << 16 | value) & 0x0000_FFFF_0000_FFFF
    digits = (digits << 8 | digits) & 0x00FF_00FF_00FF_00FF
    digits = (digits << 4 | digits) & 0x0F0F_0F0F_0F0F_0F0F
    // Ten and more carry into the fifth bit with six added: those are letters.
    let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return digits &+ 0x3030_3030_3030_3030 &+ letters &* UInt64(UInt8(ascii: "a") - 10 - UInt8(ascii: "0"))
  }
}

extension Identifier: CustomStringConvertible, LosslessStringConvertible {
  public init?(_ description: String) { self.init(description[...]) }

  public var description: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(36)
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
