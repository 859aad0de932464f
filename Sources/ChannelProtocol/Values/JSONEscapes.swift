// What cannot stand in a JSON string as it is (RFC 8259, section 7).

extension UnsafeBufferPointer<UInt8> {
  /// The place of the next byte that must be escaped; the end where there is none. Texts are long and such bytes are few:
  /// eight are looked at together.
  func firstToEscape(from start: Int) -> Int {
    let bytes = UnsafeRawBufferPointer(self)
    var position = start
    while position + 8 <= count {
      let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      if Self.holdsOneToEscape(word) { break }
      position += 8
    }
    while position < count {
      let byte = self[position]
      if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
      position += 1
    }
    return position
  }

  /// A byte that is less than the one subtracted from it borrows into its highest bit.
  @inline(__always)
  private static func holdsOneToEscape(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = word ^ 0x2222_2222_2222_2222
    let backslashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
    let controls = (word &- 0x2020_2020_2020_2020) & ~word
    let marks = (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
    return (controls | marks) & 0x8080_8080_8080_8080 != 0
  }
}

extension ByteCursor {
  /// Six bytes at most.
  mutating func put(escaped byte: UInt8) {
    put("\\")
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): put(byte)
    case 0x0A: put("n")
    case 0x0D: put("r")
    case 0x09: put("t")
    default:
      put("u")
      put("0")
      put("0")
      put(byte < 0x10 ? "0" : "1")
      let digit = byte & 0xF
      put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}
