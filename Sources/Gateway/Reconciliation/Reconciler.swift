// Finds, in what providers list, the messages and statuses that no webhook brought: after a downtime, and from time to
// time.

import ChannelProtocol
import Logging
import Metrics
import Storage

/// One node at a time for an account. What is found goes the way that a webhook's goes, so that one which comes after all
/// finds its message there.
struct Reconciler: Sendable {
  /// An account, and how its messages are listed.
  struct Source: Sendable {
    let accountSID: String
    let policy: ReconciliationPolicy
    let history: any MessageHistory
  }

  let webhooks: ProviderWebhooks
  let store: any MessageStore
  let sources: [Source]
  let times: ReconciliationTimes
  let clock: any WallClock
  let logger: Logger
  private let recovered: Counter
  private let corrected: Counter

  init(
    webhooks: ProviderWebhooks, store: any MessageStore, sources: [Source], times: ReconciliationTimes,
    clock: any WallClock, logger: Logger, metrics: any MetricsFactory
  ) {
    self.webhooks = webhooks
    self.store = store
    self.sources = sources
    self.times = times
    self.clock = clock
    self.logger = logger
    recovered = Counter(label: "fractal_recovered_messages_total", factory: metrics)
    corrected = Counter(label: "fractal_corrected_statuses_total", factory: metrics)
  }

  /// Before the gateway serves: what comes from then on is missed where it does not come in, also when a stop is quicker
  /// than the first comparison.
  func noteAccounts() async throws {
    try await store.noteReconciledAccounts(sources.map(\.accountSID), at: clock.now())
  }

  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for source in sources where source.policy.every > .zero { group.addTask { try await follow(source) } }
      // Ends by cancellation, also where there is nothing to do.
      group.addTask { while true { try await Task.sleep(for: .seconds(3_600)) } }
      try await group.waitForAll()
    }
  }

  /// At the start whatever the other nodes did, once more when what was too young then has settled, then each when
  /// nobody has tried for most of the interval.
  private func follow(_ source: Source) async throws {
    var notTriedSince: Timestamp?
    var pause = min(times.settle * 1.5, source.policy.every)
    while !Task.isCancelled {
      // What lies in the journal is on its way, and says more than a list does.
      while !webhooks.journal.isEmpty { try await Task.sleep(for: .seconds(1)) }
      do {
        try await reconcile(source, notTriedSince: notTriedSince)
      } catch {
        if !Task.isCancelled {
          logger.warning(
            "messages not compared with the provider's",
            metadata: ["account": "\(source.accountSID)", "error": "\(error)"])
        }
      }
      try await Task.sleep(for: pause * Double.random(in: 0.9..<1.1))
      if pause == source.policy.every { notTriedSince = clock.now() - source.policy.every * 0.8 }
      pause = source.policy.every
    }
  }

  /// - Throws: ``SendFailure``, or the store's; what was reached stays then.
  func reconcile(_ source: Source, notTriedSince: Timestamp? = nil) async throws {
    let begun = clock.now()
    guard
      let lease = try await store.beginReconciliation(
        account: source.accountSID, notTriedSince: notTriedSince, at: begun, lease: times.lease)
    else { return }
    do {
      let start = max(lease.began, lease.reached - times.overlap, begun - source.policy.lookBack).wholeSecond
      try await compare(source, since: start, until: begun - times.settle)
      try await store.finishReconciliation(lease, reached: begun - times.settle, at: clock.now())
    } catch {
      // Also by a node that stops: the next one need not wait for the lease.
      try? await Task { [store] in try await store.failReconciliation(lease, error: "\(error)") }.value
      throw error
    }
  }

  private func compare(_ source: Source, since start: Timestamp, until end: Timestamp) async throws {
    let giveUpAt = ContinuousClock.now + times.lease * 0.8
    var page: String?
    for number in 1... {
      let listed = try await source.history.history(since: start, page: page)
      try await take(listed.messages, of: source, from: start, until: end)
      guard let next = listed.next else { return }
      guard number < times.maximumPages, .now < giveUpAt else {
        throw SendFailure(
          .transient, code: "too_many_messages",
          message: "The provider lists more messages than could be read: a shorter lookBack would help.")
      }
      page = next
      try await Task.sleep(for: times.pacing)
    }
  }

  private func take(
    _ messages: [HistoricMessage], of source: Source, from start: Timestamp, until end: Timestamp
  ) async throws {
    let known = try await store.knownMessages(messages.map(\.providerSID), account: source.accountSID)
    // The oldest first, as they came.
    for message in messages.reversed() {
      switch message {
      case .inbound(let inbound, let hasFiles):
        guard known[inbound.providerSID] == nil, inbound.receivedAt >= start, inbound.receivedAt <= end else {
          continue
        }
        let whole = hasFiles ? try await source.history.addingFiles(to: inbound) : inbound
        try await webhooks.store(.message(webhooks.recovered(whole)))
        recovered.increment()
        logger.notice("a message was recovered", metadata: ["providerSID": "\(inbound.providerSID)"])
      case .outbound(let update):
        // Another program's are not ours to park.
        guard let here = known[update.providerSID], here.isCorrected(by: update) else { continue }
        _ = try await store.apply(update, deadline: .seconds(10))
        corrected.increment()
      }
    }
  }
}

extension HistoricMessage {
  fileprivate var providerSID: String {
    switch self {
    case .inbound(let message, _): message.providerSID
    case .outbound(let update): update.providerSID
    }
  }
}

extension KnownMessage {
  /// Whether the provider's word says more than is known here.
  func isCorrected(by update: StatusUpdate) -> Bool {
    if let price = update.price, price != self.price { return true }
    guard let told = update.report.status else { return false }
    if isContradicted, told.rank >= 4 { return true }
    return told.rank > status.rank || (told.rank == 4 && told != status && status.rank == 4)
  }
}

extension Timestamp {
  /// Providers list whole seconds.
  fileprivate var wholeSecond: Timestamp { Timestamp(microseconds: microseconds - microseconds % 1_000_000) }
}

extension ProviderWebhooks {
  /// A message that was found in a provider's list, as a webhook would have brought it.
  func recovered(_ message: InboundMessage) -> InboundRecord {
    let channel = directory.owner(of: message)
    return InboundRecord(
      id: clock.makeIdentifier(), message: message, channel: channel?.id, line: channel?.line ?? message.to)
  }
}

extension ChannelDirectory {
  /// The channel that names the address of ours which a message came to; of several that of its own type.
  func owner(of message: InboundMessage) -> ConfiguredChannel? {
    let fitting = channels.filter { channel in
      channel.account.accountSID == message.accountSID
        && channel.type.contactType == message.channelType.contactType
        && channel.senders.contains { $0.address == message.to || $0.address == message.pool }
    }
    return fitting.first { $0.type == message.channelType } ?? fitting.first
  }

  /// One source to an account: its channels share it.
  func histories(_ policies: [String: ReconciliationPolicy]) -> [Reconciler.Source] {
    var sources: [String: Reconciler.Source] = [:]
    for channel in channels {
      let account = channel.account
      guard sources[account.accountSID] == nil, let history = channel.adapter as? any MessageHistory else { continue }
      sources[account.accountSID] = Reconciler.Source(
        accountSID: account.accountSID, policy: policies[account.id] ?? ReconciliationPolicy(), history: history)
    }
    return sources.values.sorted { $0.accountSID < $1.accountSID }
  }
}
