// What became of attempts, written as many at once as have ended.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  /// The newest attempts of a log that has grown long, with a comma after them. What begins an attempt stands in no
  /// string: a quotation mark in one is escaped.
  private static func newest(_ log: String) -> String {
    """
    CASE WHEN strpos(right(\(log), 24576), ',{"at":') > 0
      THEN substr(right(\(log), 24576), strpos(right(\(log), 24576), ',{"at":') + 1) || ',' ELSE '' END
    """
  }

  /// What was delivered is delivered, whoever's the endpoint is by now; what failed is the new node's to decide on.
  private static let finish = Statement(
    "finish_deliveries",
    """
    UPDATE deliveries d SET state = u.state, run_at = coalesce(u.run_at, d.run_at),
      attempts = d.attempts + u.counted,
      holds_until = coalesce(d.holds_until, u.holds_until),
      log = CASE WHEN d.log IS NULL THEN u.log WHEN length(d.log) <= 32768 THEN d.log || ',' || u.log
        ELSE \(newest("d.log")) || u.log END
    FROM unnest($1::uuid[], $2::int2[], $3::timestamptz[], $4::timestamptz[], $5::int2[], $6::text[])
      AS u(id, state, run_at, holds_until, counted, log)
    WHERE d.id = u.id AND d.state < 2
      AND (u.state = 2 OR EXISTS (SELECT FROM webhooks w WHERE w.id = d.webhook_id AND w.node = $7))
    """)

  private static let hold = Statement(
    "hold_deliveries",
    """
    UPDATE deliveries d SET state = 1, run_at = u.run_at
    FROM unnest($1::uuid[], $2::timestamptz[]) AS u(id, run_at)
    WHERE d.id = u.id AND d.state < 2 AND EXISTS (SELECT FROM webhooks w WHERE w.id = d.webhook_id AND w.node = $3)
    """)

  /// Those that wait already, and that the node does not have at hand.
  private static let holdWaiting = Statement(
    "hold_waiting_deliveries",
    """
    UPDATE deliveries d SET run_at = u.run_at
    FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::timestamptz[]) AS u(webhook, order_key, seq, run_at)
    JOIN webhooks w ON w.id = u.webhook AND w.node = $5
    WHERE d.webhook_id = u.webhook AND d.order_key = u.order_key AND d.state = 1 AND d.seq > u.seq
      AND d.attempts = 0 AND d.run_at < u.run_at
    """)

  /// All that are changed, once and in the order in which leases lock them: who waits here has none that the other needs.
  private static let lockEndpoints = Statement(
    "lock_webhooks_of_outcomes", "SELECT FROM webhooks WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE")

  private static let fail = Statement(
    "mark_webhooks_failing",
    """
    UPDATE webhooks w SET failing_since = u.since
    FROM unnest($1::uuid[], $2::timestamptz[], $3::bool[]) AS u(id, since, anew)
    WHERE w.id = u.id AND (u.anew OR w.failing_since IS NULL)
    """)

  private static let recover = Statement(
    "mark_webhooks_recovered",
    "UPDATE webhooks SET failing_since = NULL WHERE id = ANY ($1) AND failing_since IS NOT NULL")

  /// What is in the log and was not collected yet is not collected any more: `disabled_seq` is the last that was.
  private static let disable = Statement(
    "disable_webhooks",
    """
    UPDATE webhooks w SET active = false, disabled_reason = u.reason, updated_at = $4, node = NULL, lease_until = NULL,
      disabled_at = $4, disabled_seq = (SELECT c.seq FROM consumer_cursors c WHERE c.name = 'webhooks')
    FROM unnest($1::uuid[], $2::text[]) AS u(id, reason)
    WHERE w.id = u.id AND w.active AND w.node = $3
    RETURNING \(webhookColumns(of: "w"))
    """)

  public func finishDeliveries(_ outcomes: [DeliveryOutcome], node: Identifier) async throws {
    guard !outcomes.isEmpty else { return }
    do {
      try await finish(outcomes, node)
    } catch let error as PostgresError where error.sqlState?.blamesData ?? (error.kind == .invalidValue) {
      guard outcomes.count > 1 else { throw error }
      // One outcome must not hold up the others.
      for outcome in outcomes { try? await finish([outcome], node) }
    }
  }

  private func finish(_ outcomes: [DeliveryOutcome], _ node: Identifier) async throws {
    let steps =
      Self.locks(outcomes) + [(Self.finish, Self.finished(outcomes, node))] + Self.consequences(outcomes, node)
    var reasons: [Identifier: String] = [:]
    for outcome in outcomes {
      if case .disabled(let reason) = outcome.health { reasons[outcome.delivery.endpoint] = reason }
    }
    guard !reasons.isEmpty else {
      try await run { _ = try $0.pipeline(steps) }
      return
    }
    let writing = writing
    let now = writing.clock.now()
    let disabling = Self.disabling(reasons, node, now)
    try await runUnit { connection in
      let answers = try connection.pipeline([(.begin, Parameters())] + steps + [(Self.disable, disabling)])
      var events = EventBatch(writing)
      for row in answers[answers.count - 1] {
        var reader = ColumnReader(row)
        let webhook = try Webhook(&reader)
        events.append(.webhookDisabled, at: now, conversation: nil, channel: nil) { webhook.write(to: &$0) }
      }
      try events.commit(on: connection)
    }
  }

  private static func finished(_ outcomes: [DeliveryOutcome], _ node: Identifier) -> Parameters {
    var p = Parameters()
    p.identifierArray(outcomes.map(\.delivery.id))
    p.int2Array(outcomes.map(\.disposition.state))
    p.timestampArray(outcomes.map(\.disposition.nextAttempt))
    p.timestampArray(outcomes.map { $0.disposition.nextAttempt == nil ? nil : $0.holdsUntil })
    p.int2Array(outcomes.map { $0.isCounted ? 1 : 0 })
    p.textArray(
      utf8: outcomes.map { outcome in
        var writer = JSONWriter(capacity: 256)
        outcome.attempt.write(to: &writer)
        return writer.bytes
      })
    p.identifier(node)
    return p
  }

  /// Nothing in good times.
  private static func locks(_ outcomes: [DeliveryOutcome]) -> [(Statement, Parameters)] {
    let changed = Set(outcomes.lazy.filter { $0.health != .unchanged }.map(\.delivery.endpoint))
    guard !changed.isEmpty else { return [] }
    var p = Parameters()
    p.identifierArray(Array(changed))
    return [(lockEndpoints, p)]
  }

  /// What follows for others; nothing in good times.
  private static func consequences(
    _ outcomes: [DeliveryOutcome], _ node: Identifier
  ) -> [(Statement, Parameters)] {
    var steps: [(Statement, Parameters)] = []
    let holding = outcomes.compactMap { outcome in outcome.heldUntil.map { (outcome: outcome, until: $0) } }
    if !holding.isEmpty {
      let held = holding.flatMap { entry in entry.outcome.heldBack.map { (id: $0, until: entry.until) } }
      var p = Parameters()
      p.identifierArray(held.map(\.id))
      p.timestampArray(held.map(\.until))
      p.identifier(node)
      if !held.isEmpty { steps.append((hold, p)) }
      var waiting = Parameters()
      waiting.identifierArray(holding.map(\.outcome.delivery.endpoint))
      waiting.identifierArray(holding.map(\.outcome.delivery.order))
      waiting.int8Array(holding.map(\.outcome.delivery.event.seq))
      waiting.timestampArray(holding.map(\.until))
      waiting.identifier(node)
      steps.append((holdWaiting, waiting))
    }
    // The last word on an endpoint counts.
    var health: [Identifier: DeliveryOutcome.Health] = [:]
    var recoveredBetween: Set<Identifier> = []
    for outcome in outcomes where outcome.health != .unchanged {
      if outcome.health == .recovered { recoveredBetween.insert(outcome.delivery.endpoint) }
      health[outcome.delivery.endpoint] = outcome.health
    }
    let failing = health.compactMap { id, health -> (id: Identifier, since: Timestamp)? in
      if case .failing(let since) = health { (id, since) } else { nil }
    }
    if !failing.isEmpty {
      var p = Parameters()
      p.identifierArray(failing.map(\.id))
      p.timestampArray(failing.map(\.since))
      p.boolArray(failing.map { recoveredBetween.contains($0.id) })
      steps.append((fail, p))
    }
    let recovered = health.filter { $0.value == .recovered }.keys
    if !recovered.isEmpty {
      var p = Parameters()
      p.identifierArray(Array(recovered))
      steps.append((recover, p))
    }
    return steps
  }

  private static func disabling(
    _ reasons: [Identifier: String], _ node: Identifier, _ now: Timestamp
  ) -> Parameters {
    var p = Parameters()
    p.identifierArray(reasons.map(\.key))
    p.textArray(reasons.map(\.value))
    p.identifier(node)
    p.timestamp(now)
    return p
  }
}

extension DeliveryOutcome.Disposition {
  fileprivate var state: Int16 {
    switch self {
    case .retry: 1
    case .delivered: 2
    case .dead: 3
    }
  }

  fileprivate var nextAttempt: Timestamp? {
    if case .retry(let at) = self { at } else { nil }
  }
}
