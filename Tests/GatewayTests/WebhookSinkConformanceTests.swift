// The webhook sink against the suite for sinks: real PostgreSQL, a real receiver, each with what it does in between.

import ChannelProtocol
import Foundation
import GatewayTesting
import Postgres
import Sinks
import Synchronization
import Testing

@testable import Storage

@Suite(.serialized) struct WebhookSinkConformanceTests {
  @Test("the webhook sink conforms, on a real database and with a real receiver")
  func conforms() async throws {
    // Of each hundred two are not taken at first.
    try await HookReceiver.run(refusing: { number, isAgain in number % 50 == 0 && !isAgain }) { receiver in
      try await DatabaseLog.run { log in
        let now = log.clock.now()
        try await log.store.createWebhook(
          Webhook(id: log.clock.makeIdentifier(), url: receiver.url, createdAt: now), secret: Array(0..<32))
        var configuration = WebhookConfiguration()
        configuration.allow = ["loopback"]
        configuration.retry = [0.05, 0.05, 0.1]
        var fixtures = SinkFixtures(WebhookSink.self, configuration: configuration) { receiver.numbers }
        fixtures.log = log
        fixtures.deliveries = log
        fixtures.clock = log.clock
        // Each is a request of its own, and all of one conversation: one after the other.
        fixtures.burst = 1_500
        fixtures.patience = .seconds(60)
        #expect(try await SinkConformance(fixtures).violations() == [])
        // What was refused, or met a closed connection, has come again under the same id.
        #expect(receiver.refused.all.count > 40 && receiver.refused.open.isEmpty)
      }
    }
  }
}

/// The log of a real database, and the deliveries that are made of it.
private final class DatabaseLog: WrittenLog, DeliveryStore {
  let store: PostgresMessageStore
  let clock = SystemClock()
  private let failures = Mutex(0)

  private init(_ store: PostgresMessageStore) { self.store = store }

  static func run(_ body: (DatabaseLog) async throws -> Void) async throws {
    let database = try await ThrowawayDatabase.make()
    let store = PostgresMessageStore(
      configuration: database.configuration, context: ResourceContext(publicURL: "http://localhost", windows: [:]),
      logger: ThrowawayDatabase.silentLogger)
    try store.start()
    let result: Result<Void, any Error>
    do { result = .success(try await body(DatabaseLog(store))) } catch { result = .failure(error) }
    await store.close()
    try? await database.drop()
    try result.get()
  }

  // MARK: The log

  func append(_ count: Int) async throws -> [Event] {
    let before = try await store.bounds().newest
    try await script(
      """
      SELECT append_events(array_agg(gen_random_uuid()), array_agg('message.new'::text), array_agg(now()),
        array_agg('00000000-0000-7000-8000-000000000007'::uuid), array_agg(NULL::text), array_agg('{}'::text))
      FROM generate_series(1, \(count))
      """)
    return try await store.events(after: before, limit: count)
  }

  func fail(times: Int) { failures.withLock { $0 = times } }

  func setBack(to seq: Int64) async throws {
    let place = LogPosition(epoch: try await store.bounds().epoch, seq: try await store.bounds().newest)
    // As a restore brings it all back, the sink's own rows with the rest.
    try await script(
      """
      BEGIN;
      DELETE FROM events WHERE seq > \(seq);
      DELETE FROM deliveries WHERE seq > \(seq);
      SELECT setval('event_seq', \(seq));
      UPDATE consumer_cursors SET seq = \(seq);
      COMMIT
      """)
    #expect(try await store.examineLog(since: place).epoch != place.epoch)
  }

  private func script(_ sql: String) async throws { try await store.run { try $0.simple(sql) } }

  func events(after seq: Int64, limit: Int) async throws -> [Event] {
    try await store.events(after: seq, limit: limit)
  }
  func bounds() async throws -> EventLogBounds { try await store.bounds() }

  // MARK: Its deliveries

  struct Away: Error {}

  private func answer() throws {
    let fails = failures.withLock { failures in
      defer { failures = max(0, failures - 1) }
      return failures > 0
    }
    if fails { throw Away() }
  }

  func materialiseDeliveries(limit: Int) async throws -> MaterialisedDeliveries {
    try answer()
    return try await store.materialiseDeliveries(limit: limit)
  }
  func advanceReplays(limit: Int) async throws -> MaterialisedDeliveries {
    try await store.advanceReplays(limit: limit)
  }
  func leaseEndpoints(node: Identifier, lease: Duration) async throws -> [WebhookEndpoint] {
    try await store.leaseEndpoints(node: node, lease: lease)
  }
  func releaseEndpoints(node: Identifier) async throws { try await store.releaseEndpoints(node: node) }
  func loadDeliveries(_ demands: [DeliveryDemand], node: Identifier) async throws -> [DeliverySupply] {
    try answer()
    return try await store.loadDeliveries(demands, node: node)
  }
  func finishDeliveries(_ outcomes: [DeliveryOutcome], node: Identifier) async throws {
    try answer()
    try await store.finishDeliveries(outcomes, node: node)
  }
  func deliveryBacklog(node: Identifier) async throws -> [EndpointBacklog] {
    try await store.deliveryBacklog(node: node)
  }
}
