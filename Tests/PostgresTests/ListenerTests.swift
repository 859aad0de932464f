// Hints, and what follows a lost connection.

import Testing

@testable import Postgres

@Suite("Listener", .timeLimit(.minutes(1)))
struct ListenerTests {
  @Test("notifications arrive, and LISTEN is repeated after the backend was terminated")
  func reconnects() async throws {
    let channel = "wild \"channel\" " + PostgresFixture.uniqueName("c")
    var configuration = try await PostgresFixture.configuration()
    configuration.applicationName = PostgresFixture.uniqueName("listener")
    let name = configuration.applicationName
    let listener = Listener(configuration: configuration, channels: [channel, "other"], logger: PostgresFixture.logger)
    try listener.start()
    var signals = listener.signals.makeAsyncIterator()
    #expect(await signals.next() == .listening)

    try await Self.notify(channel, "first")
    #expect(await signals.next() == .notification(channel: channel, payload: "first"))

    try await PostgresFixture.script(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '\(name)'")
    #expect(await signals.next() == .listening)
    try await Self.notify("other", "")
    #expect(await signals.next() == .notification(channel: "other", payload: ""))

    listener.close()
    #expect(await signals.next() == nil)
  }

  @Test("a silent connection is asked whether it lives, and goes on")
  func heartbeat() async throws {
    var configuration = try await PostgresFixture.configuration()
    configuration.applicationName = PostgresFixture.uniqueName("listener")
    let name = configuration.applicationName
    let listener = Listener(
      configuration: configuration, channels: ["beat"], heartbeat: .milliseconds(20), logger: PostgresFixture.logger)
    try listener.start()
    var signals = listener.signals.makeAsyncIterator()
    #expect(await signals.next() == .listening)
    #expect(
      try await eventually {
        try await PostgresFixture.withConnection { connection in
          let sql = "SELECT FROM pg_stat_activity WHERE application_name = '\(name)' AND query = 'SELECT 1'"
          return try connection.execute(Statement("beat", sql)).count == 1
        }
      })
    try await Self.notify("beat", "still here")
    #expect(await signals.next() == .notification(channel: "beat", payload: "still here"))
    listener.close()
  }

  private static func notify(_ channel: String, _ payload: String) async throws {
    try await PostgresFixture.withConnection { connection in
      var parameters = Parameters()
      parameters.text(channel)
      parameters.text(payload)
      try connection.execute(Statement("notify", "SELECT pg_notify($1, $2)"), parameters)
      return ()
    }
  }
}
