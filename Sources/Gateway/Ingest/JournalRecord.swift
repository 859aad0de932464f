// How entries lie in a segment: framed and summed, so that a torn or rotten one is seen and the next one found.

/// A record: the mark `FJR1`, the payload's length, the CRC-32 of length and payload (little-endian), the payload.
enum JournalRecord {
  static let headerBytes = 12
  /// No request that a server takes is larger; a longer length is damage.
  static let maximumPayloadBytes = 64 << 20
  private static let mark = Array("FJR1".utf8)

  /// What lies at a place in a segment.
  enum Reading: Equatable {
    /// The payload's bounds, which end where the next record begins.
    case record(Range<Int>)
    /// The bytes end before the record does.
    case incomplete
    /// No record, or one whose sum is wrong.
    case damaged
  }

  static func encode(_ entry: JournalEntry) throws(JournalFailure) -> [UInt8] {
    var bytes = mark + [UInt8](repeating: 0, count: headerBytes - mark.count)
    bytes.reserveCapacity(headerBytes + entry.body.count + entry.target.utf8.count + 1_024)
    entry.append(to: &bytes)
    let length = bytes.count - headerBytes
    guard length <= maximumPayloadBytes else { throw .tooLarge(length) }
    store(UInt32(length), in: &bytes, at: 4)
    store(sum(bytes, payload: headerBytes..<bytes.count), in: &bytes, at: 8)
    return bytes
  }

  static func read(_ bytes: [UInt8], at offset: Int) -> Reading {
    let header = bytes[offset...].prefix(headerBytes)
    guard header.prefix(mark.count).elementsEqual(mark.prefix(header.count)) else { return .damaged }
    guard header.count == headerBytes else { return .incomplete }
    let length = Int(load(bytes, at: offset + 4))
    guard length <= maximumPayloadBytes else { return .damaged }
    let payload = offset + headerBytes..<offset + headerBytes + length
    guard payload.upperBound <= bytes.count else { return .incomplete }
    return sum(bytes, payload: payload) == load(bytes, at: offset + 8) ? .record(payload) : .damaged
  }

  /// The place of the first whole record after one that is damaged or incomplete; nil where none follows.
  static func next(in bytes: [UInt8], after offset: Int) -> Int? {
    if offset + headerBytes <= bytes.count {
      // A rotten payload has a true length in front of it, most likely; what it holds must not be taken for a record.
      let end = offset + headerBytes + Int(load(bytes, at: offset + 4))
      if end < bytes.count, case .record = read(bytes, at: end) { return end }
    }
    var candidate = offset + 1
    while candidate + headerBytes <= bytes.count {
      if bytes[candidate] == mark[0], case .record = read(bytes, at: candidate) { return candidate }
      candidate += 1
    }
    return nil
  }

  // MARK: Parts

  private static func sum(_ bytes: [UInt8], payload: Range<Int>) -> UInt32 {
    var sum = CRC32()
    let start = payload.lowerBound - headerBytes
    sum.add(bytes[start + 4..<start + 8])
    sum.add(bytes[payload])
    return sum.value
  }

  private static func store(_ value: UInt32, in bytes: inout [UInt8], at offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))) }
  }

  private static func load(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
  }
}

/// The CRC-32 of Ethernet and zip (polynomial 0xEDB88320, reflected).
struct CRC32 {
  private var register: UInt32 = 0xFFFF_FFFF

  var value: UInt32 { ~register }

  mutating func add(_ bytes: ArraySlice<UInt8>) {
    var register = register
    Self.table.withUnsafeBufferPointer { table in
      bytes.withUnsafeBufferPointer { bytes in
        for byte in bytes { register = table[Int(UInt8(truncatingIfNeeded: register) ^ byte)] ^ register >> 8 }
      }
    }
    self.register = register
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
  }
}
