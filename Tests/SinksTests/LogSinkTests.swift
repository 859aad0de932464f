// The log sink: what a line holds, and that nothing it writes to can hold the gateway.

import ChannelProtocol
import Foundation
import GatewayTesting
import Testing

@testable import Sinks

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("log sink")
struct LogSinkTests {
  private let data =
    #"{"id":"m1","from":"+14155550123","body":"private \u0022text","status":"delivered","#
    + #""media":[{"id":"no"}]}"#

  private func temporaryFile() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("log-sink-\(UUID().uuidString)").path
  }

  private func lines(_ path: String) -> [String] {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
      .split(separator: "\n").map(String.init)
  }

  @Test("a summary holds ids and status, no text and no address")
  func summary() {
    var event = WebhookFixtures.event(4, conversation: 2, data: data)
    event.at = Timestamp(seconds: 1)
    let line = String(decoding: LogLine.encode([EncodedEvent(event)], fields: .summary), as: UTF8.self)
    let expected =
      #"{"seq":4,"id":"00000000-0000-7000-0000-000000000004","type":"message.new","at":"1970-01-01T00:00:01.000Z","#
      + #""conversationId":"00000000-0000-0009-0000-000000000002","messageId":"m1","status":"delivered","#
      + #""channel":"sms"}"#
    #expect(line == expected + "\n")
  }

  @Test("when its file is moved away, it goes on in a new one under its path, and no line is lost")
  func rotation() async throws {
    let path = temporaryFile()
    defer { for name in [path, path + ".1"] { try? FileManager.default.removeItem(atPath: name) } }
    let writer = LineWriter(descriptor: LineOutput.open(path), closesDescriptor: true, path: path)
    writer.start()
    var count = 0
    func writeOne() {
      count += 1
      writer.add(Array("\(count)\n".utf8))
    }
    writeOne()
    #expect(await eventually { !lines(path).isEmpty })
    try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
    let isReopened = await eventually(within: .seconds(20)) {
      writeOne()
      return !lines(path).isEmpty
    }
    await writer.stop(grace: .seconds(5))
    #expect(isReopened)
    #expect(lines(path + ".1") + lines(path) == (1...count).map(String.init))
  }

  @Test(
    "what is no message has no messageId, and data of another shape harms nothing",
    arguments: [
      #"{"id":"c1","status":"archived"}"#, "{}", #"{"id":null,"status":5}"#, #"{"id":{"body":"secret"}}"#,
      #" { "id" : "c1" , "status" : null } "#, #"{"a":[{"status":"secret"},"]","\"]"],"b":-1.5e3,"c":true}"#,
      #"{"\"status":"secret","status\\":"secret"}"#,
    ])
  func otherData(data: String) throws {
    var event = WebhookFixtures.event(1, data: data)
    event.type = .conversationUpdated
    let line = LogLine.encode([EncodedEvent(event)], fields: .summary)
    let value = try JSONDecoder().decode(JSONValue.self, from: Data(line))
    #expect(value["messageId"] == .null)
    #expect(!String(decoding: line, as: UTF8.self).contains("secret"))
  }

  @Test(
    "fields are selected and blotted out by their names, through objects and arrays",
    arguments: [
      ([], [], #"{"seq":4,"data":{"id":"m1","body":"private","media":[{"url":"u","size":1}]}}"#),
      (["seq"], [], #"{"seq":4}"#),
      (["seq", "data.id"], [], #"{"seq":4,"data":{"id":"m1"}}"#),
      (["data.media.size"], [], #"{"data":{"media":[{"size":1}]}}"#),
      (["data"], ["data.body"], #"{"data":{"id":"m1","body":"[redacted]","media":[{"url":"u","size":1}]}}"#),
      (
        [], ["data.media.url", "data.none"],
        #"{"seq":4,"data":{"id":"m1","body":"private","media":[{"url":"[redacted]","size":1}]}}"#
      ),
      ([], ["data"], #"{"seq":4,"data":"[redacted]"}"#),
      (["seq"], ["data.body"], #"{"seq":4}"#),
      (["seq.deep"], [], #"{"seq":null}"#),
    ])
  func fields(selected: [String], redacted: [String], line: String) {
    let json = #"{"seq":4,"data":{"id":"m1","body":"private","media":[{"url":"u","size":1}]}}"#
    let kept = LogFields(selected: selected, redacted: redacted).apply(to: Array(json.utf8))
    #expect(String(decoding: kept, as: UTF8.self) == line)
  }

  @Test("what is no field's name is found when the configuration is read")
  func badField() {
    let text = Data(#"{"fields":"full","redact":["data..body"]}"#.utf8)
    #expect(throws: ConfigurationProblems.self) { try JSONDecoder().decode(LogSinkConfiguration.self, from: text) }
  }

  @Test("lines of several events come in one piece, whole or with the fields that were asked for")
  func batch() {
    let events = (1...3).map { EncodedEvent(WebhookFixtures.event($0, data: data)) }
    let whole = String(decoding: LogLine.encode(events, fields: .full), as: UTF8.self)
    #expect(whole == events.map { String(decoding: $0.json, as: UTF8.self) + "\n" }.joined())
    let kept = LogFields(selected: ["seq", "data.status"])
    let some = String(decoding: LogLine.encode(events, fields: .full, kept: kept), as: UTF8.self)
    #expect(some == (1...3).map { #"{"seq":\#($0),"data":{"status":"delivered"}}"# + "\n" }.joined())
  }

  @Test("of lines that do not all fit, the first are kept whole, and the others counted")
  func overflow() async throws {
    let path = temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writer = LineWriter(descriptor: LineOutput.open(path), closesDescriptor: true, path: path, limit: 10)
    #expect(!writer.add(Array("abc\ndef\nghi\njkl\n".utf8)))
    #expect(writer.dropped == 2)
    #expect(!writer.add(Array("mno\n".utf8)))
    #expect(writer.add(Array("p\n".utf8)))
    writer.start()
    await writer.stop(grace: .seconds(5))
    #expect(lines(path) == ["abc", "def", "p"])
    #expect(writer.dropped == 3)
  }

  @Test("events from now on become lines of a file, in order")
  func file() async throws {
    let path = temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var configuration = LogSinkConfiguration()
    configuration.path = path
    configuration.fields = .full
    let ring = EventRing()
    ring.append([WebhookFixtures.event(1)])
    let sink = try LogSink(
      configuration: configuration,
      context: WebhookFixtures.context(ring: ring, deliveries: WebhookFixtures.noDeliveries))
    let running = Task { try await sink.run() }
    // Events before the sink follows are not its business: append until the first one shows.
    var seq: Int64 = 1
    try await WebhookFixtures.eventually("the sink follows") {
      seq += 1
      ring.append([WebhookFixtures.event(seq)])
      return !lines(path).isEmpty
    }
    let events = (seq + 1...seq + 1_000).map { WebhookFixtures.event($0, data: data) }
    ring.append(events)
    let last = String(decoding: EncodedEvent(events[999]).json, as: UTF8.self)
    try await WebhookFixtures.eventually("the last line is there") { lines(path).last == last }
    running.cancel()
    try await running.value
    let tail = lines(path).suffix(1_000)
    #expect(tail.elementsEqual(events.map { String(decoding: EncodedEvent($0).json, as: UTF8.self) }))
  }

  @Test("a pipe nobody reads costs lines, counted, and neither the gateway nor the sink's end")
  func blockedPipe() async throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    let writer = LineWriter(descriptor: ends[1], closesDescriptor: true, limit: 16_384)
    let ring = EventRing()
    let sink = LogSink(
      fields: .summary, context: WebhookFixtures.context(ring: ring, deliveries: WebhookFixtures.noDeliveries),
      writer: writer)
    let running = Task { try await sink.run() }
    var seq: Int64 = 0
    try await WebhookFixtures.eventually("lines are dropped") {
      ring.append((1...100).map { WebhookFixtures.event(seq + $0) })
      seq += 100
      return writer.dropped > 0
    }
    let start = ContinuousClock.now
    running.cancel()
    try await running.value
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test("a reader that went away does not end the process")
  func closedPipe() async throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    close(ends[0])
    let writer = LineWriter(descriptor: ends[1], closesDescriptor: true)
    writer.start()
    writer.add(Array("line\n".utf8))
    try await WebhookFixtures.eventually("the line is counted as dropped") { writer.dropped == 1 }
    await writer.stop(grace: .seconds(1))
    #expect(!writer.add([1]))
  }

  @Test("a file that cannot be opened ends the start")
  func badPath() {
    var configuration = LogSinkConfiguration()
    configuration.path = "/nowhere/at/all"
    let context = WebhookFixtures.context(ring: EventRing(), deliveries: WebhookFixtures.noDeliveries)
    #expect(throws: ConfigurationProblem.self) { try LogSink(configuration: configuration, context: context) }
  }
}
