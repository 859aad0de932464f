// The yardstick: PostgreSQL's own benchmark inserts the same rows into the same schema, on the same server.

import BenchmarkSupport
import Foundation

/// The gateway writes a message, two events and a conversation for each webhook; so does this.
/// A database beside the gateway's, in the same cluster, with the same tables.
struct Pgbench {
  let socket: String
  let database: String
  let scripts: URL

  /// Copies the schema of the gateway's database.
  func prepare() throws {
    try psql("postgres", "CREATE DATABASE \(database) TEMPLATE template0 ENCODING 'UTF8'")
    let schema = try run("pg_dump", ["-h", socket, "-U", "postgres", "--schema-only", "postgres"])
    let file = scripts.deletingLastPathComponent().appending(path: ".build-schema.sql")
    try schema.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    try run("psql", ["-q", "-h", socket, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-f", file.path])
    try psql(database, "CREATE SEQUENCE bench_rows CACHE 1000")
    let contact = "01a20492-2c74-7a08-9f2a-1e991e70430d"
    try psql(database, "INSERT INTO contacts (id, created_at, updated_at) VALUES ('\(contact)', now(), now())")
    try psql(
      database,
      """
      INSERT INTO conversations
        (id, contact_id, channel, channel_type, address, line, last_activity_at, created_at, updated_at)
      SELECT ('01a204922c747f788' || lpad(to_hex(i), 15, '0'))::uuid, '\(contact)', 'sms', 'sms', '+1415' || 5000000 + i,
        '+15005550006', now(), now(), now() FROM generate_series(1, 5000) AS i
      """)
    try psql(database, "ANALYZE conversations")
  }

  func clear() throws { try psql(database, "TRUNCATE messages, events") }

  private func psql(_ database: String, _ sql: String) throws {
    try run("psql", ["-q", "-h", socket, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-c", sql])
  }

  /// A number of transactions, not of seconds: pgbench's clock is a signal, which a child of Foundation's does not get.
  /// - Parameter transactions: of each client.
  /// - Returns: messages inserted per second.
  func measure(script: String, clients: Int, transactions: Int, rowsPerTransaction: Int) throws -> Double {
    // pgbench takes what follows a colon for a variable, so the rows' JSON comes in as variables itself.
    let body = ["-D", "ready=0", "-D", "body=Message 12345: the quick brown fox, ok?"]
    let contents =
      try body
      + ["raw", "message", "conversation"].flatMap { name in
        let json = try String(contentsOf: scripts.appending(path: "\(name).json"), encoding: .utf8)
        return ["-D", "\(name)=\(json)"]
      }
    let text = try run(
      "pgbench",
      contents + [
        "-n", "-M", "prepared", "-c", "\(clients)", "-j", "2", "-t", "\(transactions)", "-h", socket, "-U", "postgres",
        "-f", scripts.appending(path: script).path, database,
      ])
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
      let rate = line.dropFirst(6).split(separator: " ").first.flatMap({ Double($0) })
    else { throw BenchmarkFailure("pgbench gave no rate") }
    return rate * Double(rowsPerTransaction)
  }
}
