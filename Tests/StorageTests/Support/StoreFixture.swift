// Stores on a database of the test's own, and eyes of the test's own on that database.

import ChannelProtocol
import Foundation
import GatewayTesting
import Postgres
import Synchronization
import Testing

@testable import Storage

/// Several stores on one database stand for several nodes.
struct StoreFixture: Sendable {
  let database: ThrowawayDatabase
  let clock: ManualClock
  let stores: [PostgresMessageStore]
  /// The test's own session.
  let probe: SessionPool

  var store: PostgresMessageStore { stores[0] }
  static let deadline = Duration.seconds(20)

  /// Runs `body`, looks for rows that belong to nothing, and takes everything down.
  static func run(
    stores count: Int = 1, sessions: Int = 2, maximumBatch: Int? = nil,
    configure: (inout PostgresConfiguration) -> Void = { _ in },
    openSecret: @escaping @Sendable ([UInt8]) -> [UInt8]? = { $0 },
    _ body: (StoreFixture) async throws -> Void
  ) async throws {
    let database = try await ThrowawayDatabase.make()
    let clock = ManualClock(SystemClock().now(), tick: .microseconds(1))
    var configuration = database.configuration
    configure(&configuration)
    var options = PostgresMessageStore.Options()
    options.sessions = sessions
    if let maximumBatch { options.maximumBatch = maximumBatch }
    let probe = SessionPool(
      configuration: database.configuration, size: 1, queueLimit: 1_024, logger: ThrowawayDatabase.silentLogger)
    try probe.start()
    let stores = try (0..<count).map { _ in
      let store = PostgresMessageStore(
        configuration: configuration,
        context: ResourceContext(
          publicURL: "https://gateway.example", windows: [.whatsapp: .seconds(86_400)],
          channelTypes: ["sms": .sms, "whatsapp": .whatsapp],
          explain: { code in
            switch code {
            case "30003":
              ErrorExplanation(message: "Unreachable", explanation: "The handset is off.", isRetryable: true)
            case "21610":
              ErrorExplanation(message: "Opted out", explanation: nil, isRetryable: false, isOptOut: true)
            default: nil
            }
          }),
        options: options, clock: clock, openSecret: openSecret, logger: ThrowawayDatabase.silentLogger)
      try store.start()
      return store
    }
    let fixture = StoreFixture(database: database, clock: clock, stores: stores, probe: probe)
    let result: Result<Void, any Error>
    do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
    if case .success = result {
      let orphans = try await fixture.orphans()
      #expect(orphans.isEmpty, "rows that belong to nothing: \(orphans)")
    }
    for store in stores { await store.close() }
    await probe.close(grace: .milliseconds(100))
    try? await database.drop()
    try result.get()
  }

  // MARK: Looking

  private static let names = Atomic<Int>(0)

  /// Runs a query on the test's session.
  func rows(_ sql: String) async throws -> Rows {
    let name = "probe_\(Self.names.wrappingAdd(1, ordering: .relaxed).newValue)"
    return try await probe.run(deadline: .seconds(60)) { try $0.execute(Statement(name, sql)) }
  }

  /// The only number of a query's answer.
  func number(_ sql: String) async throws -> Int {
    Int(try await rows("SELECT (\(sql))::int8").single().int8(0))
  }

  func texts(_ sql: String) async throws -> [String] {
    try await rows("SELECT t::text FROM (\(sql)) AS q(t)").map { try $0.text(0) }
  }

  /// Runs a script on the test's session.
  func script(_ sql: String) async throws {
    try await probe.run(deadline: .seconds(60)) { try $0.simple(sql) }
  }

  /// The whole log.
  func events() async throws -> [Event] {
    var events: [Event] = []
    while true {
      let page = try await store.events(after: events.last?.seq ?? 0, limit: 1_000)
      if page.isEmpty { return events }
      events += page
    }
  }

  func events(_ type: EventType) async throws -> [Event] {
    try await events().filter { $0.type == type }
  }

  /// Rows whose owner is not there, by what they are: none, if the store keeps its word without foreign keys.
  func orphans() async throws -> [String: Int] {
    let checks = [
      "messages": """
      SELECT count(*) FROM messages m WHERE NOT EXISTS (
        SELECT FROM conversations v WHERE v.id = m.conversation_id AND v.contact_id = m.contact_id)
      """,
      "media": """
      SELECT count(*) FROM media f
      WHERE f.message_id IS NOT NULL AND NOT EXISTS (SELECT FROM messages m WHERE m.id = f.message_id)
      """,
      "status_events": """
      SELECT count(*) FROM status_events s WHERE NOT EXISTS (SELECT FROM messages m WHERE m.id = s.message_id)
      """,
      "outbox": "SELECT count(*) FROM outbox o WHERE NOT EXISTS (SELECT FROM messages m WHERE m.id = o.message_id)",
      "last messages": """
      SELECT count(*) FROM conversations v WHERE last_message_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM messages m WHERE m.id = v.last_message_id AND m.conversation_id = v.id)
      """,
      "outbox of sent messages": """
      SELECT count(*) FROM outbox o JOIN messages m ON m.id = o.message_id WHERE m.provider_sid IS NOT NULL
      """,
      "addresses in contacts' rows": """
      SELECT count(*) FROM contacts c CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(DISTINCT h.type), '{}') AS types,
          coalesce(string_agg(h.address, E'\\x01' ORDER BY h.id), '') AS addresses
        FROM contact_channels h WHERE h.contact_id = c.id) h
      WHERE (c.types, c.addresses) IS DISTINCT FROM (h.types, h.addresses)
      """,
    ]
    var found: [String: Int] = [:]
    for (name, sql) in checks {
      let count = try await number(sql)
      if count > 0 { found[name] = count }
    }
    return found
  }
}

extension Event {
  /// The event's resource.
  var json: JSONValue { get throws { try JSONDecoder().decode(JSONValue.self, from: Data(data)) } }
}

/// What the work fails with; nil if it does not.
func failure<Value>(of work: () async throws -> Value) async -> PostgresError? {
  do { _ = try await work() } catch { return error as? PostgresError }
  return nil
}
