// A bounded queue of lines and the one thread that writes them, so that a full pipe stops nobody but that thread.

import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Appends lines to a descriptor. When the queue is full, new lines are dropped and counted.
final class LineWriter: Sendable {
  private struct State {
    var lines: [UInt8] = []
    var dropped = 0
    /// Set once: until when the thread goes on writing what is left.
    var end: ContinuousClock.Instant?
    var hasEnded = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  /// The most a pipe takes without blocking once it is writable (PIPE_BUF).
  private static let chunk = 4_096
  /// How often a thread that cannot write looks whether it is to stop, in milliseconds.
  private static let look: Int32 = 100

  private let descriptor: Int32
  private let closesDescriptor: Bool
  private let path: String?
  private let limit: Int
  private let state = Mutex(State())
  /// Signalled once for each change from an empty queue, and on stop.
  private let available = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - closesDescriptor: whether the descriptor is this writer's own, closed when it ends.
  ///   - path: where its file was opened: it is opened again when another file, or none, is found there.
  ///   - limit: bytes that wait at most.
  init(descriptor: Int32, closesDescriptor: Bool, path: String? = nil, limit: Int = 4 << 20) {
    self.descriptor = descriptor
    self.closesDescriptor = closesDescriptor
    self.path = path
    self.limit = limit
  }

  /// Lines that were dropped, because the queue was full or could not be written.
  var dropped: Int { state.withLock(\.dropped) }

  func start() {
    let thread = Thread { [self] in work() }
    thread.name = "log sink"
    thread.start()
  }

  /// Adds lines, each with its line feed; of more than fit the last ones are dropped.
  /// - Returns: false where one was dropped.
  @discardableResult
  func add(_ lines: [UInt8]) -> Bool {
    let (taken, wasEmpty) = state.withLock { state in
      let wasEmpty = state.lines.isEmpty
      let taken = state.end == nil ? Self.length(of: lines, within: limit - state.lines.count) : 0
      if wasEmpty && taken == lines.count { state.lines = lines } else { state.lines += lines[..<taken] }
      state.dropped += Self.count(lines[taken...])
      return (taken, wasEmpty)
    }
    if wasEmpty && taken > 0 { available.signal() }
    return taken == lines.count
  }

  /// How many bytes the whole lines take that fit into `room`.
  private static func length(of lines: [UInt8], within room: Int) -> Int {
    if lines.count <= room { return lines.count }
    return lines[..<max(0, room)].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
  }

  private static func count(_ lines: ArraySlice<UInt8>) -> Int { lines.count { $0 == UInt8(ascii: "\n") } }

  /// Writes what is left, for at most `grace`, and ends the thread.
  func stop(grace: Duration) async {
    await withCheckedContinuation { continuation in
      let hasEnded = state.withLock { state in
        state.end = state.end ?? .now + grace
        if !state.hasEnded { state.waiting.append(continuation) }
        return state.hasEnded
      }
      available.signal()
      if hasEnded { continuation.resume() }
    }
  }

  // MARK: The thread

  private func work() {
    // A reader that has gone away must not end the process; the signal goes to the writing thread.
    var pipeSignal = sigset_t()
    sigemptyset(&pipeSignal)
    sigaddset(&pipeSignal, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipeSignal, nil)
    var output = LineOutput(descriptor: descriptor, path: path)
    while true {
      let (lines, isStopping) = state.withLock { state in
        defer { state.lines = [] }
        return (state.lines, state.end != nil)
      }
      if !lines.isEmpty {
        output.follow()
        write(lines, to: output)
      } else if isStopping {
        break
      } else {
        available.wait()
      }
    }
    if closesDescriptor { output.close() }
    let waiting = state.withLock { state in
      state.hasEnded = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  private func write(_ lines: [UInt8], to output: LineOutput) {
    var start = 0
    while start < lines.count {
      let rest = lines.count - start
      let isReady = output.isFile || waitUntilWritable(output.descriptor)
      let written = isReady ? writeSome(lines, from: start, to: output) : -1
      guard written > 0 else {
        let lost = Self.count(lines[start...])
        return state.withLock { $0.dropped += lost }
      }
      start += min(written, rest)
    }
  }

  /// - Returns: the bytes written, less than one where it failed for good.
  private func writeSome(_ lines: [UInt8], from start: Int, to output: LineOutput) -> Int {
    while true {
      let chunk = output.isFile ? lines[start...] : lines[start...].prefix(Self.chunk)
      let written = chunk.withUnsafeBytes { systemWrite(output.descriptor, $0.baseAddress, $0.count) }
      if written >= 0 || (errno != EINTR && errno != EAGAIN) { return written }
      if !waitUntilWritable(output.descriptor) { return -1 }
    }
  }

  /// - Returns: false where the writer is to stop and its grace is over.
  private func waitUntilWritable(_ descriptor: Int32) -> Bool {
    while true {
      var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      if poll(&request, 1, Self.look) > 0 { return true }
      if let end = state.withLock(\.end), end <= .now { return false }
    }
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
