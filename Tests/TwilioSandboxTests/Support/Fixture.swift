// The shared Twilio fixtures, as JSON values.

import Foundation

@testable import TwilioSandbox

/// Files under `Tests/Fixtures/twilio`.
enum Fixture {
  static let testsDirectory = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let directory = testsDirectory.appending(path: "Fixtures/twilio")
  /// Twilio's own description lies beside the package, not in it.
  static let openAPI = testsDirectory.deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "shared/twilio/openapi/twilio_api_v2010.messaging.json")

  static func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: Data(contentsOf: directory.appending(path: name + ".json")))
  }

  /// A webhook's form.
  static func form(_ name: String) throws -> [String: String] {
    try strings(json(name))
  }

  static func strings(_ json: JSONValue) -> [String: String] {
    Dictionary((json.members ?? []).map { ($0.name, $0.value.string ?? "") }, uniquingKeysWith: { first, _ in first })
  }

  static func names(startingWith prefix: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path)
      .filter { $0.hasPrefix(prefix) && $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
  }
}

extension FormFields {
  /// For comparisons.
  var dictionary: [String: String] {
    Dictionary(fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  init(_ pairs: KeyValuePairs<String, String>) {
    self.init(pairs.map { Field(name: $0.key, value: $0.value) })
  }
}
