// What is in the database: years of an ordinary inbox, written by sets.

import BenchmarkSupport
import Foundation

/// Fills the gateway's own database through its socket.
struct Archive {
  let socket: String
  let messages: Int
  let contacts: Int

  /// A message every 26 seconds, six in ten inbound; one contact has a fiftieth of all. Words are drawn from sixty, and
  /// some are rare: one in a hundred, one in a thousand, seven in all, and a campaign of old that was the same text to a
  /// twentieth. Beside them half as many events, each with a delivery, and what else the API lists.
  func load() throws {
    for script in ["archive.sql", "archive-beside.sql"] {
      try run(
        "psql",
        [
          "-q", "-h", socket, "-U", "postgres", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-v", "messages=\(messages)",
          "-v", "contacts=\(contacts)", "-c", "SET session_replication_role = replica", "-f", path(of: script),
        ])
    }
  }

  private func path(of script: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: script).path
  }

  /// A query's answer, a row to a line.
  func value(_ sql: String) throws -> String {
    try run("psql", ["-qAt", "-h", socket, "-U", "postgres", "-d", "postgres", "-c", sql])
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
