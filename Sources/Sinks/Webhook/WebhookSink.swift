// Outbound webhooks: every event to every endpoint that wants it, at least once and in order per conversation.

import ChannelProtocol
import Logging
import Synchronization

/// The sink `webhook`. What there is to deliver is the store's; what goes when is the roster's; this is the shell that
/// carries one to the other.
public final class WebhookSink: Sink {
  public typealias Configuration = WebhookConfiguration

  public static let type = "webhook"
  public static let guarantee = DeliveryGuarantee.atLeastOnce

  /// Makes single attempts, for the API; closed when ``run()`` ends.
  public let sender: WebhookSender

  let context: SinkContext
  let node: Identifier
  let metrics = WebhookMetrics()
  private let roster: Mutex<WebhookRoster>
  private let writer: OutcomeWriter
  private let materialiseWake = WakeUp()
  private let loadWake = WakeUp()
  private let startWake = WakeUp()
  private let replayWake = WakeUp()
  private let leases = LeaseRounds()

  /// How long attempts and outcomes under way may take once the gateway stops.
  private static let grace = Duration.seconds(5)
  /// Looked at the store at least so often: what another node wrote wakes nobody here.
  private static let poll = Duration.seconds(1)
  /// Rounds of reading the log start no closer than this, so that a busy log is read in batches.
  private static let materialisePause = Duration.milliseconds(10)
  /// The same where this node has no endpoint and found nothing to make: then most often there are none.
  private static let idlePause = Duration.milliseconds(40)
  private static let materialiseLimit = 500
  /// Of a replay, so many deliveries are made at a time, with a pause between.
  private static let replayLimit = 500
  private static let replayPause = Duration.milliseconds(100)
  /// An endpoint of a node that died is taken by another after the lease.
  private static let lease = Duration.seconds(10)
  private static let leaseRenewal = Duration.seconds(2)

  public convenience init(configuration: WebhookConfiguration, context: SinkContext) throws {
    let sender = try WebhookSender(configuration: configuration, clock: context.clock)
    self.init(configuration: configuration, context: context, sender: sender)
  }

  init(configuration: WebhookConfiguration, context: SinkContext, sender: WebhookSender) {
    self.sender = sender
    self.context = context
    node = context.clock.makeIdentifier()
    roster = Mutex(WebhookRoster(policy: configuration.policy))
    writer = OutcomeWriter(store: context.deliveries, node: node, logger: context.logger, metrics: metrics)
  }

  /// Learns now what was changed about endpoints; other nodes learn it within two seconds.
  public func refresh() async { await leases.next() }

  /// A replay was asked for.
  public func replayAsked() { replayWake.signal() }

  /// Something was made due.
  public func deliveryAsked() {
    roster.withLock { $0.wakeAll() }
    loadWake.signal()
  }

  public func run() async throws {
    // Not a child: it outlives the cancellation of this task, so that what was attempted is written.
    let writing = Task { [writer, self] in
      await writer.run { outcomes, isWritten in self.settle(outcomes, isWritten: isWritten) }
    }
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        group.addTask { await self.watchLog() }
        group.addTask { await self.keepLeases() }
        group.addTask { await self.materialise() }
        group.addTask { await self.replay() }
        group.addTask { await self.load() }
        group.addTask { await self.start() }
        group.addTask { await self.measure() }
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
    leases.end()
    // Not a child: this task is cancelled, and another node need not wait for the leases' end.
    await Task { [context, node] in try? await context.deliveries.releaseEndpoints(node: node) }.value
  }

  // MARK: Endpoints

  private func keepLeases() async {
    var backoff = Backoff()
    var end = ContinuousClock.now
    while !Task.isCancelled {
      let round = leases.begin()
      let start = ContinuousClock.now
      do {
        let endpoints = try await context.deliveries.leaseEndpoints(node: node, lease: Self.lease)
        recovered(&backoff)
        end = start + Self.lease
        roster.withLock { $0.update(endpoints) }
        leases.done(round)
        loadWake.signal()
        startWake.signal()
        await leases.wait(atMost: Self.leaseRenewal)
      } catch {
        // What is another node's by now is left alone.
        if ContinuousClock.now > end - .seconds(1) { roster.withLock { $0.update([]) } }
        await failed(error, &backoff)
      }
    }
  }

  // MARK: From the log to deliveries

  private func watchLog() async {
    var epoch = context.ring.position.epoch
    let (resets, reset) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let observation = context.ring.observe { [materialiseWake] events in
      materialiseWake.signal()
      if events.isEmpty { reset.yield() }
    }
    defer { context.ring.remove(observation) }
    // What came before it was heard of.
    materialiseWake.signal()
    reset.yield()
    for await _ in resets {
      let current = context.ring.position.epoch
      guard current != epoch else { continue }
      epoch = current
      // The database was restored: how far the lanes have come in their lines was said by the other log's numbers.
      roster.withLock { $0.update([]) }
      await refresh()
    }
  }

  private func materialise() async {
    var backoff = Backoff()
    var seen: Int64 = -1
    while !Task.isCancelled {
      let start = ContinuousClock.now
      let newest = context.ring.position.seq
      do {
        let made = try await context.deliveries.materialiseDeliveries(limit: Self.materialiseLimit)
        recovered(&backoff)
        if made.events > 0 { metrics.materialised(made.events) }
        wake(made, isNewHere: newest > seen)
        seen = newest
        if made.events >= Self.materialiseLimit { continue }
        let isForNobody = made.events == 0 && !made.isElsewhere && roster.withLock(\.endpoints) == 0
        try await Task.sleep(until: start + (isForNobody ? Self.idlePause : Self.materialisePause))
        await materialiseWake.wait(atMost: made.isElsewhere ? Self.materialisePause : Self.poll)
      } catch {
        await failed(error, &backoff)
      }
    }
  }

  /// - Parameter isNewHere: there is something in the log that was not there the last time.
  private func wake(_ made: MaterialisedDeliveries, isNewHere: Bool) {
    // What another node makes, or has just made, may be for endpoints of this one.
    let isAnothers = made.isElsewhere || made.events == 0 && isNewHere
    guard !made.endpoints.isEmpty || isAnothers else { return }
    roster.withLock { isAnothers ? $0.wakeAll() : $0.wake(made.endpoints) }
    loadWake.signal()
  }

  private func replay() async {
    var backoff = Backoff()
    while !Task.isCancelled {
      do {
        let made = try await context.deliveries.advanceReplays(limit: Self.replayLimit)
        recovered(&backoff)
        guard made.events > 0 else {
          await replayWake.wait(atMost: Self.poll * 2)
          continue
        }
        deliveryAsked()
        try await Task.sleep(for: Self.replayPause)
      } catch {
        await failed(error, &backoff)
      }
    }
  }

  // MARK: From deliveries to attempts

  private func load() async {
    var backoff = Backoff()
    var nextPoll = ContinuousClock.now
    while !Task.isCancelled {
      if nextPoll <= .now {
        nextPoll = .now + Self.poll
        roster.withLock { $0.wakeAll() }
      }
      let demands = roster.withLock { $0.demands(at: context.clock.now()) }
      guard !demands.isEmpty else {
        await loadWake.wait(atMost: pauseUntilDue())
        continue
      }
      do {
        let supplies = try await context.deliveries.loadDeliveries(demands, node: node)
        recovered(&backoff)
        roster.withLock { $0.receive(supplies) }
        startWake.signal()
      } catch {
        roster.withLock { $0.loadFailed(demands) }
        await failed(error, &backoff)
      }
    }
  }

  /// How long nothing falls due, as far as is known here.
  private func pauseUntilDue() -> Duration {
    guard let due = roster.withLock(\.nextDue) else { return Self.poll }
    return min(max(due - context.clock.now(), .milliseconds(1)), Self.poll)
  }

  private func start() async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        let now = context.clock.now()
        while let start = roster.withLock({ $0.next(at: now) }) {
          group.addTask { await self.deliver(start) }
        }
        let turn = roster.withLock(\.nextTurn)
        await startWake.wait(atMost: turn.map { min(max($0 - now, .milliseconds(1)), Self.poll) } ?? Self.poll)
      }
    }
  }

  /// Makes one attempt after the other, as long as there is something to go.
  private func deliver(_ start: WebhookRoster.Start) async {
    var next: WebhookRoster.Start? = start
    while let current = next {
      metrics.underWay(roster.withLock(\.underWay))
      let result = await sender.send(current.delivery.event, to: current.endpoint)
      let now = context.clock.now()
      let mayGoOn = !Task.isCancelled
      let (outcome, isHungry, mustWait) = roster.withLock { roster in
        let outcome = roster.finished(current, result, at: now, jitter: .random(in: 0...1))
        next = mayGoOn ? roster.next(at: now) : nil
        return (outcome, roster.isHungry(current.endpoint.id), next == nil && roster.nextTurn != nil)
      }
      if isHungry { loadWake.signal() }
      if mustWait { startWake.signal() }
      metrics.attempted(result, at: current.endpoint.id, age: now - current.delivery.event.at)
      writer.add(outcome)
    }
    metrics.underWay(roster.withLock(\.underWay))
  }

  private func settle(_ outcomes: [LaneOutcome], isWritten: Bool) {
    let isHeldUp = outcomes.contains { $0.outcome.disposition != .delivered } || !isWritten
    roster.withLock { roster in for outcome in outcomes { roster.settled(outcome, isWritten: isWritten) } }
    if isHeldUp {
      loadWake.signal()
      startWake.signal()
    }
  }

  // MARK: A store that is away

  func failed(_ error: any Error, _ backoff: inout Backoff) async {
    if Task.isCancelled { return }
    let pause = backoff.next()
    if backoff.failures == 1 {
      context.logger.warning("the webhook sink cannot reach its store", metadata: ["error": "\(error)"])
    }
    try? await Task.sleep(for: pause)
  }

  func recovered(_ backoff: inout Backoff) {
    if backoff.failures > 0 {
      context.logger.notice("the webhook sink reaches its store again")
      backoff.reset()
    }
  }
}
