// The sink against the suite that every sink is held to, and what is its own.

import FileSink
import Foundation
import GatewayTesting
import Testing

@Suite struct FileSinkTests {
  private struct Line: Decodable {
    var epoch: String
    var seq: Int64
    var type: String
  }

  private static func lines(in path: String) -> [Line] {
    let lines = (FileManager.default.contents(atPath: path) ?? Data()).split(separator: UInt8(ascii: "\n"))
    // The last may be half-written at the moment.
    return lines.compactMap { try? JSONDecoder().decode(Line.self, from: Data($0)) }
  }

  private static func numbers(in path: String) -> [Int64] { lines(in: path).map(\.seq) }

  private static func temporaryFile() -> String {
    FileManager.default.temporaryDirectory.appending(path: "file-sink-\(UUID().uuidString)").path
  }

  @Test("it conforms")
  func conforms() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var fixtures = SinkFixtures(FileSink.self, configuration: .init(path: path)) { Self.numbers(in: path) }
    fixtures.burst = 3_000
    #expect(try await SinkConformance(fixtures).violations() == [])
  }

  @Test(
    "of each log that there was, the file has every event under the log's own epoch, from the beginning and in order")
  func epochs() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var fixtures = SinkFixtures(FileSink.self, configuration: .init(path: path)) { Self.numbers(in: path) }
    fixtures.burst = 600
    // Its log is restored twice: to event 40 while the sink runs, and to event 20 while it does not.
    #expect(try await SinkConformance(fixtures).violations() == [])
    var numbers: [String: [Int64]] = [:]
    var order: [String] = []
    for line in Self.lines(in: path) {
      if numbers[line.epoch, default: []].isEmpty { order.append(line.epoch) }
      if numbers[line.epoch]?.last != line.seq { numbers[line.epoch, default: []].append(line.seq) }
      #expect(line.type == "message.new")
    }
    let counts: [Int64] = order.compactMap { numbers[$0]?.last }
    #expect(counts.count == 3 && counts[0] > 600 && counts[1...] == [100, 80])
    for (epoch, count) in zip(order, counts) { #expect(numbers[epoch] == Array(1...count)) }
  }

  @Test("a file that is not this sink's is not added to")
  func strangersFile() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("{\"epoch\":\"none\",\"seq\":1}\n".utf8).write(to: URL(filePath: path))
    var fixtures = SinkFixtures(FileSink.self, configuration: .init(path: path)) {
      Array(Self.numbers(in: path).dropFirst())
    }
    fixtures.patience = .milliseconds(300)
    #expect(try await SinkConformance(fixtures).violations() == ["loss: nothing comes out"])
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "{\"epoch\":\"none\",\"seq\":1}\n")
  }

  @Test("behind the lines of an older version, which named no epoch, the log is written from its beginning")
  func olderVersion() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("{\"seq\":7,\"type\":\"message.new\"}\n".utf8).write(to: URL(filePath: path))
    var fixtures = SinkFixtures(FileSink.self, configuration: .init(path: path)) { Self.numbers(in: path) }
    fixtures.burst = 600
    #expect(try await SinkConformance(fixtures).violations() == [])
    #expect(Self.numbers(in: path).first == 1)
  }

  @Test("half a line, as a crash leaves it, is cut off, and its event written again")
  func halfALine() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(#"{"epoch":"0190-"#.utf8).write(to: URL(filePath: path))
    var fixtures = SinkFixtures(FileSink.self, configuration: .init(path: path)) { Self.numbers(in: path) }
    fixtures.burst = 600
    #expect(try await SinkConformance(fixtures).violations() == [])
    let lines = (FileManager.default.contents(atPath: path) ?? Data()).split(separator: UInt8(ascii: "\n"))
    #expect(try lines.map { try JSONDecoder().decode(Line.self, from: Data($0)).seq } == Self.numbers(in: path))
    #expect(Self.numbers(in: path).first == 1)
  }

  @Test("a file that cannot be made ends the start")
  func badPath() async throws {
    let fixtures = SinkFixtures(FileSink.self, configuration: .init(path: "/nowhere/at/all")) { [] }
    await #expect(throws: (any Error).self) { try await SinkConformance(fixtures).violations() }
  }
}
