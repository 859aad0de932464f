// What senders are told by the ring: work that waits for them, and that they were too fast.

import ChannelProtocol
import GatewayTesting
import Sinks
import Synchronization
import Testing

@testable import Gateway

@Suite("What senders hear of the log", .timeLimit(.minutes(1)))
struct SenderWakeTests {
  private static let key = "AC1/sms/+15005550006"

  private static func event(_ seq: Int64, _ type: EventType, _ data: String) -> Event {
    Event(
      seq: seq, id: Identifier(high: 0, low: UInt64(seq)), type: type, at: Timestamp(seconds: 1), conversationID: nil,
      channel: "echo", data: Array(data.utf8))
  }

  @Test("a queued message wakes its sender, a callback that says it was too fast brakes it, and nothing else does")
  func wakes() async throws {
    try await SenderLoopFixture.run(rate: 1) { fixture in
      let ring = EventRing(position: LogPosition(epoch: Identifier(high: 0, low: 1), seq: 0))
      let service = SenderService(
        lanes: [],
        context: SendingContext(
          store: fixture.store, directory: ChannelDirectory([fixture.channel]), publicURL: "http://localhost",
          policy: SendPolicy(), clock: fixture.clock, logger: ThrowawayDatabase.silentLogger,
          metrics: PrometheusRegistry()),
        ring: ring, node: fixture.clock.makeIdentifier())
      let leads = SenderLeads()
      let (wakes, waker) = AsyncStream.makeStream(of: Void.self)
      leads.register(Self.key, waker)
      let (otherWakes, otherWaker) = AsyncStream.makeStream(of: Void.self)
      leads.register("AC1/sms/+15005550007", otherWaker)
      let (braked, brake) = AsyncStream.makeStream(of: String.self)
      let running = Task { await service.wakeOnEvents(leads, brake) }
      let heard = Heard()
      let counting = Task { for await _ in wakes { heard.wakes.withLock { $0 += 1 } } }
      let others = Task { for await _ in otherWakes { heard.others.withLock { $0 += 1 } } }
      let listening = Task { for await key in braked { heard.brakes.withLock { $0.append(key) } } }
      var seq: Int64 = 0
      func append(_ type: EventType, _ data: String) {
        seq += 1
        ring.append([Self.event(seq, type, data)])
      }
      // Until it listens, nobody hears.
      #expect(
        await eventually {
          append(.messageQueued, "{}")
          return heard.count > 0
        })
      #expect(heard.keys.isEmpty)
      append(.messageStatus, #"{"error":null,"body":"\"error\":{\"code\":\"30001\""}"#)
      append(.messageStatus, #"{"error":{"code":"30003"}}"#)
      append(.messageNew, #"{"error":{"code":"30001"}}"#)
      append(.messageStatus, #"{"x":{"error":{"code":"30001"}},"error":{"code":"30003"},"from":"+15005550006"}"#)
      append(.messageStatus, #"{"error":{"code":"30001"},"from":"+15005550006"}"#)
      #expect(await eventually { !heard.keys.isEmpty })
      #expect(heard.others.withLock(\.self) == 0)
      // What was passed over when the log was set to another place may be for any sender.
      ring.reset(position: LogPosition(epoch: Identifier(high: 0, low: 2), seq: 0))
      #expect(await eventually { heard.others.withLock(\.self) == 1 })
      #expect(heard.keys == [Self.key])
      for task in [running, counting, others, listening] { task.cancel() }
      await running.value
    }
  }
}

private final class Heard: Sendable {
  let wakes = Mutex(0)
  /// Of a sender that nothing was queued for.
  let others = Mutex(0)
  let brakes = Mutex<[String]>([])

  var count: Int { wakes.withLock(\.self) }
  var keys: [String] { brakes.withLock(\.self) }
}
