// A sink that fails does so alone.

import ChannelProtocol
import GatewayTesting
import Logging
import Sinks
import Synchronization
import Testing

@testable import Gateway

/// Throws for a few times, ends once, and then runs.
private final class Failing: Sink {
  struct Configuration: ChannelConfiguration {
    static let keys: [ConfigurationKey] = []
    init(from decoder: any Decoder) throws {}
    init() {}
  }
  struct Broken: Error {}

  static let type = "failing"
  static let guarantee = DeliveryGuarantee.bestEffort

  let runs = Mutex(0)

  init() {}
  init(configuration: Configuration, context: SinkContext) throws {}

  func run() async throws {
    let number = runs.withLock { runs in
      runs += 1
      return runs
    }
    if number < 4 { throw Broken() }
    if number == 4 { return }
    try await Task.sleep(for: .seconds(600))
  }
}

@Suite struct SinkSupervisorTests {
  @Test("a sink that throws, or ends of itself, is run again and counted; it ends with its task")
  func restarts() async throws {
    let sink = Failing()
    let metrics = PrometheusRegistry()
    let supervisor = SinkSupervisor(
      sink, logger: ThrowawayDatabase.silentLogger, metrics: metrics, pauses: .milliseconds(1) ... .milliseconds(4))
    let task = Task { try await supervisor.run() }
    #expect(await eventually { sink.runs.withLock { $0 } == 5 })
    #expect(
      String(decoding: metrics.exposition(), as: UTF8.self).contains(#"fractal_sink_failures_total{sink="failing"} 4"#))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
