// The journal: raw requests of providers on disk, for the time that the database is away.

import Foundation
import Logging
import Synchronization

/// An ordered, bounded store of requests in a directory of its own. What ``append(_:)`` took in outlives a crash.
///
/// All file work is done by one thread; appends that come in while it waits for the disk share the next `fsync`. The
/// thread lives until ``close()``.
final class Journal: Sendable {
  private struct State {
    var queue: JournalQueue
    var requests: [@Sendable (inout JournalFiles) -> Void] = []
    /// As of the thread's last step.
    var bytes = 0
    var entries = 0
    var corruptRecords = 0
    var isDraining = false
    var isClosing = false
    var hasEnded = false
    var isSignalled = false
    var endTickets: [JournalTicket<Void>] = []

    mutating func observe(_ files: JournalFiles) {
      bytes = files.bytes
      entries = files.entries
      corruptRecords = files.corruptRecords
    }
  }

  /// Entries that are read at once.
  private static let drainCount = 256

  private let state: Mutex<State>
  private let files: Mutex<JournalFiles>
  private let patience: Duration
  private let logger: Logger
  private let work = DispatchSemaphore(value: 0)

  /// Opens the directory, made where it is missing, and looks through what is in it. Blocks while it does: where much
  /// may be left of a former run, or in a task, use ``open(directory:maximumBytes:segmentBytes:logger:)``.
  ///
  /// - Parameters:
  ///   - maximumBytes: what all segments may take on the disk; more is refused with `JournalFailure.full`.
  ///   - segmentBytes: the size at which a new file is begun; an entry that is larger has one of its own.
  ///   - unwrittenBytes: what may wait for the disk; more is refused with `JournalFailure.busy`.
  ///   - patience: how long any call waits for the disk.
  ///   - synchronize: `fsync`, or what a test puts in its place.
  init(
    directory: String, maximumBytes: Int, segmentBytes: Int = 16 << 20, unwrittenBytes: Int = 32 << 20,
    patience: Duration = .seconds(5), synchronize: @escaping @Sendable (Int32) -> Int32 = { fsync($0) }, logger: Logger
  ) throws(JournalFailure) {
    let files = try JournalFiles(
      directory: directory, segmentBytes: segmentBytes, synchronize: synchronize, logger: logger)
    var state = State(queue: JournalQueue(maximumBytes: maximumBytes, maximumUnwrittenBytes: unwrittenBytes))
    state.observe(files)
    self.state = Mutex(state)
    self.files = Mutex(files)
    self.patience = patience
    self.logger = logger
    let thread = Thread { [self] in run() }
    thread.name = "journal"
    thread.start()
  }

  /// The initialiser on a thread of its own.
  static func open(
    directory: String, maximumBytes: Int, segmentBytes: Int = 16 << 20, logger: Logger
  ) async throws -> Journal {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          with: Result {
            try Journal(directory: directory, maximumBytes: maximumBytes, segmentBytes: segmentBytes, logger: logger)
          })
      }
    }
  }

  // MARK: Figures

  /// Entries taken in and not drained, those included that wait for the disk.
  var entries: Int { state.withLock { $0.entries + $0.queue.unwrittenEntries } }
  var isEmpty: Bool { entries == 0 }
  /// What the journal takes on the disk; a segment counts until it is drained to its end.
  var bytes: Int { state.withLock { $0.bytes + $0.queue.unwrittenBytes } }
  var maximumBytes: Int { state.withLock(\.queue.maximumBytes) }
  /// Stretches that held no readable record and were skipped, since the journal was opened.
  var corruptRecords: Int { state.withLock(\.corruptRecords) }

  // MARK: Appending

  /// Takes an entry in and returns when it is on the disk for certain.
  func append(_ entry: JournalEntry) async throws(JournalFailure) {
    let record = try JournalRecord.encode(entry)
    let ticket = JournalTicket<Void>()
    try await ticket.answer(within: patience) {
      let refusal: JournalFailure? = state.withLock { state in
        guard !state.isClosing else { return .closed }
        do throws(JournalFailure) {
          try state.queue.add(JournalQueue.Append(record: record, ticket: ticket), bytesOnDisk: state.bytes)
          return nil
        } catch {
          return error
        }
      }
      if let refusal { ticket.settle(.failure(refusal)) } else { signal() }
    }
  }

  // MARK: Draining

  /// Hands over all entries, oldest first, those included that come in meanwhile. An entry is removed once `body` has
  /// returned; the first that throws stays, with all that follow it, and its error is thrown on.
  ///
  /// After a crash, entries whose removal was not on the disk yet are handed over again: up to 256.
  nonisolated(nonsending) func drain(_ body: (JournalEntry) async throws -> Void) async throws {
    let isFirst = state.withLock { state in
      defer { state.isDraining = true }
      return !state.isDraining
    }
    guard isFirst else { throw JournalFailure.alreadyDraining }
    defer { state.withLock { $0.isDraining = false } }
    while true {
      let items = try await perform { files throws(JournalFailure) in try files.next(Self.drainCount) }
      guard !items.isEmpty else { return }
      var done = 0
      var failure: (any Error)?
      for item in items {
        do {
          try Task.checkCancellation()
          try await body(item.entry)
        } catch {
          failure = error
          break
        }
        done += 1
      }
      if done > 0 {
        let (count, end) = (done, items[done - 1].end)
        do {
          try await perform { files throws(JournalFailure) in files.advance(over: count, to: end) }
        } catch {
          failure = failure ?? error
        }
      }
      if let failure { throw failure }
    }
  }

  /// Has the thread do something, after all appends that came before.
  private func perform<Value: Sendable>(
    _ request: @escaping @Sendable (inout JournalFiles) throws(JournalFailure) -> Value
  ) async throws(JournalFailure) -> Value {
    let ticket = JournalTicket<Value>()
    return try await ticket.answer(within: patience) {
      let isTaken = state.withLock { state in
        guard !state.isClosing else { return false }
        state.requests.append { [self] files in
          let result: Result<Value, JournalFailure>
          do throws(JournalFailure) {
            result = .success(try request(&files))
          } catch {
            result = .failure(error)
          }
          // The figures first: whoever is answered may look at them.
          self.state.withLock { $0.observe(files) }
          ticket.settle(result)
        }
        return true
      }
      if isTaken { signal() } else { ticket.settle(.failure(.closed)) }
    }
  }

  // MARK: The end

  /// Brings to the disk what was taken in, ends the thread and lets go of the directory. Waits for that no longer than
  /// the journal's patience; calls that come later fail with `closed`.
  func close() async {
    let ticket = JournalTicket<Void>()
    do throws(JournalFailure) {
      try await ticket.answer(within: patience) {
        let hasEnded = state.withLock { state in
          state.isClosing = true
          if !state.hasEnded { state.endTickets.append(ticket) }
          return state.hasEnded
        }
        if hasEnded { ticket.settle(.success(())) } else { signal() }
      }
    } catch {
      logger.error("the journal's thread does not end", metadata: ["error": "\(error)"])
    }
  }

  // MARK: The thread

  private func signal() {
    let isNew = state.withLock { state in
      defer { state.isSignalled = true }
      return !state.isSignalled
    }
    if isNew { work.signal() }
  }

  private func run() {
    while true {
      work.wait()
      state.withLock { $0.isSignalled = false }
      while writeBatch() || serveRequest() {}
      if state.withLock({ $0.isClosing }) { break }
    }
    // Between the last look and `isClosing` something may have come in.
    while writeBatch() || serveRequest() {}
    files.withLock { $0.close() }
    let tickets = state.withLock { state in
      state.hasEnded = true
      return state.endTickets
    }
    for ticket in tickets { ticket.settle(.success(())) }
  }

  /// One `fsync` for all that waits and fits into the segment.
  ///
  /// - Returns: false where nothing waited.
  private func writeBatch() -> Bool {
    guard let first = state.withLock({ $0.queue.firstRecordBytes }) else { return false }
    files.withLock { files in
      let room = files.room(forRecordOf: first)
      let batch = state.withLock { $0.queue.take(upTo: room) }
      var records: [UInt8] = []
      records.reserveCapacity(batch.reduce(0) { $0 + $1.record.count })
      for append in batch { records += append.record }
      var result = Result<Void, JournalFailure>.success(())
      do throws(JournalFailure) {
        try files.append(records, entries: batch.count)
      } catch {
        logger.error("the journal cannot be written", metadata: ["error": "\(error)", "entries": "\(batch.count)"])
        result = .failure(error)
      }
      state.withLock { state in
        state.queue.settle(batch)
        state.observe(files)
      }
      for append in batch { append.ticket.settle(result) }
    }
    return true
  }

  /// - Returns: false where there was none.
  private func serveRequest() -> Bool {
    let request = state.withLock { $0.requests.isEmpty ? nil : $0.requests.removeFirst() }
    guard let request else { return false }
    files.withLock { request(&$0) }
    return true
  }
}
