// Keep-alive connections: each sends its next request when the last one is answered, at a given rate or at once.

package import NIOCore
import NIOPosix
import Synchronization

/// What one round measured.
package struct LoadResult: Sendable {
  package var acknowledged: Int
  package var refused: Int
  package var seconds: Double
  /// Microseconds, sorted.
  package var latencies: [Int]

  package var perSecond: Double { Double(acknowledged) / seconds }

  package func percentile(_ fraction: Double) -> Double {
    guard !latencies.isEmpty else { return 0 }
    return Double(latencies[min(latencies.count - 1, Int(Double(latencies.count) * fraction))]) / 1_000
  }
}

package enum LoadGenerator {
  /// Sends `requests`, each once, over `connections` connections on one thread.
  /// - Parameter rate: requests a second; nil: as fast as they are answered.
  package static func run(
    host: String, port: Int, connections: Int, requests: [ByteBuffer], rate: Double? = nil
  ) async throws -> LoadResult {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let source = RequestSource(requests, rate: rate)
    let start = ContinuousClock.now
    let handlers = try await withThrowingTaskGroup(of: ConnectionResult.self) { tasks in
      for _ in 0..<connections {
        tasks.addTask {
          let promise = group.any().makePromise(of: ConnectionResult.self)
          let channel = try await ClientBootstrap(group: group)
            .channelOption(.socketOption(.init(rawValue: 1)), value: 1)
            .channelInitializer { channel in
              channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(ConnectionHandler(source: source, result: promise))
              }
            }
            .connect(host: host, port: port).get()
          let result = try await promise.futureResult.get()
          try? await channel.close()
          return result
        }
      }
      return try await tasks.reduce(into: []) { $0.append($1) }
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    try await group.shutdownGracefully()
    return LoadResult(
      acknowledged: handlers.reduce(0) { $0 + $1.latencies.count }, refused: handlers.reduce(0) { $0 + $1.refused },
      seconds: seconds, latencies: handlers.flatMap(\.latencies).sorted())
  }
}

/// The run's requests, handed out once each.
final class RequestSource: Sendable {
  private let requests: [ByteBuffer]
  private let rate: Double?
  private let start = NIODeadline.now()
  private let next = Atomic<Int>(0)

  init(_ requests: [ByteBuffer], rate: Double?) {
    self.requests = requests
    self.rate = rate
  }

  /// A request, and when it is its time.
  func take() -> (request: ByteBuffer, due: NIODeadline)? {
    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
    guard index < requests.count else { return nil }
    guard let rate else { return (requests[index], start) }
    return (requests[index], start + .nanoseconds(Int64(Double(index) / rate * 1e9)))
  }
}

struct ConnectionResult: Sendable {
  var latencies: [Int] = []
  var refused = 0
}

/// One connection. Reads just enough HTTP to find the end of an answer.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let source: RequestSource
  private let promise: EventLoopPromise<ConnectionResult>
  private var result = ConnectionResult()
  private var pending = ByteBuffer()
  private var sentAt = ContinuousClock.now
  private var isDone = false

  init(source: RequestSource, result: EventLoopPromise<ConnectionResult>) {
    self.source = source
    promise = result
  }

  func channelActive(context: ChannelHandlerContext) { sendNext(context) }

  private func sendNext(_ context: ChannelHandlerContext) {
    guard let (request, due) = source.take() else {
      finish()
      return context.close(promise: nil)
    }
    guard due > .now() else { return send(request, context) }
    context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { self.send(request, context) }
  }

  private func send(_ request: ByteBuffer, _ context: ChannelHandlerContext) {
    sentAt = .now
    context.writeAndFlush(wrapOutboundOut(request), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    pending.writeBuffer(&buffer)
    while let status = takeAnswer() {
      if status == 200 {
        result.latencies.append(Int((ContinuousClock.now - sentAt) / .microseconds(1)))
      } else {
        result.refused += 1
      }
      sendNext(context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) { finish() }

  private func finish() {
    guard !isDone else { return }
    isDone = true
    promise.succeed(result)
  }

  /// The status of a whole answer, taken out of what has come; nil: more must come. On bytes: the sender's work counts
  /// against the gateway on the same processors.
  private func takeAnswer() -> Int? {
    let answer = pending.withUnsafeReadableBytes { bytes -> (status: Int, length: Int)? in
      var length: Int?
      var position = 0
      while position + 4 <= bytes.count {
        if bytes[position] == 13, bytes[position + 2] == 13 {
          let total = position + 4 + (length ?? 0)
          guard total <= bytes.count, bytes.count > 12 else { return nil }
          return (Self.number(bytes, 9), total)
        }
        if bytes[position] == 13, Self.isContentLength(bytes, position + 2) {
          length = Self.number(bytes, position + 2 + Self.contentLength.count)
        }
        position += 1
      }
      return nil
    }
    guard let answer else { return nil }
    pending.moveReaderIndex(forwardBy: answer.length)
    pending.discardReadBytes()
    return answer.status
  }

  private static let contentLength = Array("content-length:".utf8)

  private static func isContentLength(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Bool {
    guard start + contentLength.count < bytes.count else { return false }
    for index in contentLength.indices where bytes[start + index] | 0x20 != contentLength[index] | 0x20 { return false }
    return true
  }

  private static func number(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var position = start
    while position < bytes.count, bytes[position] == 32 { position += 1 }
    var value = 0
    while position < bytes.count, (48...57).contains(bytes[position]) {
      value = value * 10 + Int(bytes[position] - 48)
      position += 1
    }
    return value
  }
}

extension Duration {
  package static func / (left: Duration, right: Duration) -> Double {
    let (a, b) = (left.components, right.components)
    return (Double(a.seconds) + Double(a.attoseconds) / 1e18) / (Double(b.seconds) + Double(b.attoseconds) / 1e18)
  }
}
