// The receiver: answers 200 at once, and notes when each delivery came.

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// One delivery that came.
struct Receipt: Sendable {
  var at: ContinuousClock.Instant
  /// From the event's time, which is taken just before its commit, to the receipt; milliseconds.
  var lag: Double
}

final class Receiver: Sendable {
  let port: Int
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let receipts: Receipts

  private final class Receipts: Sendable {
    let value = Mutex<[Receipt]>([])
  }

  init() async throws {
    let receipts = Receipts()
    self.receipts = receipts
    let channel = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1_024)
      .childChannelOption(.socketOption(.init(rawValue: 1)), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: false)
          try channel.pipeline.syncOperations.addHandler(
            Handler { receipt in receipts.value.withLock { $0.append(receipt) } })
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  var count: Int { receipts.value.withLock(\.count) }

  /// What has come, and begins anew.
  func take() -> [Receipt] {
    receipts.value.withLock { receipts in
      defer { receipts = [] }
      return receipts
    }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let note: (Receipt) -> Void
    private var start: [UInt8] = []

    init(note: @escaping (Receipt) -> Void) { self.note = note }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch Self.unwrapInboundIn(data) {
      case .head: start = []
      case .body(let buffer):
        if start.count < 128 { start += buffer.readableBytesView.prefix(128 - start.count) }
      case .end:
        let now = Date().timeIntervalSince1970 * 1_000
        note(Receipt(at: .now, lag: now - (Self.milliseconds(start) ?? now)))
        context.write(
          Self.wrapOutboundOut(
            .head(HTTPResponseHead(version: .http1_1, status: .ok, headers: ["content-length": "0"]))), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
      }
    }

    /// The body begins `{"type":"…","timestamp":"2026-01-31T12:00:00.000Z"`.
    private static func milliseconds(_ bytes: [UInt8]) -> Double? {
      let text = String(decoding: bytes, as: UTF8.self)
      guard let range = text.range(of: "\"timestamp\":\"") else { return nil }
      let digits = text[range.upperBound...].prefix(24).utf8.filter { (48...57).contains($0) }.map { Int($0) - 48 }
      guard digits.count == 17 else { return nil }
      func value(_ range: Range<Int>) -> Int { digits[range].reduce(0) { $0 * 10 + $1 } }
      // Days since 1970 (Howard Hinnant, days_from_civil).
      let year = value(0..<4) - (value(4..<6) <= 2 ? 1 : 0)
      let month = (value(4..<6) + 9) % 12
      let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + value(6..<8) - 1 - 719_468
      let seconds = days * 86_400 + value(8..<10) * 3_600 + value(10..<12) * 60 + value(12..<14)
      return Double(seconds * 1_000 + value(14..<17))
    }
  }
}
