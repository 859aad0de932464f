// Writes what became of attempts, as many at once as have ended meanwhile.

import ChannelProtocol
import Logging
import Synchronization

/// The way of outcomes to the store. Bounded by what a node may have at hand, since a delivery is at hand until its
/// outcome is written.
final class OutcomeWriter: Sendable {
  private struct Entry: Sendable {
    var outcome: LaneOutcome
    /// From then on it is given up: the delivery is made again.
    var end: ContinuousClock.Instant
  }

  private struct State {
    var entries: [Entry] = []
    /// Once stopping: until when it goes on trying.
    var end: ContinuousClock.Instant?
  }

  private let store: any DeliveryStore
  private let node: Identifier
  private let logger: Logger
  private let metrics: WebhookMetrics
  private let state = Mutex(State())
  private let wake = WakeUp()

  /// How long an outcome is tried to be written.
  private static let patience = Duration.seconds(60)
  private static let batch = 1_024

  init(store: any DeliveryStore, node: Identifier, logger: Logger, metrics: WebhookMetrics) {
    self.store = store
    self.node = node
    self.logger = logger
    self.metrics = metrics
  }

  func add(_ outcome: LaneOutcome) {
    state.withLock { $0.entries.append(Entry(outcome: outcome, end: .now + Self.patience)) }
    wake.signal()
  }

  /// Lets ``run(settled:)`` end once everything is written, or after `grace`.
  func stop(grace: Duration) {
    state.withLock { $0.end = .now + grace }
    wake.signal()
  }

  /// - Parameter settled: called with outcomes that are written, and with those that are given up.
  func run(settled: ([LaneOutcome], _ isWritten: Bool) -> Void) async {
    while true {
      let (entries, isStopping) = state.withLock { state in
        let taken = Array(state.entries.prefix(Self.batch))
        state.entries.removeFirst(taken.count)
        return (taken, state.end != nil)
      }
      if entries.isEmpty {
        if isStopping { return }
        await wake.wait(atMost: .seconds(5))
      } else {
        await write(entries, settled)
      }
    }
  }

  private func write(_ entries: [Entry], _ settled: ([LaneOutcome], Bool) -> Void) async {
    var entries = entries
    var backoff = Backoff()
    while !entries.isEmpty {
      do {
        try await store.finishDeliveries(entries.map(\.outcome.outcome), node: node)
        settled(entries.map(\.outcome), true)
        return
      } catch {
        let pause = backoff.next()
        if backoff.failures == 1 {
          logger.warning("outcomes of webhooks cannot be written", metadata: ["error": "\(error)"])
        }
        // Not `wake`: outcomes that come meanwhile are no reason to ask a database again that is away.
        try? await Task.sleep(for: pause)
      }
      let now = ContinuousClock.now
      let end = state.withLock(\.end)
      let isKept = { (entry: Entry) in entry.end > now && end.map { $0 > now } ?? true }
      let abandoned = entries.filter { !isKept($0) }
      metrics.abandoned(abandoned.count)
      settled(abandoned.map(\.outcome), false)
      entries = entries.filter(isKept)
    }
  }
}
