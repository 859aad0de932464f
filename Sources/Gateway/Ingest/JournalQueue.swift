// What waits for the journal's thread.

import Synchronization

/// Records that wait to be written. Decides who is let in; does nothing itself.
struct JournalQueue {
  struct Append {
    let record: [UInt8]
    let ticket: JournalTicket<Void>
  }

  /// Bytes of all segments and of what is not written yet, at most.
  let maximumBytes: Int
  /// Bytes that are not written yet, at most.
  let maximumUnwrittenBytes: Int
  private var waiting: [Append] = []
  private(set) var unwrittenBytes = 0
  private(set) var unwrittenEntries = 0

  init(maximumBytes: Int, maximumUnwrittenBytes: Int) {
    self.maximumBytes = maximumBytes
    self.maximumUnwrittenBytes = maximumUnwrittenBytes
  }

  var firstRecordBytes: Int? { waiting.first?.record.count }

  mutating func add(_ append: Append, bytesOnDisk: Int) throws(JournalFailure) {
    let count = append.record.count
    guard bytesOnDisk + unwrittenBytes + count <= maximumBytes else { throw .full }
    guard unwrittenBytes == 0 || unwrittenBytes + count <= maximumUnwrittenBytes else { throw .busy }
    waiting.append(append)
    unwrittenBytes += count
    unwrittenEntries += 1
  }

  /// The oldest records that fit together, the first in any case. They stay unwritten until ``settle(_:)``.
  mutating func take(upTo room: Int) -> [Append] {
    var bytes = 0
    let count = waiting.firstIndex { append in
      bytes += append.record.count
      return bytes > room
    }
    let batch = Array(waiting.prefix(max(1, count ?? waiting.count)))
    waiting.removeFirst(batch.count)
    return batch
  }

  mutating func settle(_ batch: [Append]) {
    unwrittenBytes -= batch.reduce(0) { $0 + $1.record.count }
    unwrittenEntries -= batch.count
  }
}

/// One answer that one task waits for; the first one given counts.
final class JournalTicket<Value: Sendable>: Sendable {
  private enum State {
    case new
    case waiting(CheckedContinuation<Result<Value, JournalFailure>, Never>)
    case settled(Result<Value, JournalFailure>)
  }

  private let state = Mutex(State.new)

  func settle(_ result: Result<Value, JournalFailure>) {
    let continuation: CheckedContinuation<Result<Value, JournalFailure>, Never>? = state.withLock { state in
      defer { if case .settled = state {} else { state = .settled(result) } }
      if case .waiting(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume(returning: result)
  }

  /// Waits for the answer, `.timedOut` after `patience`.
  ///
  /// - Parameter submit: hands the ticket to whoever answers.
  func answer(within patience: Duration, submit: () -> Void) async throws(JournalFailure) -> Value {
    let watch = Task {
      try await Task.sleep(for: patience)
      settle(.failure(.timedOut))
    }
    defer { watch.cancel() }
    let result = await withCheckedContinuation { continuation in
      let settled: Result<Value, JournalFailure>? = state.withLock { state in
        if case .settled(let result) = state { return result }
        state = .waiting(continuation)
        return nil
      }
      if let settled { continuation.resume(returning: settled) } else { submit() }
    }
    return try result.get()
  }
}
