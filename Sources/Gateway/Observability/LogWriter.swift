// A bounded buffer of log lines and the one thread that writes them, so that a blocked pipe blocks nobody else.

import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Writes lines to a descriptor, in order. When the buffer is full, new lines are dropped and counted.
final class LogWriter: Sendable {
  private struct State {
    var buffer: [UInt8] = []
    /// Bytes that the thread has taken and not yet written.
    var inFlight = 0
    /// All bytes that were ever taken in, and those of them that are written or given up.
    var accepted = 0
    var settled = 0
    var dropped = 0
    var hasThread = false
    var isClosed = false
    var flushes: [(target: Int, done: DispatchSemaphore)] = []
  }

  /// The writer of the process's standard error.
  static let standardError = LogWriter(descriptor: STDERR_FILENO)

  private let descriptor: Int32
  private let limit: Int
  private let state = Mutex(State())
  /// Signalled once for each change from an empty buffer, and on close.
  private let available = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - descriptor: stays the caller's.
  ///   - limit: bytes that wait at most, those in the thread's hands included.
  init(descriptor: Int32, limit: Int = 4 << 20) {
    self.descriptor = descriptor
    self.limit = limit
  }

  /// Lines that were dropped, because the buffer was full or the descriptor could not be written.
  var dropped: Int { state.withLock(\.dropped) }

  /// Takes a line in and returns; the first one starts the thread.
  ///
  /// - Parameter line: with its line feed.
  /// - Returns: false where the line was dropped.
  @discardableResult
  func write(_ line: [UInt8]) -> Bool {
    let (isAccepted, wasEmpty, needsThread) = state.withLock { state in
      guard !state.isClosed, state.buffer.count + state.inFlight + line.count <= limit else {
        state.dropped += 1
        return (false, false, false)
      }
      let wasEmpty = state.buffer.isEmpty
      let needsThread = !state.hasThread
      state.hasThread = true
      state.buffer += line
      state.accepted += line.count
      return (true, wasEmpty, needsThread)
    }
    if needsThread { startThread() }
    if wasEmpty { available.signal() }
    return isAccepted
  }

  /// Waits until all that was taken in before is written. Blocks the calling thread: for the end of the process.
  ///
  /// - Returns: false where the time was too short; what is left is written later, if there is a later.
  @discardableResult
  func flush(within limit: Duration) -> Bool {
    let done = DispatchSemaphore(value: 0)
    let isWaiting = state.withLock { state in
      guard state.settled < state.accepted else { return false }
      state.flushes.append((state.accepted, done))
      return true
    }
    guard isWaiting else { return true }
    let microseconds = limit.components.seconds * 1_000_000 + limit.components.attoseconds / 1_000_000_000_000
    return done.wait(timeout: .now() + .microseconds(Int(microseconds))) == .success
  }

  /// Ends the thread once it has written what is there; lines that come later are dropped.
  func close() {
    state.withLock { $0.isClosed = true }
    available.signal()
  }

  // MARK: The thread

  private func startThread() {
    let thread = Thread { [self] in work() }
    thread.name = "log"
    thread.start()
  }

  private func work() {
    // A reader that has gone away must not end the process; this signal goes to the thread that writes.
    var pipeSignal = sigset_t()
    sigemptyset(&pipeSignal)
    sigaddset(&pipeSignal, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipeSignal, nil)
    while true {
      let (lines, isClosed) = state.withLock { state in
        defer { state.buffer = [] }
        state.inFlight = state.buffer.count
        return (state.buffer, state.isClosed)
      }
      if lines.isEmpty {
        if isClosed { return }
        available.wait()
        continue
      }
      settle(lines, written: writeAll(lines))
    }
  }

  private func settle(_ lines: [UInt8], written: Int) {
    let lost = lines[written...].count { $0 == UInt8(ascii: "\n") }
    let flushed = state.withLock { state in
      state.inFlight = 0
      state.settled += lines.count
      state.dropped += lost
      let settled = state.settled
      defer { state.flushes.removeAll { $0.target <= settled } }
      return state.flushes.filter { $0.target <= settled }
    }
    for flush in flushed { flush.done.signal() }
  }

  /// - Returns: the bytes written, fewer than there are where the descriptor failed for good.
  private func writeAll(_ lines: [UInt8]) -> Int {
    var position = 0
    while position < lines.count {
      let written = lines[position...].withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
      if written >= 0 {
        position += written
      } else if errno == EAGAIN {
        // Whoever shares the terminal or the pipe with us made it non-blocking.
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&request, 1, 1_000)
      } else if errno != EINTR {
        return position
      }
    }
    return position
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
