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
      guard let due = try await context.store.nextSends([lane.key])[lane.key] else { return nil }
      if due > context.clock.now() { return due }
      for claimed in try await claim(.unresolved, limit: 16) { await resolve(claimed) }
      let turn = pacer.nextStart(now: context.clock.now())
      if turn - context.clock.now() > context.claimAhead { return turn - context.claimAhead }
      // On a clock that runs on while the process is stopped, and begun before the claim is.
      let mustBeginBy = ContinuousClock.now + context.claimLease - context.callMargin
      await send(try await claim(.waiting, limit: claimSize), mustBeginBy: mustBeginBy)
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

  private func claim(_ work: SendClaim.Work, limit: Int) async throws -> [ClaimedSend] {
    let now = context.clock.now()
    var claim = SendClaim(
      senderKey: lane.key, work: work, limit: limit, lease: context.clock.makeIdentifier(),
      leaseUntil: now + context.claimLease)
    claim.postponement = { [directory = context.directory] message, quietZone in
      message.channel.flatMap { directory[$0] }?.postponement(of: message, quietZone: quietZone, now: now)
    }
    return try await context.store.claim(claim, deadline: context.deadline)
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
          await record(entry, .givenBack(at: context.clock.now()))
          continue
        }
        group.addTask { await self.call(entry, mustBeginBy: mustBeginBy) }
      }
    }
  }

  private func call(_ entry: ClaimedSend, mustBeginBy: ContinuousClock.Instant) async {
    guard let channel = entry.message.channel.flatMap({ context.directory[$0] }) else {
      return await record(
        entry, .failed(code: "unknown_channel", message: "The channel is no longer in the configuration."))
    }
    if await hasOptedOut(entry, channel: channel) {
      return await record(
        entry, .failed(code: "opted_out", message: "The recipient opted out while the message waited."),
        channel: channel)
    }
    let begun = ContinuousClock.now
    var message = outbound(entry, channel: channel)
    if let refusal = await afterWindow(entry, message, channel: channel) {
      return await record(entry, refusal, channel: channel)
    }
    // Too near by now for the provider to keep it.
    if message.sendAt == nil, let time = entry.message.scheduledAt, time > context.clock.now() {
      return await record(entry, .givenBack(at: time))
    }
    do throws(SendFailure) {
      message = try await context.deposits.deposited(message, on: channel)
      // A deposit takes a call of its own. What is deposited by now goes at once the next time.
      guard .now < mustBeginBy else { return await record(entry, .givenBack(at: context.clock.now())) }
      let receipt = try await channel.adapter.send(message)
      outcomes.sent(.now - begun)
      context.health?.note(channel.id, nil, at: context.clock.now())
      await record(entry, .accepted(receipt), channel: channel)
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
      await record(
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

  /// What becomes of a message whose window closed while it waited; nil: it may go.
  private nonisolated func afterWindow(
    _ entry: ClaimedSend, _ message: OutboundMessage, channel: ConfiguredChannel
  ) async -> SendRecord.Result? {
    guard let window = channel.capabilities.window, !message.isTemplate,
      // As with opt-outs: the provider refuses by itself.
      let standing = try? await context.store.standing(
        of: Address(type: channel.type, value: message.to), on: channel.line)
    else { return nil }
    let now = context.clock.now()
    let leavesAt = message.sendAt ?? now
    if let last = standing.lastInboundAt, last + window > leavesAt { return nil }
    switch channel.policies.outsideWindow {
    case .hold:
      return .held(
        .init(
          conversationID: entry.message.conversationID, window: window, leavesAt: leavesAt,
          until: now + channel.policies.holdFor))
    // A template in its place would be another message than the one that was taken, and looked up in vain.
    case .reject, .template:
      return .failed(
        code: "outside_window",
        message:
          "The contact's last message was too long ago when the message's turn came: only a template can be sent.")
    }
  }

  private nonisolated func outbound(_ entry: ClaimedSend, channel: ConfiguredChannel) -> OutboundMessage {
    let now = context.clock.now()
    var message = OutboundMessage(
      id: entry.message.id, from: entry.message.from, to: entry.message.to, channelType: entry.message.channelType,
      body: entry.message.body, content: entry.message.content, mediaURLs: entry.mediaURLs.map(context.mediaURL),
      template: entry.message.template, validity: entry.validity,
      statusCallback: "\(context.publicURL)\(channel.path(for: .status) ?? "")?message=\(entry.message.id)")
    if let time = entry.message.scheduledAt, time > now, channel.isKept(entry.message, until: time, now: now) {
      message.sendAt = time
    }
    return message
  }

  // MARK: Unknown outcomes

  /// Finds out what became of a call that gave no answer. It is never simply made again.
  private func resolve(_ entry: ClaimedSend) async {
    guard let channel = entry.message.channel.flatMap({ context.directory[$0] }),
      let adapter = channel.adapter as? any OutcomeLookup
    else {
      return await record(
        entry, .failed(code: "unknown_outcome", message: "The call gave no answer, and nobody can be asked."))
    }
    let attemptedAt = entry.attemptedAt ?? entry.message.createdAt
    do {
      let message = try await context.deposits.deposited(outbound(entry, channel: channel), on: channel)
      let candidates = try await adapter.lookUp(message, attemptedAt: attemptedAt)
      let known = try await context.store.knownProviderSIDs(
        candidates.map(\.providerSID), account: channel.account.accountSID)
      let now = context.clock.now()
      // Those that are left are alike and nobody's: one is as good as another.
      if let receipt = candidates.first(where: { !known.contains($0.providerSID) }) {
        outcomes.adopted.increment()
        await record(entry, .accepted(receipt), channel: channel)
      } else {
        await record(
          entry,
          decision.afterAbsence(
            unknownOutcomes: entry.unknownOutcomes, attemptedAt: attemptedAt, now: now
          ).result,
          channel: channel)
      }
    } catch {
      context.logger.warning(
        "an unknown outcome could not be looked up",
        metadata: ["messageID": "\(entry.message.id)", "error": "\(error)"])
      await record(entry, decision.afterFailedLook(now: context.clock.now()).result, channel: channel)
    }
  }

  // MARK: Writing down

  /// Tried until it is written or the lease is over; then whoever claims the message next finds out for itself.
  private func record(_ entry: ClaimedSend, _ result: SendRecord.Result, channel: ConfiguredChannel? = nil) async {
    let record = SendRecord(
      messageID: entry.message.id, lease: entry.lease, accountSID: channel?.account.accountSID ?? "", result: result,
      at: context.clock.now())
    let giveUpAt = ContinuousClock.now + context.claimLease
    var pause = Duration.milliseconds(50)
    while true {
      do {
        // On a task of its own: a cancelled loop must still write down what it did.
        return try await Task { [context] in try await context.store.record(record, deadline: context.deadline) }.value
      } catch {
        guard StorageFailure.isPassing(error), .now < giveUpAt else {
          context.logger.error(
            "a send could not be written down",
            metadata: ["messageID": "\(entry.message.id)", "error": "\(error)"])
          return
        }
        try? await Task.sleep(for: pause * Double.random(in: 0.8..<1.2))
        pause = min(pause * 2, .seconds(2))
      }
    }
  }
}

extension OutboundMessage {
  fileprivate var isTemplate: Bool {
    if template != nil { return true }
    if case .template = content.kind { return true }
    return false
  }
}

private struct SendCounters: Sendable {
  let adopted: Counter
  private let accepted: Counter
  private let latency: Timer
  private let failures: [String: Counter]

  init(_ factory: any MetricsFactory) {
    func counter(_ outcome: String) -> Counter {
      Counter(label: "fractal_sends_total", dimensions: [("outcome", outcome)], factory: factory)
    }
    adopted = counter("adopted")
    accepted = counter("accepted")
    latency = Timer(label: "fractal_send_duration", dimensions: [], factory: factory)
    failures = Dictionary(
      uniqueKeysWithValues: ["rejected", "transient", "throttled", "opted_out", "misconfigured", "unknown"].map {
        ($0, counter($0))
      })
  }

  func sent(_ duration: Duration) {
    accepted.increment()
    latency.record(duration: duration)
  }

  func failed(_ kind: SendFailure.Kind) {
    let word =
      switch kind {
      case .rejected: "rejected"
      case .transient: "transient"
      case .throttled: "throttled"
      case .optedOut: "opted_out"
      case .misconfigured: "misconfigured"
      case .unknownOutcome: "unknown"
      }
    failures[word]?.increment()
  }
}
