// Writes what became of attempts, as many at once as have ended meanwhile.

import ChannelProtocol
import Logging
import Synchronization

/// The way of outcomes to the store. Holds at most as many as there may be deliveries under way, since a delivery is
/// under way until its outcome is written.
final class OutcomeWriter: Sendable {
  struct Entry: Sendable {
    var outcome: DeliveryOutcome
    /// When another node may take the delivery: from then on there is nothing left to write.
    var leaseEnd: ContinuousClock.Instant
  }

  private struct State {
    var entries: [Entry] = []
    /// Once stopping: until when it goes on trying.
    var end: ContinuousClock.Instant?
  }

  private let store: any DeliveryStore
  private let logger: Logger
  private let metrics: WebhookMetrics
  private let state = Mutex(State())
  private let wake = WakeUp()

  init(store: any DeliveryStore, logger: Logger, metrics: WebhookMetrics) {
    self.store = store
    self.logger = logger
    self.metrics = metrics
  }

  func add(_ entry: Entry) {
    state.withLock { $0.entries.append(entry) }
    wake.signal()
  }

  /// Lets ``run(written:)`` end once everything is written, or after `grace`.
  func stop(grace: Duration) {
    state.withLock { $0.end = .now + grace }
    wake.signal()
  }

  /// - Parameter written: called with how many deliveries are no longer under way.
  func run(written: (Int) -> Void) async {
    while true {
      let (entries, isStopping) = state.withLock { state in
        defer { state.entries = [] }
        return (state.entries, state.end != nil)
      }
      if entries.isEmpty {
        if isStopping { return }
        await wake.wait(atMost: .seconds(5))
      } else {
        await write(entries)
        written(entries.count)
      }
    }
  }

  private func write(_ entries: [Entry]) async {
    var entries = entries
    var backoff = Backoff()
    while !entries.isEmpty {
      do {
        try await store.finishDeliveries(entries.map(\.outcome))
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
      let kept = entries.filter { entry in entry.leaseEnd > now && end.map { $0 > now } ?? true }
      metrics.abandoned(entries.count - kept.count)
      entries = kept
    }
  }
}
