// A log in memory, and what a sink is given beside it that it must not need.

public import ChannelProtocol
import Sinks
import Synchronization

/// A log that a test writes.
public protocol WrittenLog: EventLog {
  /// Adds events, with numbers that follow on the last one.
  func append(_ count: Int) async throws -> [Event]
  /// Fails the next questions of whoever reads it.
  func fail(times: Int)
  /// As a restore of the database does: what is above this number is gone, and the log is another one.
  func setBack(to seq: Int64) async throws
}

final class MemoryEventLog: WrittenLog {
  private let log = Mutex<[Event]>([])
  private let failures = Mutex(0)
  private let lives = Mutex<UInt64>(1)

  private var newest: Int64 { log.withLock { Int64($0.count) } }
  private var epoch: Identifier {
    Identifier(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 + lives.withLock(\.self))
  }

  func setBack(to seq: Int64) {
    log.withLock { $0 = Array($0.prefix(Int(seq))) }
    failures.withLock { $0 = 0 }
    lives.withLock { $0 += 1 }
  }

  /// Adds events that tell of incoming messages in a few conversations.
  func append(_ count: Int) -> [Event] {
    log.withLock { log in
      let first = Int64(log.count) + 1
      let new = (first..<first + Int64(count)).map { seq in
        Event(
          seq: seq, id: Identifier(high: 0x0190_0000_0000_7000, low: UInt64(seq)), type: .messageNew,
          at: Timestamp(seconds: 1_700_000_000), conversationID: Identifier(high: 7, low: UInt64(seq % 4)),
          channel: "sms", data: Array(#"{"id":"\#(seq)","body":"event \#(seq)"}"#.utf8))
      }
      log += new
      return new
    }
  }

  struct Unreachable: Error {}

  /// Fails the next questions.
  func fail(times: Int) { failures.withLock { $0 = times } }

  private func answer() throws {
    let fails = failures.withLock { failures in
      defer { failures = max(0, failures - 1) }
      return failures > 0
    }
    if fails { throw Unreachable() }
  }

  func events(after seq: Int64, limit: Int) async throws -> [Event] {
    try answer()
    return log.withLock { Array($0.dropFirst(Int(max(0, seq))).prefix(limit)) }
  }

  func bounds() async throws -> EventLogBounds {
    try answer()
    return EventLogBounds(epoch: epoch, oldest: 0, newest: newest)
  }
}

/// No keys, no endpoints.
struct NoRealtimeGateway: RealtimeGateway, DeliveryStore {
  func authenticate(key: String, from peer: RealtimePeer) async throws -> RealtimePrincipal? { nil }
  func principal(_ keyID: Identifier) async throws -> RealtimePrincipal? { nil }
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
