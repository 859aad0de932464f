// Outbound webhooks: every event to every endpoint that wants it, at least once and in order per conversation.

import ChannelProtocol
import Logging
import Synchronization

/// The sink `webhook`. What is due and in which order is the store's; when to try again is decided here.
public final class WebhookSink: Sink {
  public typealias Configuration = WebhookConfiguration

  public static let type = "webhook"
  public static let guarantee = DeliveryGuarantee.atLeastOnce

  /// Makes single attempts, for the API; closed when ``run()`` ends.
  public let sender: WebhookSender

  private let context: SinkContext
  private let schedule: RetrySchedule
  private let concurrency: Int
  private let perEndpoint: Int
  private let lease: Duration
  private let metrics = WebhookMetrics()
  private let writer: OutcomeWriter
  private let materialiseWake = WakeUp()
  private let claimWake = WakeUp()
  private let underWay = Mutex(0)

  /// How long attempts and outcomes under way may take once the gateway stops.
  private static let grace = Duration.seconds(5)
  /// Looked at the store at least so often: what another node wrote wakes nobody here.
  private static let poll = Duration.seconds(1)
  /// Rounds of reading the log start no closer than this, so that a busy log is read in batches.
  private static let materialisePause = Duration.milliseconds(10)
  private static let materialiseLimit = 500

  public convenience init(configuration: WebhookConfiguration, context: SinkContext) throws {
    let sender = try WebhookSender(configuration: configuration, clock: context.clock)
    self.init(configuration: configuration, context: context, sender: sender)
  }

  init(configuration: WebhookConfiguration, context: SinkContext, sender: WebhookSender) {
    self.sender = sender
    self.context = context
    schedule = RetrySchedule(pauses: configuration.retry.map { .seconds($0) })
    concurrency = configuration.concurrency
    perEndpoint = configuration.perEndpoint
    // Covers the attempt, and writing its outcome to a database that is away for a while.
    lease = .seconds(configuration.timeout + 45)
    writer = OutcomeWriter(store: context.deliveries, logger: context.logger, metrics: metrics)
  }

  public func run() async throws {
    // Not a child: it outlives the cancellation of this task, so that what was attempted is written.
    let writing = Task { [writer, claimWake, metrics, self] in
      await writer.run { written in
        metrics.underWay(self.changeUnderWay(by: -written))
        claimWake.signal()
      }
    }
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        group.addTask { for await _ in self.context.ring.signals() { self.materialiseWake.signal() } }
        group.addTask { await self.materialise() }
        group.addTask { await self.claim() }
      }
    } onCancel: {
      // An unstructured wait: nothing else is left that could do it.
      Task { [sender] in
        try? await Task.sleep(for: Self.grace)
        sender.close()
      }
    }
    writer.stop(grace: Self.grace)
    await writing.value
    sender.close()
  }

  // MARK: From the log to deliveries

  private func materialise() async {
    var backoff = Backoff()
    while !Task.isCancelled {
      let start = ContinuousClock.now
      do {
        let count = try await context.deliveries.materialiseDeliveries(limit: Self.materialiseLimit)
        recovered(&backoff)
        if count > 0 {
          metrics.materialised(count)
          claimWake.signal()
        }
        if count >= Self.materialiseLimit { continue }
        if count > 0 { try await Task.sleep(until: start + Self.materialisePause) }
        await materialiseWake.wait(atMost: Self.poll)
      } catch {
        await failed(error, &backoff)
      }
    }
  }

  // MARK: From deliveries to attempts

  private func claim() async {
    await withDiscardingTaskGroup { group in
      var backoff = Backoff()
      while !Task.isCancelled {
        let free = concurrency - underWay.withLock { $0 }
        guard free > 0 else {
          await claimWake.wait(atMost: Self.poll)
          continue
        }
        do {
          let leaseEnd = ContinuousClock.now + lease
          let claimed = try await context.deliveries.claimDeliveries(
            limit: free, perEndpoint: perEndpoint, lease: lease)
          recovered(&backoff)
          metrics.underWay(changeUnderWay(by: claimed.count))
          for delivery in claimed { group.addTask { await self.deliver(delivery, leaseEnd: leaseEnd) } }
          if claimed.count < free { await claimWake.wait(atMost: try await pauseUntilDue()) }
        } catch {
          await failed(error, &backoff)
        }
      }
    }
  }

  /// How long nothing falls due, as far as the store knows.
  private func pauseUntilDue() async throws -> Duration {
    guard let due = try await context.deliveries.nextDeliveryDue() else { return Self.poll }
    // What is due and yet was not handed out waits for something under way, here or on another node.
    return min(max(due - context.clock.now(), .milliseconds(50)), Self.poll)
  }

  private func deliver(_ delivery: ClaimedDelivery, leaseEnd: ContinuousClock.Instant) async {
    let result = await sender.send(delivery.event, to: delivery.endpoint)
    let now = context.clock.now()
    let disposition = result.disposition(
      attempts: delivery.attempts, now: now, schedule: schedule, jitter: .random(in: 0...1))
    metrics.attempted(result)
    if disposition == .delivered { metrics.delivered(age: now - delivery.event.at) }
    writer.add(
      OutcomeWriter.Entry(
        outcome: DeliveryOutcome(
          delivery: delivery.id, lease: delivery.lease, attempt: result.attempt, disposition: disposition),
        leaseEnd: leaseEnd))
  }

  @discardableResult
  private func changeUnderWay(by change: Int) -> Int {
    underWay.withLock { count in
      count += change
      return count
    }
  }

  // MARK: A store that is away

  private func failed(_ error: any Error, _ backoff: inout Backoff) async {
    if Task.isCancelled { return }
    let pause = backoff.next()
    if backoff.failures == 1 {
      context.logger.warning("the webhook sink cannot reach its store", metadata: ["error": "\(error)"])
    }
    try? await Task.sleep(for: pause)
  }

  private func recovered(_ backoff: inout Backoff) {
    if backoff.failures > 0 {
      context.logger.notice("the webhook sink reaches its store again")
      backoff.reset()
    }
  }
}
