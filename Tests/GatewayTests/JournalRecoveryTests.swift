// What a crash or a bad disk leaves, and what the next run makes of it.

import Foundation
import Testing

@testable import Gateway

@Suite("Journal: after a crash")
struct JournalRecoveryTests {
  let fixture = JournalFixture()

  /// The bytes of one segment with the entries 1, 2 and 3, and where each begins.
  private func threeRecords() throws -> (bytes: [UInt8], starts: [Int]) {
    var bytes: [UInt8] = []
    var starts: [Int] = []
    for number in 1...3 {
      starts.append(bytes.count)
      bytes += try JournalRecord.encode(.numbered(number))
    }
    return (bytes, starts + [bytes.count])
  }

  @Test("what was appended before a crash is there after it")
  func crash() async throws {
    let journal = try fixture.open(segmentBytes: 1_000)
    try await journal.append(1...30)
    let crashed = try fixture.crashed()
    await journal.close()
    let next = try crashed.open(segmentBytes: 1_000)
    #expect(next.entries == 30)
    try await next.append(31...32)
    #expect(try await next.drained() == Array(1...32))
    await next.close()
  }

  @Test("after a crash in the middle of a drain nothing is missing, and what was let go before it does not come again")
  func crashWhileDraining() async throws {
    struct Away: Error {}
    let journal = try fixture.open(segmentBytes: 1_000)
    try await journal.append(1...30)
    await #expect(throws: Away.self) {
      try await journal.drain { if $0.number == 12 { throw Away() } }
    }
    let crashed = try fixture.crashed()
    await journal.close()
    let next = try crashed.open(segmentBytes: 1_000)
    #expect(next.entries == 19)
    #expect(try await next.drained() == Array(12...30))
    await next.close()
  }

  @Test("a position that cannot be read makes entries come again, and none be skipped", arguments: ["", "1 9999 ab\n"])
  func badPosition(content: String) async throws {
    let (bytes, _) = try threeRecords()
    try fixture.replace("00000001.journal", with: bytes)
    try fixture.replace("position", with: Array(content.utf8))
    let journal = try fixture.open()
    #expect(try await journal.drained() == [1, 2, 3])
    await journal.close()
  }

  @Test("a position that outlived its segments hides no new ones")
  func oldPosition() async throws {
    struct Away: Error {}
    let first = try fixture.open()
    try await first.append(1...3)
    await #expect(throws: Away.self) { try await first.drain { if $0.number == 3 { throw Away() } } }
    await first.close()
    for segment in try fixture.segments() {
      try FileManager.default.removeItem(atPath: "\(fixture.directory)/\(segment)")
    }
    let second = try fixture.open()
    try await second.append(4...6)
    await second.close()
    let third = try fixture.open()
    #expect(try await third.drained() == [4, 5, 6])
    await third.close()
  }

  @Test("a last record that is torn at any byte is cut off, and all before it stays")
  func tornTail() async throws {
    let (bytes, starts) = try threeRecords()
    for end in starts[2]..<starts[3] {
      let torn = JournalFixture()
      try torn.replace("00000001.journal", with: Array(bytes[..<end]))
      let journal = try torn.open()
      #expect(journal.entries == 2, "cut at \(end - starts[2])")
      #expect(try torn.content("00000001.journal").count == starts[2])
      try await journal.append(.numbered(4))
      #expect(try await journal.drained() == [1, 2, 4], "cut at \(end - starts[2])")
      #expect(journal.corruptRecords == 0)
      await journal.close()
    }
  }

  @Test("a tail of zeros, as a file system leaves it after a power cut, is cut off")
  func zeroTail() async throws {
    let (bytes, _) = try threeRecords()
    try fixture.replace("00000001.journal", with: bytes + [UInt8](repeating: 0, count: 5_000))
    let journal = try fixture.open()
    #expect(try await journal.drained() == [1, 2, 3])
    #expect(journal.corruptRecords == 0)
    await journal.close()
  }

  @Test("a record that is rotten at any byte is skipped and counted, and its file kept aside")
  func corruptMiddle() async throws {
    let (bytes, starts) = try threeRecords()
    for place in starts[1]..<starts[2] {
      let rotten = JournalFixture()
      var content = bytes
      content[place] ^= 0x41
      try rotten.replace("00000001.journal", with: content)
      let journal = try rotten.open()
      #expect(journal.entries == 2)
      #expect(try await journal.drained() == [1, 3], "rotten at \(place - starts[1])")
      #expect(journal.corruptRecords == 1)
      #expect(journal.isEmpty)
      #expect(try rotten.segments() == [])
      #expect(try rotten.content("00000001.journal.corrupt") == content)
      await journal.close()
    }
  }

  @Test("a request that carries a whole record in its body does not forge one when its own record rots")
  func forgedRecord() async throws {
    let forged = try JournalRecord.encode(.numbered(666))
    var bytes = try JournalRecord.encode(.numbered(1, body: forged + forged))
    bytes[JournalRecord.headerBytes] ^= 0x41
    bytes += try JournalRecord.encode(.numbered(2))
    try fixture.replace("00000001.journal", with: bytes)
    // A later segment, so that the first one's end is no torn tail.
    try fixture.replace("00000002.journal", with: try JournalRecord.encode(.numbered(3)))
    let journal = try fixture.open()
    #expect(try await journal.drained() == [2, 3])
    await journal.close()
  }

  @Test("a segment that rotted from end to end is kept aside, and the others are drained")
  func rottenSegment() async throws {
    let (bytes, _) = try threeRecords()
    try fixture.replace("00000001.journal", with: [UInt8](repeating: 0x46, count: 3_000))
    try fixture.replace("00000002.journal", with: bytes)
    let journal = try fixture.open()
    #expect(journal.corruptRecords == 1)
    #expect(try await journal.drained() == [1, 2, 3])
    #expect(fixture.contains("00000001.journal.corrupt"))
    #expect(!fixture.contains("00000002.journal.corrupt"))
    await journal.close()
  }

  @Test("an entry of a version we do not know is skipped and kept aside")
  func unknownVersion() async throws {
    var record = try JournalRecord.encode(.numbered(1))
    record[JournalRecord.headerBytes] = 9
    var sum = CRC32()
    sum.add(record[4..<8])
    sum.add(record[JournalRecord.headerBytes...])
    for index in 0..<4 { record[8 + index] = UInt8(truncatingIfNeeded: sum.value >> (8 * UInt32(index))) }
    try fixture.replace("00000001.journal", with: record + JournalRecord.encode(.numbered(2)))
    let journal = try fixture.open()
    #expect(try await journal.drained() == [2])
    #expect(journal.corruptRecords == 1)
    #expect(fixture.contains("00000001.journal.corrupt"))
    await journal.close()
  }

  @Test("the sum is the CRC-32 of zip")
  func checkValue() {
    var sum = CRC32()
    sum.add(ArraySlice("123456789".utf8))
    #expect(sum.value == 0xCBF4_3926)
  }
}
