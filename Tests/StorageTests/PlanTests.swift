// What PostgreSQL does for each statement, with the generic plan that production forces: on empty tables, where a bad
// choice costs nothing and then stays, and on large ones.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Plans")
  struct PlanTests {
    /// Tables that grow without end: none of them may be read from front to back.
    private static let large: Set<String> = [
      "messages", "conversations", "contact_channels", "contacts", "events", "outbox", "deliveries", "status_events",
      "media", "idempotency_keys",
    ]

    /// Statements that may read much, by their nature, and which tables.
    private static let excused: [String: Set<String>] = [
      // A count of the log's time range that somebody asks for once; the summary of times leads to it.
      "measure_webhook_replay": ["events"],
      // A count of everything that waits, for the metrics, every few seconds.
      "backlog": ["outbox"],
    ]

    @Test("no hot statement reads a growing table from front to back, planned on empty tables or on large ones")
    func sequentialScans() async throws {
      try await StoreFixture.run(sessions: 1, configure: { $0.preparedStatements = 10_000 }) { fixture in
        try await fixture.useEveryStatement()
        let empty = try await fixture.plans()
        #expect(empty.count > 45, "\(empty.map(\.name))")
        try await fixture.fill()
        // Large tables, and still the plans of the empty ones.
        for plan in empty + (try await fixture.plans()) {
          let scanned = plan.scannedTables.intersection(Self.large).subtracting(Self.excused[plan.statement] ?? [])
          #expect(scanned.isEmpty, "\(plan.name) reads all of \(scanned.sorted()):\n\(plan.text)")
        }
      }
    }
  }
}

/// What EXPLAIN says of one statement.
private struct Plan: Sendable {
  var name: String
  var lines: [String]
  /// Without the number that each combination of types is prepared under.
  var statement: String { String(name.prefix { $0 != "/" }) }
  var text: String { lines.joined(separator: "\n") }

  /// Tables, or partitions' parents, that are read whole: by a sequential scan, or through an index without a
  /// condition and without a limit above it.
  var scannedTables: Set<String> {
    var found: Set<String> = []
    for (index, line) in lines.enumerated() {
      let words = line.split(separator: " ").map(String.init)
      guard let on = words.firstIndex(of: "on"), on + 1 < words.count, words.contains("Scan") else { continue }
      let table = words[on + 1].hasPrefix("events_") ? "events" : words[on + 1]
      if line.contains("Seq Scan on") { found.insert(table) }
      let isIndexScan = line.contains("Index Scan") || line.contains("Index Only Scan")
      let hasCondition = lines.dropFirst(index + 1).prefix(2).contains { $0.contains("Index Cond") }
      if isIndexScan, !hasCondition, !lines.contains(where: { $0.contains("Limit  (") }) { found.insert(table) }
    }
    return found
  }
}

extension StoreFixture {
  /// Has the store's one session prepare everything the store ever asks.
  fileprivate func useEveryStatement() async throws {
    let now = clock.now()
    let webhook = Webhook(id: clock.makeIdentifier(), url: "https://hooks.example/", createdAt: now)
    try await store.createWebhook(webhook, secret: [1])
    try await useUnits()
    let message = try await store.messages(MessageQuery(), page: PageRequest()).items.first
    let id = message?.id ?? clock.makeIdentifier()
    _ = try await store.message(id)
    try await useLists(message)
    _ = try await store.events(after: 0, limit: 10)
    let bounds = try await store.examineLog(since: nil)
    _ = try await store.examineLog(since: LogPosition(epoch: bounds.epoch, seq: bounds.newest + 1))
    try await useDeliveries(webhook.id)
    try await useMedia()
    _ = try await store.rememberDeposit("HX1", digest: "d", account: Sample.account)
    _ = try await store.depositSID(digest: "d", account: Sample.account)
    try await store.forgetDeposit("HX1", digest: "d", account: Sample.account)
    try await store.expireDeposits(olderThan: .seconds(60))
    _ = try await store.lastChannel(of: Sample.contact, types: [.sms])
    _ = try await store.leaseSenders([Sample.sender], node: id, until: .seconds(1))
    _ = try await store.nextSends([Sample.sender], .waiting)
    _ = try await store.nextSends([Sample.sender], .unresolved)
    _ = try await store.backlog()
    _ = try await store.knownProviderSIDs(["SM1"], account: Sample.account)
    try await useTime()
    for report in try await store.parkedReports(limit: 10) { try await store.dropParked(report) }
    try await store.releaseSenders(node: id)
    try await store.releaseAllLeases()
    try await store.maintainEventLog()
    try await store.expireEvents(olderThan: .zero)
    try await store.check()
    try await useTemplates()
    try await useContacts()
    try await useBulks()
    _ = try await store.key(hash: [1])
    try await useKeys()
    _ = try await store.webhooks(page: PageRequest())
  }

  private func useKeys() async throws {
    let id = clock.makeIdentifier()
    _ = try await store.key(id)
    _ = try await store.keys(page: PageRequest())
    _ = try await store.keys(page: PageRequest(cursor: PageCursor(id: id)))
    try await store.noteKeyUse(id, at: clock.now())
    _ = try await store.revokeKey(id, ifStill: try await store.key(id))
    _ = try await store.revokeKey(id)
    var report = ChannelReport(channel: "sms")
    report.calls = [.init(sign: .good, code: "", at: clock.now())]
    try await store.reportChannels([report], node: id)
    _ = try await store.channelReports(exceptOf: id)
    let request = IdempotentRequest(keyID: id, path: "/", key: "k", bodyHash: [1], proposedID: id)
    guard case .held(let held) = try await store.claim(request, lease: .zero) else { return }
    _ = try await store.claim(request, lease: .seconds(60))
    _ = try await store.claim(request, lease: .seconds(60))
    _ = try await store.keep(KeptAnswer(status: 200, sealed: []), for: held)
    try await store.release(held, forgetting: false)
    try await store.release(held, forgetting: true)
    try await store.expireIdempotencyKeys()
  }

  private func useDeliveries(_ webhook: Identifier) async throws {
    let node = clock.makeIdentifier()
    let now = clock.now()
    _ = try await store.leaseEndpoints(node: node, lease: .seconds(60))
    _ = try await store.materialiseDeliveries(limit: 100)
    let line = try await load(webhook, node: node).inLine
    try await store.finishDeliveries(
      [
        outcome(line[0], .delivered, health: .failing(since: now)),
        outcome(line[1], .retry(at: now), heldBack: [line[2].id]),
      ], node: node)
    try await store.finishDeliveries([outcome(line[0], .delivered, health: .recovered)], node: node)
    for states in [[], [.pending], [.delivered], [.dead], [.dead, .delivered]] as [Set<Delivery.State>] {
      _ = try await store.deliveries(of: webhook, states: states, page: PageRequest())
    }
    _ = try await store.retryDelivery(line[0].id)
    _ = try await store.replayWebhook(webhook, since: Timestamp(seconds: 0), until: later, as: clock.makeIdentifier())
    while try await store.advanceReplays(limit: 1).events > 0 {}
    _ = try await store.deliveryBacklog(node: node)
    try await store.expireDeliveries(olderThan: .zero)
    _ = try await store.webhook(webhook)
    _ = try await store.webhookEndpoint(webhook)
    for isActive in [false, true] {
      _ = try await store.updateWebhook(webhook, at: now) { $0.isActive = isActive }
    }
    _ = try await store.rotateSecret(of: webhook, to: [1], until: now, at: now)
    try await store.finishDeliveries([outcome(line[0], .dead, health: .disabled(reason: "gone"))], node: node)
    try await store.releaseEndpoints(node: node)
    let removed = Webhook(id: clock.makeIdentifier(), url: "https://hooks.example/", createdAt: now)
    try await store.createWebhook(removed, secret: [1])
    _ = try await store.deleteWebhook(removed.id)
    try await store.finishRemovals()
  }

  private func useMedia() async throws {
    let id = clock.makeIdentifier()
    try await store.addMedia(
      MediaFile(
        id: id, state: .ready, contentType: nil, size: 1, filename: nil, place: .database, createdAt: clock.now()),
      bytes: [1])
    _ = try await store.mediaFile(id)
    _ = try await store.mediaBytes(id, in: 0..<1)
    _ = try await store.nextMediaDue()
    for claimed in try await store.claimMedia(limit: 10, lease: .seconds(60)) {
      _ = try await store.keepMedia(claimed, bytes: [1])
      _ = try await store.finishMedia(claimed, .failed(error: "gone"))
      _ = try await store.finishMedia(claimed, .retry(after: .zero, error: "late"))
    }
    try await store.announceFile(clock.makeIdentifier(), removedAfter: .zero)
    try await store.forgetDiscarded(try await store.discardedFiles(limit: 10))
    _ = try await store.removeUnusedUploads(olderThan: .seconds(3_600), limit: 10)
    _ = try await store.expireMedia(olderThan: .seconds(3_600), limit: 10)
  }

  private func useTime() async throws {
    let now = clock.now()
    _ = try await store.timeZone(of: Address(type: .sms, value: Sample.contact))
    _ = try await store.nextExpiry()
    _ = try await store.knownMessages(["SM1"], account: Sample.account)
    _ = try await store.scanForPolls(age: .zero, lookBack: .seconds(3_600), limit: 100)
    _ = try await store.scanForPrices(age: .zero, lookBack: .seconds(3_600), limit: 100)
    for (index, claimed) in try await store.claimPolls(limit: 10, lease: .seconds(60)).enumerated() {
      try await store.finishPoll(claimed, next: index == 0 ? now : nil)
    }
    try await store.noteReconciledAccounts([Sample.account], at: now)
    for succeeds in [true, false] {
      guard
        let lease = try await store.beginReconciliation(
          account: Sample.account, notTriedSince: nil, at: now, lease: .seconds(60))
      else { continue }
      if succeeds {
        try await store.finishReconciliation(lease, reached: now, at: now)
      } else {
        try await store.failReconciliation(lease, error: "x")
      }
    }
  }

  /// The lane's units, on the session in place of the lane.
  private func useUnits() async throws {
    let context = store.writing
    let clock = clock
    let inbound = self.inbound("SM1", media: [InboundMedia(url: "u", contentType: nil)], replyTo: "SM0")
    let outbound = [
      self.outbound(type: .mms, media: ["u"]), self.outbound(), self.outbound(), self.outbound(validFor: -1),
    ]
    let lease = clock.makeIdentifier()
    let until = clock.now() + .seconds(60)
    try await store.run { connection in
      _ = try ReceiveInbound(maximumBatch: 1, context: context).execute([inbound], on: connection)
      _ = try ReceiveInbound(maximumBatch: 1, context: context).execute([inbound], on: connection)
      _ = try QueueOutbound(maximumBatch: 9, context: context).execute(outbound, on: connection)
      let claims = [SendClaim.Work.waiting, .unresolved].map {
        SendClaim(senderKey: Sample.sender, work: $0, limit: 10, lease: lease, leaseUntil: until)
      }
      let claimed = try ClaimSends(maximumBatch: 9, context: context).execute(claims, on: connection)
      let statuses = ApplyStatuses(maximumBatch: 9, context: context)
      _ = try statuses.execute(
        [
          .callback("sent", sid: "SM-of-nobody", at: until),
          .callback("sent", sid: "SM2", message: outbound[1].id, at: until),
        ], on: connection)
      let results: [SendRecord.Result] = [
        .accepted(.sample("SM3")), .retry(at: until),
        .held(
          .init(
            conversationID: try claimed[0].get().last?.message.conversationID ?? lease, window: .seconds(60),
            leavesAt: until, until: until)),
      ]
      let records = try zip(claimed[0].get(), results).map { entry, result in
        SendRecord(
          messageID: entry.message.id, lease: entry.lease, accountSID: Sample.account, result: result, at: until)
      }
      _ = try RecordSends(maximumBatch: 9, context: context).execute(records, on: connection)
      _ = try ExpireSends(context: context).execute([10], on: connection)
      _ = try ReadConversations(context: context).execute(
        claimed[0].get().map(\.message.conversationID), on: connection)
    }
  }

  private func useTemplates() async throws {
    let now = clock.now()
    for succeeds in [true, false] {
      guard
        let lease = try await store.beginTemplateSync(
          account: Sample.account, notTriedSince: nil, at: now, lease: .seconds(60))
      else { continue }
      if succeeds {
        let record = TemplateRecord(sid: "HX1", name: "n", language: "en", types: [:])
        _ = try await store.finishTemplateSync(lease, with: [record], at: now)
      } else {
        try await store.failTemplateSync(lease, error: "x")
      }
    }
    try await store.forgetTemplates(exceptOf: [Sample.account])
    _ = try await store.templateSyncs()
    _ = try await store.template(sid: "HX1", account: nil)
    for page in [PageRequest(), PageRequest(cursor: PageCursor(id: clock.makeIdentifier()))] {
      var filters = (0..<4).map { _ in TemplateQuery() }
      filters[1].status = "approved"
      filters[2].language = "en"
      filters[3].search = "x"
      for filter in filters { _ = try await store.templates(filter, page: page) }
    }
  }

  private func useLists(_ message: Message?) async throws {
    let id = message?.conversationID ?? clock.makeIdentifier()
    let cursor = PageCursor(id: id, time: clock.now())
    // A walk that began before every message: what has moved since is looked at too.
    let walk = PageCursor(id: clock.makeIdentifier(), time: clock.now() + .seconds(60), start: 0)
    for page in [PageRequest(), PageRequest(cursor: cursor), PageRequest(cursor: walk)] {
      var filters = (0..<9).map { _ in MessageQuery() }
      filters[1].conversation = id
      filters[2].contact = message?.contactID ?? id
      filters[3].channel = "sms"
      filters[4].direction = .inbound
      filters[5].statuses = [.received]
      filters[6].providerSID = "SM1"
      filters[7].since = clock.now()
      filters[8].until = clock.now()
      for filter in filters { _ = try await store.messages(filter, page: page) }
      filters = (0..<4).map { _ in MessageQuery() }
      filters[0].direction = .outbound
      filters[1].statuses = [.failed, .sent]
      filters[2].search = "hello"
      filters[3].contact = id
      filters[3].search = "hello"
      for filter in filters { _ = try await store.messages(filter, page: page) }
      var conversations = (0..<5).map { _ in ConversationQuery() }
      conversations[1].status = .open
      conversations[2].channel = "sms"
      conversations[3].unread = true
      conversations[4].search = "name 1"
      for filter in conversations { _ = try await store.conversations(filter, page: page) }
      var contacts = (0..<3).map { _ in ContactQuery() }
      contacts[1].channel = "sms"
      contacts[2].label = "vip"
      for filter in contacts { _ = try await store.contacts(filter, page: page) }
      try await useCombinations(id, page)
    }
    let steps = try await useEveryStep([PageRequest(), PageRequest(cursor: cursor)])
    // The branches that only much data leads to.
    for part in [
      "_addressed", "_labelled", "_indexed", "_few", "_newest_4000", "_found", "_rest", "_whole", "_choice",
      "_inside", "_ending",
    ] {
      #expect(steps.contains { $0.contains(part) }, "\(part)")
    }
    _ = try await store.conversation(id)
    _ = try await store.contact(message?.contactID ?? id)
    var search = ContactQuery()
    search.search = "name 1"
    _ = try await store.contacts(search, page: PageRequest())
  }

  /// Filters together, each of which may have much.
  private func useCombinations(_ contact: Identifier, _ page: PageRequest) async throws {
    var messages = (0..<4).map { _ in MessageQuery() }
    messages[0].channel = "whatsapp"
    (messages[1].channel, messages[1].statuses) = ("whatsapp", [.failed])
    (messages[2].contact, messages[2].statuses) = (contact, [.failed])
    (messages[3].search, messages[3].until) = ("two words well-known", clock.now())
    for filter in messages { _ = try await store.messages(filter, page: page) }
    for text in ["name 1", "zq"] {
      var conversations = ConversationQuery()
      (conversations.search, conversations.channel, conversations.unread) = (text, "whatsapp", true)
      _ = try await store.conversations(conversations, page: page)
      var contacts = ContactQuery()
      (contacts.search, contacts.channel, contacts.label) = (text, "whatsapp", "vip")
      _ = try await store.contacts(contacts, page: page)
    }
  }

  /// A contact is made, changed, joined with another, divided and deleted.
  private func useContacts() async throws {
    let address = Address(type: .whatsapp, value: "+1555")
    let made = try await make(ContactProfile(name: "a"), [address])
    let other = try await make(ContactProfile(), [])
    _ = try await store.replaceContact(made.id, with: ContactProfile())
    _ = try await store.addContactChannel(Address(type: .sms, value: "+1556"), to: other.id)
    let opening = ConversationOpening(address: address, line: Sample.line, channel: "wa")
    let opened = try await store.openConversation(opening)
    let archived = try await store.setArchived(
      true, conversation: opened.conversation.id, ifStill: try await store.conversation(opened.conversation.id))
    if let archived { _ = try await store.markRead(conversation: archived.id, ifStill: archived) }
    _ = try await store.mergeContact(other.id, into: made.id)
    for channel in try await store.contact(made.id)?.channels ?? [] {
      _ = try await store.removeContactChannel(channel.id, from: made.id)
    }
    _ = try await store.deleteContact(made.id)
    _ = try await store.mediaSources(of: made.id)
  }

  private func useBulks() async throws {
    let bulk = bulk(recipients: 2)
    try await store.createBulk(bulk)
    _ = try await store.standings(of: [Address(type: .sms, value: "+1")], on: Sample.line)
    for work in try await take(bulk.id) { try await store.settleBulk(work) }
    _ = try await store.waitingRecipients(ofBulk: bulk.id, limit: 10)
    try await store.noteRecipients(ofBulk: bulk.id, queued: [0], refused: bulk.refused)
    _ = try await store.bulk(bulk.id)
    _ = try await store.setBulkState(.paused, of: bulk.id)
    try await store.freezeBulk(bulk.id)
    _ = try await store.retryFailed(inBulk: bulk.id)
    _ = try await store.waitingSends([Sample.sender], priority: 20, limit: 10)
    _ = try await store.unsentMessages(ofBulk: bulk.id)
    try await store.releaseBulks(node: bulk.id)
  }

  /// What the store's session does for each statement it has prepared; its generic plans, which it keeps.
  fileprivate func plans() async throws -> [Plan] {
    try await store.run { connection in
      let prepared = try connection.execute(
        Statement(
          "list_prepared",
          """
          SELECT name, array_to_string(ARRAY(
            SELECT CASE WHEN t::text LIKE '%[]' THEN '''{}'''
              WHEN t::text = 'uuid' THEN quote_literal(gen_random_uuid())
              WHEN t::text LIKE 'timestamp%' THEN quote_literal(now()) WHEN t::text = 'boolean' THEN 'true'
              WHEN t::text = 'text' THEN '''x''' WHEN t::text = 'bytea' THEN '''''' WHEN t::text = 'jsonb' THEN '''{}'''
              ELSE '1' END
            FROM unnest(parameter_types) WITH ORDINALITY AS p(t, n) ORDER BY n), ', ')
          FROM pg_prepared_statements WHERE statement ~* '^\\s*(SELECT|INSERT|UPDATE|DELETE|WITH)'
            AND statement !~ 'pg_prepared_statements'
          """))
      return try prepared.map { row in
        let name = try row.text(0)
        let arguments = try row.text(1)
        let call = arguments.isEmpty ? "" : "(\(arguments))"
        let explained = try connection.execute(
          Statement("explain_\(name)", "EXPLAIN EXECUTE \"\(name)\"\(call)"))
        return Plan(name: name, lines: try explained.map { try $0.text(0) })
      }
    }
  }

  /// A hundred thousand messages, twenty thousand contacts, and what comes with them.
  fileprivate func fill() async throws {
    try await script(
      """
      SET session_replication_role = replica;
      CREATE FUNCTION pg_temp.id(n integer, s integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
        $$ SELECT ('01900000-' || lpad(to_hex(s), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
      INSERT INTO contacts (id, name, types, addresses, created_at, updated_at)
        SELECT pg_temp.id(n, 1), 'name ' || n, '{sms}', '+1' || n, now(), now() FROM generate_series(1, 20000) n;
      INSERT INTO contact_channels (id, contact_id, type, address, created_at)
        SELECT pg_temp.id(n, 2), pg_temp.id(n, 1), 'sms', '+1' || n, now() FROM generate_series(1, 20000) n;
      INSERT INTO conversations (id, contact_id, channel, channel_type, address, line, last_message_id,
          last_activity_at, created_at, updated_at)
        SELECT pg_temp.id(n, 3), pg_temp.id(n, 1), 'sms', 'sms', '+1' || n, 'l', pg_temp.id(1 + (n + 19998) % 20000, 4),
          now() - n * interval '1 s', now(), now() FROM generate_series(1, 20000) n;
      INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body,
          status, account_sid, provider_sid, created_at)
        SELECT pg_temp.id(n, 4), pg_temp.id(1 + n % 20000, 3), pg_temp.id(1 + n % 20000, 1), 'sms', 'sms',
          n % 2 = 0, 'a', 'b', 'hello', (ARRAY[60, 40, 30, 20])[1 + n % 4], 'AC1',
            CASE WHEN n > 20000 THEN 'SM' || n END, now()
        FROM generate_series(1, 100000) n;
      INSERT INTO media (id, message_id, state, created_at)
        SELECT pg_temp.id(n, 5), pg_temp.id(n, 4), 'ready', now() FROM generate_series(1, 20000) n;
      INSERT INTO status_events (message_id, at, status, provider_status, source)
        SELECT pg_temp.id(n, 4), now(), 30, 'sent', 'callback' FROM generate_series(1, 100000) n;
      INSERT INTO outbox (message_id, sender_key, channel, sender, state, priority, units, run_at, lease_until)
        SELECT pg_temp.id(n, 4), 'sender ' || n % 20, 'sms', 'a', n % 50 / 49, 10, 1, now(), now()
        FROM generate_series(1, 20000) n;
      INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
        SELECT n + 1000, pg_temp.id(n, 6), 'message.new', now(), pg_temp.id(1 + n % 20000, 3), 'sms', '{}'
        FROM generate_series(1, 100000) n;
      INSERT INTO webhooks (id, url, secret, created_at, updated_at)
        SELECT pg_temp.id(n, 7), 'u', '', now(), now() FROM generate_series(1, 20) n;
      INSERT INTO deliveries (id, webhook_id, seq, event_id, type, order_key, state, run_at, created_at)
        SELECT pg_temp.id(n, 8), pg_temp.id(1 + n % 20, 7), n + 1000, pg_temp.id(n, 6), 'message.new',
          pg_temp.id(1 + n % 20000, 3), CASE WHEN n % 10 = 0 THEN n / 10 % 2 ELSE 2 END, now(), now()
        FROM generate_series(1, 100000) n;
      INSERT INTO parked_statuses (account_sid, provider_sid, provider_status, source, raw, at)
        SELECT 'AC1', 'SM-parked-' || n, 'sent', 'callback', '{}', now() FROM generate_series(1, 2000) n;
      ANALYZE;
      SET session_replication_role = origin;
      """)
  }
}
