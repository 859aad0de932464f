// Sends for one sender of ours, at its pace, for as long as this node leads it.

import ChannelProtocol
import Logging
import Metrics
import Storage

/// What all loops share.
struct SendingContext: Sendable {
  let store: any MessageStore
  let directory: ChannelDirectory
  let publicURL: String
  let policy: SendPolicy
  let clock: any WallClock
  let logger: Logger
  let metrics: any MetricsFactory
  /// Where providers fetch uploaded files; nil: there are none.
  var mediaLinks: MediaLinks?
  /// Told how each call went.
  var health: ChannelHealth?
  /// How long a claim is good for: longer than the longest call.
  var claimLease: Duration = .seconds(60)
  /// What must be left of a claim when its call begins: the longest call, and time to write its outcome down.
  var callMargin: Duration = .seconds(25)
  /// A turn that is further off than this is not claimed yet: a claimed message can no longer be overtaken or taken over.
  var claimAhead: Duration = .seconds(2)
  var deadline: Duration = .seconds(10)
}

/// One sender's loop: claim, wait for its turn, call, write down.
actor SenderLoop {
  private let lane: SenderLane
  private let context: SendingContext
  private let decision: SendDecision
  private var pacer: Pacer
  private let outcomes: SendCounters
  private var brakedAt: Timestamp?

  init(_ lane: SenderLane, _ context: SendingContext) {
    self.lane = lane
    self.context = context
    decision = SendDecision(policy: context.policy)
    pacer = Pacer(rate: lane.messagesPerSecond, now: context.clock.now())
    outcomes = SendCounters(context.metrics)
  }

  /// About a second's worth: what is claimed says `sending` and can no longer be overtaken.
  private var claimSize: Int { max(1, min(64, Int(lane.messagesPerSecond))) }

  /// Works until nothing is due.
  /// - Returns: when to look again; nil: when somebody says so.
  func work() async throws -> Timestamp? {
    while !Task.isCancelled {
      // A read first: looking must not cost the lane a transaction.
      guard let due = try await context.store.nextSends([lane.key], .waiting)[lane.key] else { return nil }
      if due > context.clock.now() { return due }
      let turn = pacer.nextStart(now: context.clock.now())
      if turn - context.clock.now() > context.claimAhead { return turn - context.claimAhead }
      // On a clock that runs on while the process is stopped, and begun before the claim is.
      let mustBeginBy = ContinuousClock.now + context.claimLease - context.callMargin
      await send(try await context.claim(.waiting, of: lane.key, limit: claimSize), mustBeginBy: mustBeginBy)
    }
    return nil
  }

  /// Parts per second at the moment.
  var rate: Double { pacer.rate }

  /// The provider took messages and said afterwards that they were too many. It says so once for each of a burst: that
  /// is one reason to go slower.
  func brake() {
    let now = context.clock.now()
    if let brakedAt, now - brakedAt < .seconds(10) { return }
    brakedAt = now
    pacer.throttled(retryAfter: nil, now: now)
  }

  // MARK: Sending

  /// Calls are begun in order, each at its time; a slow answer does not hold up the next one. One whose turn comes when
  /// the claim has nearly run out is given back uncalled: another node may take it over meanwhile.
  private func send(_ claimed: [ClaimedSend], mustBeginBy: ContinuousClock.Instant) async {
    await withDiscardingTaskGroup { group in
      for entry in claimed {
        let now = context.clock.now()
        let isInTime = .now + max(pacer.nextStart(now: now) - now, .zero) < mustBeginBy
        if isInTime {
          let pause = pacer.reserve(units: entry.units, now: now) - now
          if pause > .zero { try? await Task.sleep(for: pause) }
        }
        if !isInTime || Task.isCancelled || .now >= mustBeginBy {
          // Nothing was called: it goes back as it was.
          await context.record(entry, .givenBack(at: context.clock.now()))
          continue
        }
        group.addTask { await self.call(entry, mustBeginBy: mustBeginBy) }
      }
    }
  }

  private func call(_ entry: ClaimedSend, mustBeginBy: ContinuousClock.Instant) async {
    guard let channel = entry.message.channel.flatMap({ context.directory[$0] }) else {
      return await context.record(
        entry, .failed(code: "unknown_channel", message: "The channel is no longer in the configuration."))
    }
    if await hasOptedOut(entry, channel: channel) {
      return await context.record(
        entry, .failed(code: "opted_out", message: "The recipient opted out while the message waited."),
        channel: channel)
    }
    let begun = ContinuousClock.now
    var message = context.outbound(entry, on: channel)
    let window = ClosedWindow(store: context.store, now: context.clock.now())
    if let result = await window.result(for: entry, message, on: channel) {
      return await context.record(entry, result, channel: channel)
    }
    // Too near by now for the provider to keep it.
    if message.sendAt == nil, let time = entry.message.scheduledAt, time > context.clock.now() {
      return await context.record(entry, .givenBack(at: time))
    }
    do throws(SendFailure) {
      message = try await context.deposits.deposited(message, on: channel)
      // A deposit takes a call of its own. What is deposited by now goes at once the next time.
      guard .now < mustBeginBy else { return await context.record(entry, .givenBack(at: context.clock.now())) }
      let receipt = try await channel.adapter.send(message)
      outcomes.sent(.now - begun)
      context.health?.note(channel.id, nil, at: context.clock.now())
      await context.record(entry, .accepted(receipt), channel: channel)
    } catch {
      let error = await context.deposits.judged(error, of: message, on: channel)
      outcomes.failed(error.kind)
      let now = context.clock.now()
      context.health?.note(channel.id, error, at: now)
      if case .throttled(let retryAfter) = error.kind { pacer.throttled(retryAfter: retryAfter, now: now) }
      if let pause = error.senderPause { pacer.paused(for: pause, now: now) }
      context.logger.warning(
        "a send did not succeed",
        metadata: ["messageID": "\(entry.message.id)", "code": "\(error.code)", "kind": "\(error.kind)"])
      await context.record(
        entry,
        decision.after(
          error, attempts: entry.attempts + 1, transientFailures: entry.transientFailures, now: now,
          jitter: .random(in: 0..<1)
        ).result,
        channel: channel)
    }
  }

  /// What was asked when the message was taken may have changed since: it was held, scheduled, or waited its turn.
  private nonisolated func hasOptedOut(_ entry: ClaimedSend, channel: ConfiguredChannel) async -> Bool {
    guard channel.policies.refusesOptedOut,
      // A database that does not answer now is no reason to keep the message: the provider refuses by itself.
      let scopes = try? await context.store.optedOutScopes(
        of: Address(type: entry.message.channelType, value: entry.message.to))
    else { return false }
    return !scopes.isDisjoint(with: channel.optOutScopes)
  }
}
