// Reading PostgreSQL's binary values out of raw memory.

extension UnsafeRawBufferPointer {
  /// The buffer's first bytes as a big-endian integer; 0 if it is too short (the type check has settled the length).
  func bigEndian<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int = 0) -> Integer {
    guard offset + MemoryLayout<Integer>.size <= count else { return 0 }
    return Integer(bigEndian: loadUnaligned(fromByteOffset: offset, as: Integer.self))
  }
}

extension UUIDBytes {
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(high: bytes.bigEndian(UInt64.self), low: bytes.bigEndian(UInt64.self, at: 8))
  }
}

/// Walks a binary array: dimensions, flags, element type, then per dimension its length and lower bound, then elements.
struct ArrayReader {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func elements<Element>(
    _ decode: (UnsafeRawBufferPointer) -> Element
  ) throws(PostgresError) -> [Element] {
    let dimensions = try integer()
    _ = try integer()
    _ = try integer()
    if dimensions == 0 { return [] }
    guard dimensions == 1 else { throw PostgresError(.unexpectedResult, "an array of \(dimensions) dimensions") }
    let count = Int(try integer())
    _ = try integer()
    // Each element takes at least its length's four bytes, so a false count cannot make us reserve more.
    guard count >= 0, count <= bytes.count / 4 else { throw truncated }
    var elements: [Element] = []
    elements.reserveCapacity(count)
    for _ in 0..<count {
      let length = Int(try integer())
      if length == -1 { throw PostgresError(.unexpectedResult, "an array element is NULL") }
      guard length >= 0, length <= bytes.count - offset else { throw truncated }
      elements.append(decode(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])))
      offset += length
    }
    return elements
  }

  private mutating func integer() throws(PostgresError) -> Int32 {
    guard offset + 4 <= bytes.count else { throw truncated }
    defer { offset += 4 }
    return bytes.bigEndian(Int32.self, at: offset)
  }

  private var truncated: PostgresError { PostgresError(.unexpectedResult, "a truncated array") }
}
