// Asks providers what became of messages whose callbacks did not come, or contradict each other.

import ChannelProtocol
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
    let claimed = try await store.claimPolls(limit: policy.perSecond, lease: Self.lease)
    await withDiscardingTaskGroup { group in
      for poll in claimed { group.addTask { await settle(poll) } }
    }
    return claimed.count
  }

  private func settle(_ poll: ClaimedPoll) async {
    do {
      let jitter = Double.random(in: 0..<1)
      switch policy.step(for: poll.subject, attempts: poll.attempts, now: clock.now(), jitter: jitter) {
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

  /// - Returns: when to ask again; nil: never.
  private func ask(_ poll: ClaimedPoll, jitter: Double) async throws -> Timestamp? {
    guard let sid = poll.subject?.providerSID,
      let adapter = poll.subject?.channel.flatMap({ directory[$0] })?.adapter as? any StatusLookup
    else { return nil }
    do throws(SendFailure) {
      var update = try await adapter.status(ofProviderSID: sid)
      answered.increment()
      update.messageID = poll.messageID
      if let account = poll.subject?.accountSID { update.accountSID = account }
      return try await taken(update, poll, jitter: jitter)
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

  private func taken(_ update: StatusUpdate, _ poll: ClaimedPoll, jitter: Double) async throws(SendFailure)
    -> Timestamp?
  {
    do {
      _ = try await store.apply(update, deadline: .seconds(10))
    } catch {
      throw SendFailure(.transient, code: "database", message: "The answer could not be written down: \(error)")
    }
    if update.report.status?.isFinal ?? false { return nil }
    return policy.next(attempts: poll.attempts, now: clock.now(), jitter: jitter)
  }
}
