// What is done from time to time: failures, and who keeps the log.

import ChannelProtocol
import GatewayTesting
import Logging
import Metrics
import Storage
import Synchronization
import Testing

@testable import Gateway

@Suite("Maintenance")
struct MaintenanceTests {
  private struct Failure: Error {}

  private final class Runs: Sendable {
    private let made = Atomic(0)
    var count: Int { made.load(ordering: .sequentiallyConsistent) }
    func next() -> Int { made.add(1, ordering: .sequentiallyConsistent).newValue }
  }

  @Test("a job that fails is tried again soon, and keeps what comes behind it from nothing")
  func failingJob() async {
    let (runs, others) = (Runs(), Runs())
    let job = RecurringJob(
      interval: .seconds(3_600), patience: .milliseconds(1),
      steps: [
        .init(name: "work") { guard runs.next() >= 3 else { throw Failure() } },
        .init(name: "other work") { _ = others.next() },
      ])
    let log = CollectedLog()
    let running = Task { await job.run(log.logger()) }
    #expect(await eventually { runs.count == 3 && others.count == 3 })
    running.cancel()
    await running.value
    #expect(runs.count == 3 && others.count == 3)
    #expect(log.lines.map { $0.metadata["work"] } == ["work", "work"])
  }

  @Test("who keeps the log is named once a day at most; a partition that stays, each time")
  func warnings() async throws {
    let log = CollectedLog()
    let webhook = SystemClock().makeIdentifier()
    let hold = EventHold(seq: 7, at: Timestamp(seconds: 1_000), webhook: webhook)
    let expiry = EventLogExpiry(logger: log.logger(), metrics: NOOPMetricsHandler.instance) {
      EventExpiry(hold: hold, obstacle: "2BP01")
    }
    let start = ContinuousClock.now
    for hours in [0, 1, 23, 24, 25] {
      try await expiry.run(now: Timestamp(seconds: 2_000), at: start + .seconds(hours * 3_600))
    }
    let held = log.lines.filter { $0.message.contains("retention.events") }
    #expect(held.map { $0.metadata["webhook"] } == ["\(webhook)", "\(webhook)"])
    #expect(held.allSatisfy { $0.metadata["seq"] == "7" })
    #expect(log.lines.count { $0.message.contains("partition") } == 5)
  }
}
