// Asks providers what became of messages whose callbacks did not come, or contradict each other.

import ChannelProtocol
import HTTPTypes
import Logging
import Metrics
import Storage

/// Nodes share the work by lease; each asks at a bounded rate.
struct StatusPolling: Sendable {
  let store: any MessageStore
  let directory: ChannelDirectory
  let policy: PollPolicy
  let clock: any WallClock
  let logger: Logger
  private let answered: Counter
  private let unanswered: Counter

  init(
    store: any MessageStore, directory: ChannelDirectory, policy: PollPolicy, clock: any WallClock, logger: Logger,
    metrics: any MetricsFactory
  ) {
    self.store = store
    self.directory = directory
    self.policy = policy
    self.clock = clock
    self.logger = logger
    answered = Counter(
      label: "fractal_status_polls_total", dimensions: [("outcome", "answered")], factory: metrics)
    unanswered = Counter(
      label: "fractal_status_polls_total", dimensions: [("outcome", "unanswered")], factory: metrics)
  }

  /// Longer than the longest call.
  private static let lease: Duration = .seconds(60)
  private static let page = 1_000
  private static let maximumPages = 20

  func run() async throws {
    while !Task.isCancelled {
      var pause = policy.interval
      do {
        if try await work() == policy.perSecond { pause = .seconds(1) }
      } catch {
        logger.warning("statuses cannot be asked for", metadata: ["error": "\(error)"])
      }
      try await Task.sleep(for: pause * Double.random(in: 0.9..<1.1))
    }
  }

  /// Notes what has not ended, and asks about what is due, up to a second's worth.
  /// - Returns: how many were taken.
  func work() async throws -> Int {
    for _ in 0..<Self.maximumPages {
      let seen = try await store.scanForPolls(age: policy.after, lookBack: policy.lookBack, limit: Self.page)
      if seen < Self.page { break }
    }
    if let first = policy.pricesAfter.first {
      for _ in 0..<Self.maximumPages {
        let seen = try await store.scanForPrices(age: first, lookBack: policy.lookBack, limit: Self.page)
        if seen < Self.page { break }
      }
    }
    let claimed = try await store.claimPolls(limit: policy.perSecond, lease: Self.lease)
    await withDiscardingTaskGroup { group in
      for poll in claimed { group.addTask { await settle(poll) } }
    }
    return claimed.count
  }

  private func settle(_ poll: ClaimedPoll) async {
    do {
      if let subject = poll.subject, try await isUnwanted(subject) {
        return try await store.finishPoll(poll, next: await recall(poll, subject))
      }
      let jitter = Double.random(in: 0..<1)
      let tellsPrices = lookup(poll.subject)?.tellsPrices ?? false
      switch policy.step(
        for: poll.subject, attempts: poll.attempts, tellsPrices: tellsPrices, now: clock.now(), jitter: jitter)
      {
      case .drop: try await store.finishPoll(poll, next: nil)
      case .wait(let time): try await store.finishPoll(poll, next: time)
      case .ask: try await store.finishPoll(poll, next: try await ask(poll, jitter: jitter))
      }
    } catch {
      // Its lease runs out, and somebody asks again.
      logger.warning(
        "a status could not be settled", metadata: ["messageID": "\(poll.messageID)", "error": "\(error)"])
    }
  }

  private func lookup(_ subject: ClaimedPoll.Subject?) -> (any StatusLookup)? {
    subject?.channel.flatMap { directory[$0] }?.adapter as? any StatusLookup
  }

  /// Whether the provider keeps a message for somebody who has opted out since.
  private func isUnwanted(_ subject: ClaimedPoll.Subject) async throws -> Bool {
    guard subject.isKept(at: clock.now()), let channel = subject.channel.flatMap({ directory[$0] }),
      channel.policies.refusesOptedOut
    else { return false }
    return try await !store.optedOutScopes(of: subject.address).isDisjoint(with: channel.optOutScopes)
  }

  /// - Returns: when to look at it again; nil: never.
  private func recall(_ poll: ClaimedPoll, _ subject: ClaimedPoll.Subject) async -> Timestamp? {
    var cancellation = MessageCancellation(store: store, directory: directory, clock: clock)
    // Within the lease; the next call is the next poll's.
    cancellation.maximumCalls = 1
    do {
      _ = try await cancellation.cancel(poll.messageID)
      logger.info("a message for somebody who opted out was taken back", metadata: ["messageID": "\(poll.messageID)"])
      return nil
    } catch let problem as Problem where problem.status == .conflict || problem.status == .notFound {
      return subject.leavesAt + policy.after
    } catch {
      logger.warning(
        "a message for somebody who opted out could not be taken back",
        metadata: ["messageID": "\(poll.messageID)", "error": "\(error)"])
      return clock.now() + policy.recallAgain
    }
  }

  /// - Returns: when to ask again; nil: never.
  private func ask(_ poll: ClaimedPoll, jitter: Double) async throws -> Timestamp? {
    guard let subject = poll.subject, let sid = subject.providerSID, let adapter = lookup(subject) else { return nil }
    do throws(SendFailure) {
      var update = try await adapter.status(ofProviderSID: sid)
      answered.increment()
      update.messageID = poll.messageID
      if let account = subject.accountSID { update.accountSID = account }
      let asksPrice = adapter.tellsPrices && !subject.hasPrice
      return try await taken(update, poll, leftAt: asksPrice ? subject.leavesAt : nil, jitter: jitter)
    } catch {
      unanswered.increment()
      logger.info(
        "a provider does not say what became of a message",
        metadata: ["messageID": "\(poll.messageID)", "code": "\(error.code)"])
      switch error.kind {
      // It has no such message any more: nobody will ever know.
      case .rejected, .optedOut: return nil
      case .throttled(let retryAfter):
        return policy.next(attempts: poll.attempts, retryAfter: retryAfter, now: clock.now(), jitter: jitter)
      case .transient, .misconfigured, .unknownOutcome:
        return policy.next(attempts: poll.attempts, now: clock.now(), jitter: jitter)
      }
    }
  }

  /// - Parameter leftAt: when the message left, where its price is wanted; else nil.
  private func taken(
    _ update: StatusUpdate, _ poll: ClaimedPoll, leftAt: Timestamp?, jitter: Double
  ) async throws(SendFailure) -> Timestamp? {
    do {
      _ = try await store.apply(update, deadline: .seconds(10))
    } catch {
      throw SendFailure(.transient, code: "database", message: "The answer could not be written down: \(error)")
    }
    if let status = update.report.status, status.isFinal {
      guard let leftAt, update.price == nil, status != .canceled else { return nil }
      return policy.nextForPrice(leftAt: leftAt, now: clock.now())
    }
    return policy.next(attempts: poll.attempts, now: clock.now(), jitter: jitter)
  }
}
