// The journal and its disk: shared commits, a disk that fails, one that hangs.

import Foundation
import GatewayTesting
import Synchronization
import Testing

@testable import Gateway

@Suite("Journal: the disk")
struct JournalGroupCommitTests {
  let fixture = JournalFixture()

  @Test("a thousand concurrent appends share two commits")
  func groupCommit() async throws {
    let gate = JournalGate()
    let journal = try fixture.open(synchronize: gate.pass)
    try await withThrowingTaskGroup { group in
      for number in 0..<1_000 { group.addTask { try await journal.append(.numbered(number)) } }
      #expect(await eventually { journal.entries == 1_000 })
      gate.open()
      try await group.waitForAll()
    }
    let commits = gate.passages.withLock { $0 }
    #expect((1...2).contains(commits))
    #expect(Set(try await journal.drained()) == Set(0..<1_000))
    await journal.close()
  }

  @Test("an append returns only after its commit")
  func durability() async throws {
    let gate = JournalGate()
    let journal = try fixture.open(synchronize: gate.pass)
    let hasReturned = JournalNote(false)
    try await withThrowingTaskGroup { group in
      group.addTask {
        try await journal.append(.numbered(1))
        hasReturned.value.withLock { $0 = true }
      }
      #expect(await eventually { gate.passages.withLock { $0 } == 1 })
      #expect(!hasReturned.value.withLock { $0 })
      #expect(!journal.isEmpty)
      gate.open()
      try await group.waitForAll()
    }
    #expect(hasReturned.value.withLock { $0 })
    await journal.close()
  }

  @Test("a disk that hangs holds nobody longer than the journal's patience")
  func hanging() async throws {
    let gate = JournalGate()
    let journal = try fixture.open(patience: .milliseconds(20), synchronize: gate.pass)
    await #expect(throws: JournalFailure.timedOut) { try await journal.append(.numbered(1)) }
    gate.open()
    #expect(await eventually { journal.entries == 1 && journal.bytes > 0 })
    await journal.close()
  }

  @Test("what may wait for a slow disk is bounded")
  func busy() async throws {
    let gate = JournalGate()
    let journal = try Journal(
      directory: fixture.directory, maximumBytes: 1 << 20, unwrittenBytes: 500, patience: .seconds(20),
      synchronize: gate.pass, logger: .silent)
    let outcomes = JournalNote<[JournalFailure?]>([])
    try await withThrowingTaskGroup { group in
      for number in 0..<20 {
        group.addTask {
          do throws(JournalFailure) {
            try await journal.append(.numbered(number))
            outcomes.value.withLock { $0.append(nil) }
          } catch {
            outcomes.value.withLock { $0.append(error) }
          }
        }
      }
      #expect(await eventually { outcomes.value.withLock { $0.count } + journal.entries == 20 })
      gate.open()
      try await group.waitForAll()
    }
    let (taken, refused) = outcomes.value.withLock { ($0.count { $0 == nil }, $0.count { $0 == .busy }) }
    #expect(taken + refused == 20)
    #expect((2...4).contains(taken))
    #expect(try await journal.drained().count == taken)
    await journal.close()
  }

  @Test("what could not be brought to the disk is refused, and not there afterwards")
  func failingDisk() async throws {
    let isFailing = Mutex(false)
    let journal = try fixture.open { descriptor in
      guard isFailing.withLock({ $0 }) else { return fsync(descriptor) }
      errno = EIO
      return -1
    }
    try await journal.append(1...2)
    isFailing.withLock { $0 = true }
    await #expect {
      try await journal.append(.numbered(3))
    } throws: { error in
      guard case JournalFailure.system(let operation, _, EIO, _) = error else { return false }
      return operation == "synchronize"
    }
    isFailing.withLock { $0 = false }
    try await journal.append(4...5)
    #expect(try fixture.segments().count == 2)
    let crashed = try fixture.crashed()
    #expect(try await journal.drained() == [1, 2, 4, 5])
    await journal.close()

    let reopened = try crashed.open()
    #expect(try await reopened.drained() == [1, 2, 4, 5])
    #expect(reopened.corruptRecords == 0)
    await reopened.close()
  }
}
