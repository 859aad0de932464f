// Several short pieces go to the end of an array at once: it is looked at a single time, and not for each byte.

/// Writes bytes one after the other into room that was reserved for them.
struct ByteCursor {
  private(set) var position: UnsafeMutablePointer<UInt8>

  init(_ start: UnsafeMutablePointer<UInt8>) { position = start }

  @inline(__always)
  mutating func put(_ byte: UInt8) {
    position.pointee = byte
    position += 1
  }

  @inline(__always)
  mutating func put(_ character: Unicode.Scalar) { put(UInt8(truncatingIfNeeded: character.value)) }

  @inline(__always)
  mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let start = bytes.baseAddress else { return }
    position.update(from: start, count: bytes.count)
    position += bytes.count
  }

  /// Lets `body` write `count` bytes in any order.
  @inline(__always)
  mutating func put(_ count: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
    body(UnsafeMutableBufferPointer(start: position, count: count))
    position += count
  }

  /// The bytes of an integer, the highest first.
  @inline(__always)
  mutating func put(bigEndian value: some FixedWidthInteger) {
    UnsafeMutableRawPointer(position).storeBytes(of: value.bigEndian, as: type(of: value))
    position += value.bitWidth / 8
  }

  /// - Parameter value: less than a hundred.
  @inline(__always)
  mutating func put(twoDigits value: Int) {
    put(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / 10))
    put(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value % 10))
  }
}

extension [UInt8] {
  /// - Parameter room: how much `body` writes at most.
  @inline(__always)
  mutating func append(room: Int, _ body: (inout ByteCursor) -> Void) {
    append(addingCapacity: room) { span in
      span.withUnsafeMutableBufferPointer { buffer, count in
        guard let start = buffer.baseAddress else { return }
        var cursor = ByteCursor(start)
        body(&cursor)
        count = cursor.position - start
      }
    }
  }
}
