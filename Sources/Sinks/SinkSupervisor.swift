// Runs a sink for as long as the gateway runs: what goes wrong in one sink is no reason to stop the others.

public import CoreMetrics
public import Logging
internal import Metrics

/// Runs one sink, and runs it again after a while when it has failed.
public struct SinkSupervisor: Sendable {
  private let sink: any Sink
  private let logger: Logger
  private let failures: Counter
  /// The pause after a first failure, and the longest; each has half of it by chance.
  private let pauses: ClosedRange<Duration>
  /// Who has run for so long has recovered from what was before.
  private static let recovery = Duration.seconds(60)

  public init(
    _ sink: any Sink, logger: Logger, metrics: any MetricsFactory = MetricsSystem.factory,
    pauses: ClosedRange<Duration> = .milliseconds(500) ... .seconds(30)
  ) {
    self.sink = sink
    self.logger = logger
    self.pauses = pauses
    failures = Counter(
      label: "fractal_sink_failures_total", dimensions: [("sink", type(of: sink).type)], factory: metrics)
  }

  /// Runs until the task is cancelled.
  /// - Throws: what the sink throws after that.
  public func run() async throws {
    var pause = pauses.lowerBound
    while true {
      let start = ContinuousClock.now
      let failure: (any Error)?
      do {
        try await sink.run()
        failure = nil
      } catch {
        if Task.isCancelled { throw error }
        failure = error
      }
      if Task.isCancelled { return }
      failures.increment()
      logger.error(
        "a sink has failed and is run again",
        metadata: ["sink": "\(type(of: sink).type)", "error": "\(failure.map { "\($0)" } ?? "it has ended")"])
      if .now - start > Self.recovery { pause = pauses.lowerBound }
      try await Task.sleep(for: pause * Double.random(in: 0.5...1))
      pause = min(pause * 2, pauses.upperBound)
    }
  }
}
