// What a line says of an event's data. Every event's data is walked over for it, so no tree is built and nothing copied.

/// The strings `id` and `status` of a JSON object that is ours: it is trusted to be JSON, and read no further than the
/// last of them.
struct LogWords {
  /// As it was written, quotation marks included; nil where it is absent or no string.
  private(set) var id: UnsafeRawBufferPointer?
  private(set) var status: UnsafeRawBufferPointer?

  /// - Parameter data: must outlive the words, which lie in it.
  init(_ data: UnsafeRawBufferPointer) {
    var walk = MemberWalk(data)
    var missing = 2
    while missing > 0, let (name, value) = walk.next() {
      if Self.isEqual(name, "id") {
        id = Self.string(value)
      } else if Self.isEqual(name, "status") {
        status = Self.string(value)
      } else {
        continue
      }
      missing -= 1
    }
  }

  private static func isEqual(_ name: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
    guard name.count == word.utf8CodeUnitCount else { return false }
    return word.withUTF8Buffer { name.elementsEqual($0) }
  }

  private static func string(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    value.first == UInt8(ascii: "\"") ? value : nil
  }
}

/// Goes from one member of the outer object to the next.
private struct MemberWalk {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The name without its quotation marks, and the value as it was written; nil at the end.
  mutating func next() -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
    // Either the brace that opens the object or the comma behind the last value.
    skipBlanks()
    guard position < bytes.count, bytes[position] != UInt8(ascii: "}") else { return nil }
    position += 1
    skipBlanks()
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return nil }
    let name = position + 1
    skipString()
    let nameEnd = position - 1
    skipBlanks()
    position += 1
    skipBlanks()
    let value = position
    skipValue()
    guard name <= nameEnd, value < position else { return nil }
    return (
      UnsafeRawBufferPointer(rebasing: bytes[name..<nameEnd]), UnsafeRawBufferPointer(rebasing: bytes[value..<position])
    )
  }

  private mutating func skipBlanks() {
    while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
  }

  private mutating func skipString() {
    position += 1
    while true {
      skipPlain()
      guard position < bytes.count else { break }
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") { break }
      position += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    position = min(position + 1, bytes.count)
  }

  /// To the next quotation mark or backslash, eight bytes at a time while there are as many; it may stop before.
  private mutating func skipPlain() {
    let ones: UInt64 = 0x0101_0101_0101_0101
    while position + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      let quotes = word ^ 0x2222_2222_2222_2222
      let backslashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
      // A zero borrows into its highest bit; what stands above the lowest one says nothing.
      let marks = ((quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes) & 0x8080_8080_8080_8080
      position += marks.trailingZeroBitCount / 8
      if marks != 0 { return }
    }
  }

  private mutating func skipValue() {
    guard position < bytes.count else { return }
    switch bytes[position] {
    case UInt8(ascii: "\""): skipString()
    case UInt8(ascii: "{"), UInt8(ascii: "["): skipNested()
    default:
      while position < bytes.count, !Self.endsWord(bytes[position]) { position += 1 }
    }
  }

  private mutating func skipNested() {
    var depth = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        skipString()
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
      position += 1
      if depth == 0 { return }
    }
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
  }
}
