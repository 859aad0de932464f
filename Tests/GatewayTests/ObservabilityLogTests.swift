// Log lines: their form, what they hide, and that nobody waits for them.

import ChannelProtocol
import Foundation
import Logging
import Testing

@testable import Gateway

/// A pipe whose reader the test is.
private final class LogPipe {
  let writer: LogWriter
  private var reading: Int32
  private let writing: Int32

  init(limit: Int = 4 << 20) throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    reading = ends[0]
    writing = ends[1]
    writer = LogWriter(descriptor: writing, limit: limit)
  }

  deinit {
    breakReading()
    writer.close()
    _ = writer.flush(within: .seconds(5))
    close(writing)
  }

  /// As a reader that goes away.
  func breakReading() {
    if reading >= 0 { close(reading) }
    reading = -1
  }

  func read(_ count: Int = 65_536) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = Glibc.read(reading, &bytes, count)
    return Array(bytes.prefix(max(0, got)))
  }

  func line() -> String {
    _ = writer.flush(within: .seconds(5))
    return String(decoding: read(), as: UTF8.self)
  }
}

private struct FixedClock: WallClock {
  func now() -> Timestamp { Timestamp(microseconds: 1_700_000_000_123_456) }
}

private struct Broken: Error, CustomStringConvertible {
  let description = "broken \"pipe\""
}

@Suite("Log")
struct ObservabilityLogTests {
  private func logger(_ pipe: LogPipe, level: Logger.Level = .info, format: LogFormat = .json) -> Logger {
    Logger(label: "fractal.test") {
      JSONLogHandler(label: $0, level: level, format: format, writer: pipe.writer, clock: FixedClock())
    }
  }

  @Test("a record is one line of JSON, metadata beside it")
  func json() throws {
    let pipe = try LogPipe()
    var logger = logger(pipe)
    logger[metadataKey: "node"] = "a"
    logger.info(
      "two\nlines \u{1B}[31m\"",
      metadata: [
        "count": .stringConvertible(3), "list": ["x", .stringConvertible(true)], "message": "taken", "node": "b",
        "error": "words",
      ])
    #expect(
      pipe.line() == #"{"time":"2023-11-14T22:13:20.123Z","level":"info","label":"fractal.test","#
        + #""message":"two\nlines \u001b[31m\"","count":3,"error":"words","list":["x",true],"_message":"taken","#
        + #""node":"b"}"# + "\n")
  }

  @Test("an error stands in the record with its type")
  func error() throws {
    let pipe = try LogPipe()
    logger(pipe).error("it failed", error: Broken())
    let line = pipe.line()
    #expect(line.contains(#""error":"broken \"pipe\"","errorType":""#))
    #expect(line.contains("Broken"))
  }

  @Test("text for a terminal is one line that cannot steer it")
  func text() throws {
    let pipe = try LogPipe()
    logger(pipe, format: .text).warning(
      "two\nlines \u{1B}[31m\u{9B}", metadata: ["name": "O \"B\"", "n": "1", "map": ["token": "t"]])
    #expect(
      pipe.line() == "2023-11-14T22:13:20.123Z WARNING  fractal.test: two\\nlines \\u{1b}[31m\\u{9b} "
        + "map={\"token\":\"[redacted]\"} n=1 name=\"O \\\"B\\\"\"\n")
  }

  @Test(
    "people's addresses and texts are hidden above debug, secrets always",
    arguments: [
      ("from", Logger.Level.info, true), ("to", .critical, true), ("Body", .notice, true), ("phone", .info, true),
      ("contactPhoneNumber", .info, true), ("from", .debug, false), ("body", .trace, false),
      ("token", .trace, true), ("authToken", .debug, true), ("Authorization", .debug, true),
      ("webhook-secret", .trace, true), ("API_KEY", .trace, true), ("segment", .info, false), ("total", .info, false),
    ])
  func redaction(key: String, level: Logger.Level, isHidden: Bool) throws {
    let pipe = try LogPipe()
    logger(pipe, level: .trace).log(level: level, "m", metadata: ["outer": [key: "+15005550006"]])
    let line = pipe.line()
    #expect(line.contains("+15005550006") == !isHidden)
    #expect(line.contains("[redacted]") == isHidden)
  }

  @Test("a blocked pipe blocks nobody: lines are dropped and counted, and the rest comes when it is read")
  func blocked() throws {
    let pipe = try LogPipe(limit: 200_000)
    let line = [UInt8](repeating: UInt8(ascii: "x"), count: 999) + [UInt8(ascii: "\n")]
    let start = ContinuousClock.now
    for _ in 0..<1_000 { pipe.writer.write(line) }
    #expect(ContinuousClock.now - start < .seconds(2))
    #expect(!pipe.writer.flush(within: .milliseconds(10)))
    let kept = 1_000 - pipe.writer.dropped
    #expect((150...300).contains(kept))
    var received = 0
    while received < kept * 1_000 {
      let part = pipe.read()
      try #require(!part.isEmpty)
      received += part.count
    }
    #expect(received == kept * 1_000)
    #expect(pipe.writer.flush(within: .seconds(5)))
    #expect(pipe.writer.write(line))
  }

  @Test("a reader that has gone away does not end the process, and its lines are counted")
  func broken() throws {
    let pipe = try LogPipe()
    pipe.breakReading()
    logger(pipe).info("nobody hears this")
    #expect(pipe.writer.flush(within: .seconds(5)))
    #expect(pipe.writer.dropped == 1)
    let registry = PrometheusRegistry()
    pipe.writer.measure(in: registry)
    let text = String(decoding: registry.exposition(), as: UTF8.self)
    #expect(text.contains("fractal_log_dropped_total{stream=\"stderr\"} 1\n"))
  }

  @Test("lines of many tasks come out whole")
  func concurrent() async throws {
    let pipe = try LogPipe()
    let logger = logger(pipe)
    await withTaskGroup { group in
      for task in 0..<4 {
        group.addTask { for number in 0..<50 { logger.info("m", metadata: ["n": "\(task)-\(number)"]) } }
      }
    }
    let lines = pipe.line().split(separator: "\n")
    #expect(lines.count == 200)
    #expect(lines.allSatisfy { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) != nil })
  }

  @Test("level and format come from the environment; what is not understood is said")
  func settings() {
    let standard = LogSettings(environment: [:], isTerminal: false)
    #expect(standard.level == .info && standard.format == .json && standard.problems.isEmpty)
    #expect(LogSettings(environment: [:], isTerminal: true).format == .text)
    let chosen = LogSettings(environment: ["LOG_LEVEL": "WARN", "LOG_FORMAT": "json"], isTerminal: true)
    #expect(chosen.level == .warning && chosen.format == .json)
    let wrong = LogSettings(environment: ["LOG_LEVEL": "loud", "LOG_FORMAT": "xml"], isTerminal: false)
    #expect(wrong.level == .info && wrong.format == .json)
    #expect(wrong.problems.count == 2)
  }

  @Test("a second bootstrap does nothing")
  func bootstrap() {
    LogBootstrap.bootstrapOnce(environment: ProcessInfo.processInfo.environment)
    #expect(!LogBootstrap.bootstrapOnce(environment: [:]))
  }
}
