// A log in memory, and what a sink is given beside it that it must not need.

import ChannelProtocol
import Sinks
import Synchronization

final class MemoryEventLog: EventLog {
  let epoch = Identifier(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
  private let log = Mutex<[Event]>([])
  private let failures = Mutex(0)

  var newest: Int64 { log.withLock { Int64($0.count) } }

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
