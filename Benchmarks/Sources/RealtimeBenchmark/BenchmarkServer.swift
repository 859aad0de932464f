// The sink on a real server; events come from a thread in place of the log's reader.

import ChannelProtocol
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Sinks

enum BenchmarkServer {
  static func run() async throws {
    let ring = EventRing(byteLimit: 3 << 20)
    let epoch = Identifier(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
    ring.reset(position: LogPosition(epoch: epoch, seq: 0))
    var logger = Logger(label: "benchmark")
    logger.logLevel = .critical
    let nothing = Nothing(epoch: epoch)
    let sink = try WebSocketSink(
      configuration: WebSocketConfiguration(),
      context: SinkContext(
        ring: ring, log: nothing, deliveries: nothing, gateway: nothing, clock: SystemClock(), logger: logger))
    let application = Application(
      router: Router(), server: .http1(configuration: .init(additionalChannelHandlers: sink.makeUpgradeHandlers())),
      configuration: .init(address: .hostname("127.0.0.1", port: 0), backlog: 4_096),
      onServerRunning: { channel in
        say("\(channel.localAddress?.port ?? 0)")
        Thread { publish(to: ring) }.start()
      },
      logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await sink.run() }
      group.addTask { try await application.run() }
      try await group.next()
      group.cancelAll()
    }
  }

  private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

  /// Does what standard input says: `RATE SECONDS`.
  private static func publish(to ring: EventRing) {
    var seq: Int64 = 0
    let text = String(repeating: "x", count: 200)
    while let line = readLine() {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 2 else { continue }
      let (rate, total) = (numbers[0], numbers[0] * numbers[1])
      let start = DispatchTime.now().uptimeNanoseconds
      var sent = 0
      while sent < total {
        let elapsed = Int(DispatchTime.now().uptimeNanoseconds - start)
        let due = min(total, elapsed * rate / 1_000_000_000 + 1)
        for _ in sent..<max(sent, due) {
          seq += 1
          ring.append([event(seq, text)])
        }
        sent = max(sent, due)
        usleep(500)
      }
      say("\(total)")
    }
    exit(0)
  }

  private static func event(_ seq: Int64, _ text: String) -> Event {
    Event(
      seq: seq, id: Identifier(high: 0x0190_0000_0000_7000, low: UInt64(seq)), type: .messageNew,
      at: SystemClock().now(), conversationID: Identifier(high: 7, low: UInt64(seq % 100)), channel: "sms",
      data: Array(#"{"t":\#(DispatchTime.now().uptimeNanoseconds),"body":"\#(text)"}"#.utf8))
  }
}

/// No log behind the ring, one key for all, no webhooks.
private struct Nothing: EventLog, RealtimeGateway, DeliveryStore {
  let epoch: Identifier
  func events(after seq: Int64, limit: Int) async throws -> [Event] { throw EventsGone(oldest: seq) }
  func bounds() async throws -> EventLogBounds { EventLogBounds(epoch: epoch, oldest: 0, newest: 0) }
  func authenticate(key: String, from peer: RealtimePeer) async throws -> RealtimePrincipal? {
    try await principal(epoch)
  }
  func principal(_ keyID: Identifier) async throws -> RealtimePrincipal? {
    RealtimePrincipal(keyID: keyID, canRead: true, canSend: false)
  }
  func send(
    _ message: [UInt8], idempotencyKey: String?, as principal: RealtimePrincipal
  ) async -> Result<[UInt8], RealtimeProblem> { .failure(RealtimeProblem(json: Array("{}".utf8))) }
  func materialiseDeliveries(limit: Int) async throws -> MaterialisedDeliveries { MaterialisedDeliveries() }
  func advanceReplays(limit: Int) async throws -> MaterialisedDeliveries { MaterialisedDeliveries() }
  func leaseEndpoints(node: Identifier, lease: Duration) async throws -> [WebhookEndpoint] { [] }
  func releaseEndpoints(node: Identifier) async throws {}
  func loadDeliveries(_ demands: [DeliveryDemand], node: Identifier) async throws -> [DeliverySupply] { [] }
  func finishDeliveries(_ outcomes: [DeliveryOutcome], node: Identifier) async throws {}
  func deliveryBacklog(node: Identifier) async throws -> [EndpointBacklog] { [] }
}
