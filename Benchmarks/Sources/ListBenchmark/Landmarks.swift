// The rows of the archive that questions speak of, and the pages deep inside its lists.

import BenchmarkSupport
import Foundation

/// What stands for the names in braces of a question.
struct Landmarks {
  /// One value, or many, of which each request takes another.
  private var values: [String: [String]] = [:]
  private let client: KeepAliveClient
  /// Cursors by their list, which can only be had by walking: they are kept beside the archive.
  private var cursors: [String: String]
  private let file: URL

  init(_ archive: Archive, contacts: Int, client: KeepAliveClient, file: URL) throws {
    self.client = client
    self.file = file
    let kept = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    cursors = Dictionary(
      kept.split(separator: "\n").compactMap { line in
        let parts = line.split(separator: "\t")
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
      }, uniquingKeysWith: { $1 })
    func time(_ share: Double) -> String {
      """
      SELECT to_char((min(created_at) + (max(created_at) - min(created_at)) * \(share)) AT TIME ZONE 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM messages
      """
    }
    let busy = "SELECT id FROM contacts ORDER BY id LIMIT 1"
    for (name, query) in [
      ("busy", busy), ("busythread", "SELECT id FROM conversations WHERE contact_id = (\(busy)) LIMIT 1"),
      ("early", time(0.1)), ("past", time(0.33)), ("later", time(0.5)),
      ("person", "SELECT id FROM contacts ORDER BY md5(id::text) LIMIT 300"),
      ("thread", "SELECT id FROM conversations ORDER BY md5(id::text) LIMIT 300"),
      ("sid", "SELECT provider_sid FROM messages ORDER BY md5(id::text) LIMIT 1"),
      ("event", "SELECT max(seq) - (max(seq) - min(seq)) / 2 FROM events"),
      ("endpoint", "SELECT webhook_id FROM deliveries LIMIT 1"), ("bulk", "SELECT id FROM bulks LIMIT 1"),
      (
        "refuser",
        "SELECT h.contact_id FROM contact_channels h JOIN opt_outs o USING (address) ORDER BY md5(h.id::text) LIMIT 1"
      ),
    ] { values[name] = try archive.value(query).split(separator: "\n").map(String.init) }
    values["address"] = (0..<300).map { "\(1_4152000000 + 1 + ($0 * 7_919) % contacts)" }
  }

  /// The requests that a question stands for.
  mutating func paths(_ question: String) throws -> [String] {
    var paths = [question]
    while let open = paths[0].firstIndex(of: "{"), let close = paths[0][open...].firstIndex(of: "}") {
      let name = String(paths[0][paths[0].index(after: open)..<close])
      if let rows = Int(name) {
        let list = String(paths[0][..<open]).replacing("&cursor=", with: "").replacing("cursor=", with: "")
        let cursor = try cursor(behind: rows, of: list)
        paths = paths.map { $0.replacing("{\(name)}", with: cursor) }
      } else {
        guard let values = values[name], !values.isEmpty else {
          throw BenchmarkFailure("the archive has nothing for {\(name)}")
        }
        let path = paths[0]
        paths = values.map { path.replacing("{\(name)}", with: $0) }
      }
    }
    return paths
  }

  /// What a client has that has come so far.
  private mutating func cursor(behind rows: Int, of list: String) throws -> String {
    let key = "\(list) \(rows)"
    if let kept = cursors[key] { return kept }
    let name = Array("\"nextCursor\":\"".utf8)
    let separator = list.contains("?") ? (list.hasSuffix("?") ? "" : "&") : "?"
    var cursor = ""
    let limit = min(rows, 200)
    for _ in 0..<rows / limit {
      let body = try client.get("\(list)\(separator)limit=\(limit)" + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
      // It is the last member.
      guard let place = body.ranges(of: name).last else { break }
      cursor = String(decoding: body[place.upperBound...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
    // A smaller archive is walked as far as it goes.
    if cursor.isEmpty { throw BenchmarkFailure("\(list) has one page") }
    cursors[key] = cursor
    let lines = cursors.map { "\($0.key)\t\($0.value)\n" }.joined()
    try lines.write(to: file, atomically: true, encoding: .utf8)
    return cursor
  }
}
