// The sink against the suite that every sink is held to, and what is its own.

import FileSink
import Foundation
import GatewayTesting
import Testing

@Suite struct FileSinkTests {
  private struct Line: Decodable { var seq: Int64 }

  private static func numbers(in path: String) throws -> [Int64] {
    let lines = (FileManager.default.contents(atPath: path) ?? Data()).split(separator: UInt8(ascii: "\n"))
    // The last may be half-written at the moment.
    return lines.compactMap { try? JSONDecoder().decode(Line.self, from: Data($0)).seq }
  }

  private static func temporaryFile() -> String {
    FileManager.default.temporaryDirectory.appending(path: "file-sink-\(UUID().uuidString)").path
  }

  @Test("it conforms")
  func conforms() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var fixtures = SinkFixtures(FileSink.self, configuration: .init(path: path)) { try Self.numbers(in: path) }
    fixtures.burst = 3_000
    #expect(try await SinkConformance(fixtures).violations() == [])
  }

  @Test("half a line, as a crash leaves it, is cut off, and its event written again")
  func halfALine() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(#"{"seq":1,"ty"#.utf8).write(to: URL(filePath: path))
    var fixtures = SinkFixtures(FileSink.self, configuration: .init(path: path)) { try Self.numbers(in: path) }
    fixtures.burst = 600
    #expect(try await SinkConformance(fixtures).violations() == [])
    let lines = (FileManager.default.contents(atPath: path) ?? Data()).split(separator: UInt8(ascii: "\n"))
    #expect(try lines.map { try JSONDecoder().decode(Line.self, from: Data($0)).seq } == Self.numbers(in: path))
    #expect(try Self.numbers(in: path).first == 1)
  }

  @Test("a file that cannot be made ends the start")
  func badPath() async throws {
    let fixtures = SinkFixtures(FileSink.self, configuration: .init(path: "/nowhere/at/all")) { [] }
    await #expect(throws: (any Error).self) { try await SinkConformance(fixtures).violations() }
  }
}
