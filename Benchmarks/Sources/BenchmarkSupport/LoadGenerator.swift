// Keep-alive connections: each sends its next request when the last one is answered, at a given rate or at once.

import Foundation
package import NIOCore
import Synchronization

/// What one round measured.
package struct LoadResult: Sendable {
  package var acknowledged: Int
  package var refused: Int
  package var seconds: Double
  /// Of processor time, of the thread that sent.
  package var processorSeconds: Double
  /// Microseconds, sorted.
  package var latencies: [Int]

  package var perSecond: Double { Double(acknowledged) / seconds }

  package func percentile(_ fraction: Double) -> Double {
    guard !latencies.isEmpty else { return 0 }
    return Double(latencies[min(latencies.count - 1, Int(Double(latencies.count) * fraction))]) / 1_000
  }
}

package enum LoadGenerator {
  /// Sends `requests`, each once, over `connections` connections of one thread.
  /// - Parameter rate: requests a second; nil: as fast as they are answered.
  package static func run(
    host: String, port: Int, connections: Int, requests: [ByteBuffer], rate: Double? = nil
  ) async throws -> LoadResult {
    let outcome = Mutex<Result<LoadResult, any Error>?>(nil)
    await withCheckedContinuation { continuation in
      let thread = Thread {
        let result = Result {
          var round = try LoadRound(host: host, port: port, connections: connections, requests: requests, rate: rate)
          return try round.run()
        }
        outcome.withLock { $0 = result }
        continuation.resume()
      }
      thread.start()
    }
    return try outcome.withLock { $0 }?.get() ?? { throw BenchmarkFailure("the sender ended without a result") }()
  }
}

/// One thread, plain sockets and `poll`: the sender's work counts against the gateway on the same processors, so there
/// is as little of it as can be.
private struct LoadRound: ~Copyable {
  private struct Connection {
    var descriptor: Int32
    var answer = AnswerReader()
    /// Nanoseconds.
    var sentAt: UInt64 = 0
    /// When the request that waits for its time is to be sent.
    var due: UInt64?
    var request = 0
  }

  private let requests: [ByteBuffer]
  private let rate: Double?
  private var connections: [Connection] = []
  private var polls: [pollfd] = []
  private var next = 0
  private var open: Int
  private var start: UInt64 = 0
  private var latencies: [Int] = []
  private var refused = 0

  init(host: String, port: Int, connections count: Int, requests: [ByteBuffer], rate: Double?) throws {
    self.requests = requests
    self.rate = rate
    open = count
    latencies.reserveCapacity(requests.count)
    for _ in 0..<count {
      let descriptor = try Self.connect(host, port)
      connections.append(Connection(descriptor: descriptor))
      polls.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
    }
  }

  deinit { for connection in connections { close(connection.descriptor) } }

  mutating func run() throws -> LoadResult {
    start = Self.now(CLOCK_MONOTONIC)
    let processor = Self.now(CLOCK_THREAD_CPUTIME_ID)
    for index in connections.indices { try takeNext(index) }
    while open > 0 {
      let timeout = try sendDue()
      guard poll(&polls, nfds_t(polls.count), timeout) >= 0 || errno == EINTR else { throw failure("poll") }
      for index in polls.indices where polls[index].revents != 0 { try receive(index) }
    }
    return LoadResult(
      acknowledged: latencies.count, refused: refused,
      seconds: Double(Self.now(CLOCK_MONOTONIC) - start) / 1e9,
      processorSeconds: Double(Self.now(CLOCK_THREAD_CPUTIME_ID) - processor) / 1e9, latencies: latencies.sorted())
  }

  // MARK: Sending

  /// Gives a connection its next request, sent now or when it is due.
  private mutating func takeNext(_ index: Int) throws {
    guard next < requests.count else { return end(index) }
    connections[index].request = next
    if let rate {
      connections[index].due = start + UInt64(Double(next) / rate * 1e9)
      next += 1
    } else {
      next += 1
      try send(index)
    }
  }

  /// - Returns: milliseconds until another is due; -1: none waits.
  private mutating func sendDue() throws -> Int32 {
    guard rate != nil else { return -1 }
    let now = Self.now(CLOCK_MONOTONIC)
    var soonest = UInt64.max
    for index in connections.indices {
      guard let due = connections[index].due else { continue }
      if due <= now {
        connections[index].due = nil
        try send(index)
      } else {
        soonest = min(soonest, due)
      }
    }
    return soonest == .max ? -1 : Int32((soonest - now + 999_999) / 1_000_000)
  }

  private mutating func send(_ index: Int) throws {
    connections[index].sentAt = Self.now(CLOCK_MONOTONIC)
    let descriptor = connections[index].descriptor
    let sent = requests[connections[index].request].withUnsafeReadableBytes {
      Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    // A request is far smaller than the socket's buffer, which is empty.
    guard sent == requests[connections[index].request].readableBytes else { throw failure("send") }
  }

  // MARK: Receiving

  private mutating func receive(_ index: Int) throws {
    guard let status = try connections[index].answer.read(connections[index].descriptor) else { return }
    if status == 200 {
      latencies.append(Int((Self.now(CLOCK_MONOTONIC) - connections[index].sentAt) / 1_000))
    } else {
      refused += 1
    }
    try takeNext(index)
  }

  private mutating func end(_ index: Int) {
    // poll(2) passes over what is negative.
    polls[index].fd = -1
    polls[index].revents = 0
    open -= 1
  }

  // MARK: The system

  private static func connect(_ host: String, _ port: Int) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    guard descriptor >= 0, inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw failure("socket") }
    var flag: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &flag, socklen_t(MemoryLayout<Int32>.size))
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw failure("connect") }
    return descriptor
  }

  private static func now(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

private func failure(_ call: String) -> BenchmarkFailure {
  BenchmarkFailure("\(call): \(String(cString: strerror(errno)))")
}
