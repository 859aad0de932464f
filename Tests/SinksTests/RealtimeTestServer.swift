// A real Hummingbird server with the WebSocket sink in its pipeline, and what stands behind the sink.

import ChannelProtocol
import CoreMetrics
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import Sinks

/// The log behind the ring, in memory.
final class RealtimeEventLog: EventLog {
  private struct State {
    var epoch: Identifier
    var events: [Event] = []
    var floor: Int64 = 0
    var failures = 0
    var reads = 0
  }

  private let state: Mutex<State>

  init(epoch: Identifier) { state = Mutex(State(epoch: epoch)) }

  var reads: Int { state.withLock(\.reads) }

  func append(_ events: [Event]) { state.withLock { $0.events.append(contentsOf: events) } }

  /// Drops everything up to this number.
  func drop(through seq: Int64) {
    state.withLock { state in
      state.events.removeAll { $0.seq <= seq }
      state.floor = seq
    }
  }

  /// Is another log from now on, with the events that are left.
  func rename(to epoch: Identifier) { state.withLock { $0.epoch = epoch } }

  /// Fails the next questions.
  func fail(times: Int) { state.withLock { $0.failures = times } }

  func events(after seq: Int64, limit: Int) async throws -> [Event] {
    try state.withLock { state in
      try Self.question(&state)
      guard seq >= state.floor else { throw EventsGone(oldest: state.floor) }
      state.reads += 1
      let start = state.events.firstIndex { $0.seq > seq } ?? state.events.endIndex
      return Array(state.events[start...].prefix(limit))
    }
  }

  func bounds() async throws -> EventLogBounds {
    try state.withLock { state in
      try Self.question(&state)
      return EventLogBounds(epoch: state.epoch, oldest: state.floor, newest: state.events.last?.seq ?? state.floor)
    }
  }

  private struct Unreachable: Error {}

  private static func question(_ state: inout State) throws {
    guard state.failures > 0 else { return }
    state.failures -= 1
    throw Unreachable()
  }
}

/// A gateway with a few keys: `reader`, `sender`, `manager`; `broken` throws and `stuck` waits. A message is answered with itself; `{"refuse":true}` is refused, `{"hold":true}` waits
/// until ``release()``.
final class RealtimeTestGateway: RealtimeGateway {
  struct Down: Error {}

  static let reader = Identifier(high: 1, low: 1)
  static let sender = Identifier(high: 1, low: 2)
  private struct Held {
    var continuations: [CheckedContinuation<Void, Never>] = []
    var isReleased = false
  }

  private let held = Mutex(Held())
  let idempotencyKeys = Mutex<[String?]>([])

  func authenticate(key: String, from peer: RealtimePeer) async throws -> RealtimePrincipal? {
    switch key {
    case "reader": return RealtimePrincipal(keyID: Self.reader, canRead: true, canSend: false)
    case "sender": return RealtimePrincipal(keyID: Self.sender, canRead: true, canSend: true)
    case "manager": return RealtimePrincipal(keyID: Self.sender, canRead: false, canSend: false)
    case "brief":
      let expiry = SystemClock().now() + .milliseconds(100)
      return RealtimePrincipal(keyID: Self.reader, canRead: true, canSend: false, expiresAt: expiry)
    case "broken": throw Down()
    case "guessed": throw RealtimeThrottled(retryAfter: 7)
    case "stuck":
      await hold()
      return nil
    default: return nil
    }
  }

  let revoked = Mutex<Set<Identifier>>([])

  func principal(_ keyID: Identifier) async throws -> RealtimePrincipal? {
    guard !revoked.withLock({ $0.contains(keyID) }) else { return nil }
    return RealtimePrincipal(keyID: keyID, canRead: true, canSend: keyID == Self.sender)
  }

  func send(_ message: [UInt8], idempotencyKey: String?, as principal: RealtimePrincipal) async
    -> Result<[UInt8], RealtimeProblem>
  {
    idempotencyKeys.withLock { $0.append(idempotencyKey) }
    let text = String(decoding: message, as: UTF8.self)
    if text.contains("hold") {
      await hold()
    }
    if text.contains("refuse") {
      return .failure(RealtimeProblem(json: Array(#"{"status":422,"code":"recipient_opted_out"}"#.utf8)))
    }
    return .success(message)
  }

  private func hold() async {
    await withCheckedContinuation { continuation in
      let isReleased = held.withLock { held in
        if !held.isReleased { held.continuations.append(continuation) }
        return held.isReleased
      }
      if isReleased { continuation.resume() }
    }
  }

  var heldCount: Int { held.withLock(\.continuations.count) }

  /// Lets go of all that wait, and of all that come later.
  func release() {
    let continuations = held.withLock { held in
      defer { held = Held(isReleased: true) }
      return held.continuations
    }
    for continuation in continuations { continuation.resume() }
  }
}

struct RealtimeNoDeliveries: DeliveryStore {
  func materialiseDeliveries(limit: Int) async throws -> MaterialisedDeliveries { MaterialisedDeliveries() }
  func advanceReplays(limit: Int) async throws -> MaterialisedDeliveries { MaterialisedDeliveries() }
  func leaseEndpoints(node: Identifier, lease: Duration) async throws -> [WebhookEndpoint] { [] }
  func releaseEndpoints(node: Identifier) async throws {}
  func loadDeliveries(_ demands: [DeliveryDemand], node: Identifier) async throws -> [DeliverySupply] { [] }
  func finishDeliveries(_ outcomes: [DeliveryOutcome], node: Identifier) async throws {}
  func deliveryBacklog(node: Identifier) async throws -> [EndpointBacklog] { [] }
}

/// A server on a port of its own, for the length of a test.
struct RealtimeTestServer: Sendable {
  let port: Int
  let ring: EventRing
  let log: RealtimeEventLog
  let gateway: RealtimeTestGateway
  let metrics: RealtimeTestMetrics
  let revocations: PrincipalRevocations
  /// Starts the graceful end that a signal would.
  let triggerShutdown: @Sendable () async -> Void
  /// Cancels the sink's task, as the gateway does.
  let cancelSink: @Sendable () -> Void

  static let epoch = Identifier(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)

  /// Appends events to the log, then to the ring, as the tail reader does.
  func publish(_ events: [Event]) {
    log.append(events)
    ring.append(events)
  }

  func publish(_ range: ClosedRange<Int64>) { publish(range.map { RealtimeTestServer.event($0) }) }

  static func conversation(_ number: Int64) -> Identifier { Identifier(high: 7, low: UInt64(number)) }

  /// Event `n` belongs to conversation `n % 4`.
  static func event(_ seq: Int64, size: Int = 0) -> Event {
    Event(
      seq: seq, id: Identifier(high: 9, low: UInt64(seq)), type: .messageNew, at: Timestamp(seconds: 1_700_000_000),
      conversationID: conversation(seq % 4), channel: "sms",
      data: Array(#"{"body":"\#(String(repeating: "x", count: size))"}"#.utf8))
  }

  /// Limits that a machine under load does not run into.
  static var patientLimits: WebSocketLimits {
    var limits = WebSocketLimits()
    limits.authTimeout = .seconds(60)
    limits.pongTimeout = .seconds(60)
    limits.writeTimeout = .seconds(60)
    limits.lastCloseTimeout = limits.closeTimeout
    return limits
  }

  /// Waits for a condition, with a deadline.
  static func eventually(
    within deadline: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: @Sendable () -> Bool
  ) async throws {
    let end = ContinuousClock.now + deadline
    while !condition() {
      try #require(ContinuousClock.now < end, "the condition did not come true in time", sourceLocation: sourceLocation)
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  static func run(
    limits: WebSocketLimits = patientLimits, configuration: WebSocketConfiguration = WebSocketConfiguration(),
    ringCapacity: Int = 65_536, startsAt start: Int64 = 0,
    _ body: @Sendable @escaping (RealtimeTestServer) async throws -> Void
  ) async throws {
    let ring = EventRing(capacity: ringCapacity)
    ring.reset(position: LogPosition(epoch: epoch, seq: start))
    let log = RealtimeEventLog(epoch: epoch)
    let gateway = RealtimeTestGateway()
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let metrics = RealtimeTestMetrics()
    let revocations = PrincipalRevocations()
    let sink = WebSocketSink(
      limits: limits, configuration: configuration,
      context: SinkContext(
        ring: ring, log: log, deliveries: RealtimeNoDeliveries(), gateway: gateway, revocations: revocations,
        clock: SystemClock(), logger: logger),
      metrics: RealtimeMetrics(factory: metrics))
    let router = Router()
    router.get("hello") { _, _ in "hello" }
    router.post("echo") { request, _ in try await request.body.collect(upTo: 1 << 20) }
    let (ports, portContinuation) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
      router: router,
      server: .http1(configuration: .init(additionalChannelHandlers: sink.makeUpgradeHandlers())),
      configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { channel in
        portContinuation.yield(channel.localAddress?.port ?? 0)
        portContinuation.finish()
      },
      logger: logger)
    let group = ServiceGroup(
      configuration: .init(services: [.init(service: application)], gracefulShutdownSignals: [], logger: logger))
    let sinkTask = Task { try await sink.run() }
    let serverTask = Task { try await group.run() }
    let stop: @Sendable () async -> Void = {
      gateway.release()
      await group.triggerGracefulShutdown()
    }
    do {
      let port = try #require(await ports.first { _ in true })
      try await body(
        RealtimeTestServer(
          port: port, ring: ring, log: log, gateway: gateway, metrics: metrics, revocations: revocations,
          triggerShutdown: stop,
          cancelSink: { sinkTask.cancel() }))
    } catch {
      await stop()
      sinkTask.cancel()
      _ = await serverTask.result
      _ = await sinkTask.result
      throw error
    }
    await stop()
    sinkTask.cancel()
    // Ends only if Hummingbird's task of every connection ended.
    _ = await serverTask.result
    _ = await sinkTask.result
  }
}
