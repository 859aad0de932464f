// The yardstick: PostgreSQL's own benchmark inserts the same rows into the same schema, on the same server.

import Foundation

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
    let contents = try ["raw", "message", "conversation"].flatMap { name in
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
