// Appending and draining.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("Journal")
struct JournalTests {
  let fixture = JournalFixture()

  @Test("entries come out in the order in which they went in, and are gone then")
  func order() async throws {
    let journal = try fixture.open(segmentBytes: 1_000)
    try await journal.append(1...50)
    #expect(journal.entries == 50)
    #expect(try fixture.segments().count > 5)
    #expect(try await journal.drained() == Array(1...50))
    #expect(journal.isEmpty)
    #expect(journal.bytes == 0)
    #expect(try fixture.segments() == [])
    #expect(try await journal.drained() == [])
    await journal.close()
  }

  @Test("an entry comes out with the bytes with which it went in")
  func bytes() async throws {
    let journal = try fixture.open()
    let decomposed = "/in?name=e\u{301}"
    let entry = JournalEntry(
      receivedAt: Timestamp(microseconds: 1_700_000_000_123_456), method: "GET", target: decomposed,
      headers: [("a", "1"), ("a", "2"), ("empty", "")], body: Array(0...255))
    try await journal.append(entry)
    var found: JournalEntry?
    try await journal.drain { found = $0 }
    let kept = try #require(found)
    #expect(kept.receivedAt == entry.receivedAt)
    #expect(kept.method == "GET")
    #expect(Array(kept.target.utf8) == Array(decomposed.utf8))
    #expect(kept.headers.map(\.name) == ["a", "a", "empty"])
    #expect(kept.headers.map(\.value) == ["1", "2", ""])
    #expect(kept.body == entry.body)
    await journal.close()
  }

  @Test("an entry that is larger than a segment, and than what is read at once, is kept all the same")
  func large() async throws {
    let journal = try fixture.open(segmentBytes: 4_096)
    try await journal.append(.numbered(1))
    try await journal.append(.numbered(2, body: [UInt8](repeating: 7, count: 3 << 20)))
    try await journal.append(.numbered(3))
    var sizes: [Int] = []
    try await journal.drain { sizes.append($0.body.count) }
    #expect(sizes == [14, 3 << 20, 14])
    await journal.close()
  }

  @Test("a drain that fails keeps what it did not finish, and the next one goes on there")
  func resumes() async throws {
    struct Away: Error {}
    let journal = try fixture.open(segmentBytes: 1_000)
    try await journal.append(1...20)
    var offered: [Int] = []
    await #expect(throws: Away.self) {
      try await journal.drain { entry in
        offered.append(entry.number)
        if entry.number == 8 { throw Away() }
      }
    }
    #expect(offered == Array(1...8))
    #expect(journal.entries == 13)
    #expect(try await journal.drained() == Array(8...20))
    await journal.close()
  }

  @Test("entries that come in during a drain are drained too, behind the others")
  func appendedDuringDrain() async throws {
    let journal = try fixture.open(segmentBytes: 1_000)
    try await journal.append(1...3)
    var numbers: [Int] = []
    try await journal.drain { entry in
      numbers.append(entry.number)
      if entry.number < 30 { try await journal.append(.numbered(entry.number + 3)) }
    }
    #expect(numbers == Array(1...32))
    #expect(journal.isEmpty)
    await journal.close()
  }

  @Test("one drain at a time")
  func oneDrain() async throws {
    let journal = try fixture.open()
    try await journal.append(1...1)
    try await journal.drain { _ in
      await #expect(throws: JournalFailure.alreadyDraining) { try await journal.drain { _ in } }
    }
    await journal.close()
  }

  @Test("a full journal refuses, and takes in again once it is drained")
  func full() async throws {
    let journal = try fixture.open(maximumBytes: 2_000, segmentBytes: 500)
    var taken = 0
    await #expect(throws: JournalFailure.full) {
      while taken < 100 {
        try await journal.append(.numbered(taken))
        taken += 1
      }
    }
    #expect((10...20).contains(taken))
    #expect(journal.bytes <= 2_000)
    #expect(try await journal.drained() == Array(0..<taken))
    try await journal.append(.numbered(7))
    #expect(try await journal.drained() == [7])
    await journal.close()
  }

  @Test("a second opener is refused, until the first has closed")
  func locked() async throws {
    let journal = try fixture.open()
    #expect(throws: JournalFailure.locked(directory: fixture.directory)) { try fixture.open() }
    try await journal.append(1...2)
    await journal.close()
    await #expect(throws: JournalFailure.closed) { try await journal.append(.numbered(3)) }
    let next = try fixture.open()
    #expect(try await next.drained() == [1, 2])
    await next.close()
  }

  @Test("a directory that cannot be made is said in words")
  func unusableDirectory() throws {
    try fixture.replace("file", with: [])
    #expect {
      try Journal(directory: "\(fixture.directory)/file/journal", maximumBytes: 1, logger: .silent)
    } throws: { error in
      "\(error)".contains("cannot make") && "\(error)".contains("Not a directory")
    }
  }
}
