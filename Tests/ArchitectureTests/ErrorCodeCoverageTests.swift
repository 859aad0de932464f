// Every code that an error of the API may have is named by a test.

import Foundation
import Testing

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

private func text(under folder: String, _ types: Set<String>) throws -> [(name: String, text: String)] {
  let walk = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
  return try (walk?.allObjects as? [URL] ?? []).filter { types.contains($0.pathExtension) }.map {
    ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8))
  }
}

@Suite("Error codes")
struct ErrorCodeCoverageTests {
  /// The API's own page names these; no source has to write them in one of the forms below.
  private static let promised: Set<String> = [
    "opted_out", "outside_window", "expired", "unknown_outcome", "unsupported_content", "recipient_opted_out",
    "unknown_channel", "ambiguous_channel", "blocked_address",
  ]

  /// How a code is written where a problem is made.
  private static var forms: [Regex<(Substring, Substring)>] {
    [
      /Problem\(\s*[a-zA-Z.]+(?:\([^)]*\))?,\s*"([a-z_]+)"/, /self\.init\(\s*\.[a-zA-Z]+,\s*"([a-z_]+)"/,
      /status: [0-9]+, code: "([a-z_]+)"/, /\.conflict\("([a-z_]+)"/,
    ]
  }

  private static func codes() throws -> Set<String> {
    var codes = promised
    for folder in ["Sources/Gateway", "Sources/Sinks"] {
      for (_, text) in try text(under: folder, ["swift"]) {
        for form in forms { codes.formUnion(text.matches(of: form).map { String($0.output.1) }) }
      }
    }
    return codes
  }

  @Test("each code that the sources can answer is named by a test of the gateway's, the sinks' or the interop suite")
  func everyCodeIsNamed() throws {
    let codes = try Self.codes()
    #expect(codes.count > 40 && codes.contains("internal_error") && codes.contains("too_many_waiting"))
    var tests = ""
    for folder in ["Tests/GatewayTests", "Tests/SinksTests", "Tests/Interop"] {
      tests += try text(under: folder, ["swift", "py"]).map(\.text).joined()
    }
    let unnamed = codes.filter { !tests.contains("\"\($0)\"") }.sorted()
    #expect(unnamed == [], "no test names these codes")
  }
}
