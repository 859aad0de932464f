// The reference payloads under Tests/Fixtures/twilio.

import ChannelProtocol
import Foundation

enum Fixtures {
  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/twilio")

  static func json(_ name: String) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: folder.appending(path: name)))
  }

  /// The fields of a webhook payload, sorted by name: Twilio documents no order.
  static func fields(_ name: String) throws -> [(name: String, value: String)] {
    try (json(name).objectValue ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value.stringValue ?? "") }
  }

  /// The entries of `index.json` of one kind.
  static func index(kind: String) throws -> [JSONValue] {
    try (json("index.json")["fixtures"]?.arrayValue ?? []).filter { $0["kind"]?.stringValue == kind }
  }
}

extension JSONValue {
  init(_ payload: RawPayload) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: Data(payload.json))
  }
}
