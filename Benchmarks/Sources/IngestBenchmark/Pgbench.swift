// The yardstick: PostgreSQL's own benchmark inserts the same rows into the same schema, on the same server.

import BenchmarkSupport
import Foundation

/// One way of writing the rows: over one connection, as the gateway's lane has one, or over more.
struct Yardstick {
  var name: String
  var script: String
  /// To a transaction.
  var rows = 1
  var clients: Int
  /// Of each client.
  var transactions: Int
  /// With the planner's settings that the gateway's sessions have.
  var plansAsGateway = true
}

/// The gateway writes a message, two events and a conversation for each webhook; so does this.
/// A database beside the gateway's, in the same cluster, with the same tables.
struct Pgbench {
  let socket: String
  let database: String
  let scripts: URL
  /// As many write to the gateway. The scripts know this number, too.
  static let contacts = 5_000

  /// The gateway's sessions have these, too: its statements look rows up in indexes.
  private static let settings = [
    "plan_cache_mode=force_generic_plan", "jit=off", "enable_seqscan=off", "enable_hashjoin=off",
    "enable_mergejoin=off",
    "max_parallel_workers_per_gather=0",
  ]

  /// Copies the schema of the gateway's database.
  func prepare() throws {
    try psql("postgres", "CREATE DATABASE \(database) TEMPLATE template0 ENCODING 'UTF8'")
    let schema = try run("pg_dump", ["-h", socket, "-U", "postgres", "--schema-only", "postgres"])
    let file = scripts.deletingLastPathComponent().appending(path: ".build-schema.sql")
    try schema.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    try run("psql", ["-q", "-h", socket, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-f", file.path])
    try psql(database, "CREATE SEQUENCE bench_rows CACHE 1000")
    // As many contacts with a conversation each as write to the gateway.
    try psql(
      database,
      """
      INSERT INTO contacts (id, created_at, updated_at)
      SELECT ('01a204922c747a088' || lpad(to_hex(i), 15, '0'))::uuid, now(), now() FROM generate_series(1, \(Self.contacts)) AS i
      """)
  }

  /// Leaves `rows` messages with their events in the tables, at most a million: about as many as the gateway has at that
  /// moment, and conversations that were moved as often. An index of an empty table costs less to write to, one of a
  /// table that was written to for longer more.
  func refill(rows: Int) throws {
    let rows = min(rows, 1_000_000)
    // From the first number again: nobody makes further partitions here.
    try psql(database, "TRUNCATE messages, events, conversations CASCADE; ALTER SEQUENCE event_seq RESTART")
    try psql(
      database,
      """
      INSERT INTO conversations
        (id, contact_id, channel, channel_type, address, line, last_activity_at, created_at, updated_at)
      SELECT ('01a204922c747f788' || lpad(to_hex(i), 15, '0'))::uuid, ('01a204922c747a088' || lpad(to_hex(i), 15, '0'))::uuid,
        'sms', 'sms', '+1415' || 5000000 + i, '+15005550006', now(), now(), now() FROM generate_series(1, \(Self.contacts)) AS i
      """)
    try psql(database, "ANALYZE conversations")
    _ = try measure(
      Yardstick(name: "refill", script: "batch256.sql", rows: 256, clients: 4, transactions: max(rows / 256 / 4, 1)))
  }

  /// - Returns: the rows, without a head.
  @discardableResult
  func psql(_ database: String, _ sql: String) throws -> String {
    try run(
      "psql", ["-q", "-A", "-t", "-h", socket, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-c", sql])
  }

  /// A number of transactions, not of seconds: pgbench's clock is a signal, which a child of Foundation's does not get.
  /// - Returns: messages inserted per second.
  func measure(_ yardstick: Yardstick) throws -> Double {
    // pgbench takes what follows a colon for a variable, so the rows' JSON comes in as variables itself.
    let body = ["-D", "ready=0", "-D", "body=Message 12345: the quick brown fox, ok?"]
    let contents =
      try body
      + ["raw", "message", "conversation"].flatMap { name in
        let json = try String(contentsOf: scripts.appending(path: "\(name).json"), encoding: .utf8)
        return ["-D", "\(name)=\(json)"]
      }
    // Each client's own conversations, as long as a transaction finds 256 different ones among them.
    let apart = yardstick.clients * yardstick.rows <= Self.contacts ? yardstick.clients : 1
    let settings = yardstick.plansAsGateway ? Self.settings.map { "-c \($0)" }.joined(separator: " ") : ""
    let text = try run(
      "pgbench",
      contents + [
        "-D", "apart=\(apart)", "-n", "-M", "prepared", "-c", "\(yardstick.clients)", "-j", "2",
        "-t", "\(yardstick.transactions)", "-h", socket, "-U", "postgres",
        "-f", scripts.appending(path: yardstick.script).path, "dbname=\(database) options='\(settings)'",
      ])
    // It counts them, goes on, and leaves them out of its rate.
    guard text.contains("number of failed transactions: 0 ") else {
      throw BenchmarkFailure("pgbench had transactions that failed")
    }
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
      let rate = line.dropFirst(6).split(separator: " ").first.flatMap({ Double($0) })
    else { throw BenchmarkFailure("pgbench gave no rate") }
    return rate * Double(yardstick.rows)
  }
}
