// What the configuration says of webhooks and of how long things are kept, in a gateway that runs with it.

import ChannelProtocol
import CoreMetrics
import Foundation
import Synchronization
import Testing

@testable import Gateway
@testable import GatewayTesting
@testable import Sinks

@Suite(.serialized) struct WebhookOptionsTests {
  /// - Parameters:
  ///   - options: of the webhook sink.
  ///   - more: sections of their own.
  private static func configuration(_ options: String, more: String = "") -> String {
    let plain = "- { type: webhook, allow: [loopback] }"
    precondition(WholeGateway.configuration.contains(plain))
    return WholeGateway.configuration.replacing(plain, with: "- { type: webhook, allow: [loopback]\(options) }")
      + "\n" + more
  }

  private static func register(_ url: String, at gateway: WholeGateway) async throws -> String {
    let made = try await gateway.call("POST", "/api/webhooks", json: #"{"url":"\#(url)","events":["message.new"]}"#)
    return try #require(made.json["id"]?.stringValue)
  }

  private static func textIn(_ body: String, at gateway: WholeGateway) async throws {
    try await gateway.textIn(["from": "+14155550190", "to": "+15005550006", "body": .string(body)])
  }

  @Test("an endpoint that has done nothing but fail for as long as is configured is disabled, and an event says so")
  func disableAfter() async throws {
    try await HookReceiver.run(refusing: { _, _ in true }) { receiver in
      let text = Self.configuration(", disableAfter: 300ms, retry: [100ms, 200ms, 400ms, 800ms, 1600ms]")
      try await WholeGateway.run(configuration: text) { gateway in
        let id = try await Self.register(receiver.url, at: gateway)
        try await Self.textIn("refused", at: gateway)
        let webhook = try await gateway.eventually("/api/webhooks/\(id)") { $0["active"] == false }
        #expect(webhook["disabledReason"]?.stringValue?.hasPrefix("Every attempt has failed since ") == true)
        #expect(webhook["disabledAt"]?.stringValue != nil)
        let told = try await gateway.call("GET", "/api/events?types=webhook.disabled").json["data"]?.arrayValue ?? []
        #expect(told.map { $0["data"]?["id"]?.stringValue } == [id])
        // More than one attempt, or it would not have been a time.
        #expect(receiver.refused.all.count == 1 && receiver.refusals > 1 && receiver.numbers.isEmpty)
      }
    }
  }

  @Test("deliveries that have ended, and events, are kept as long as is configured; what has still to arrive stays")
  func retention() async throws {
    try await HookReceiver.run(refusing: { _, _ in false }) { receiver in
      try await WholeGateway.withKeptDirectory { directory in
        let id = Held()
        let waiting = Held()
        try await WholeGateway.run(in: directory, configuration: Self.configuration("")) { gateway in
          id.set(try await Self.register(receiver.url, at: gateway))
          try await Self.textIn("one", at: gateway)
          _ = try await gateway.eventually("/api/webhooks/\(id.value)/deliveries?state=delivered") {
            $0["data"]?.arrayValue?.count == 1
          }
          waiting.set(try await Self.register(receiver.url, at: gateway))
          _ = try await gateway.call("PATCH", "/api/webhooks/\(waiting.value)", json: #"{"active":false}"#)
          try await Self.textIn("two", at: gateway)
          _ = try await gateway.eventually("/api/webhooks/\(waiting.value)/deliveries") {
            $0["data"]?.arrayValue?.count == 1
          }
        }
        // As it is shipped a month is kept.
        try await WholeGateway.run(in: directory, configuration: Self.configuration("")) { gateway in
          let kept = try await gateway.call("GET", "/api/webhooks/\(id.value)/deliveries").json["data"]?.arrayValue
          #expect(kept?.count == 2)
          #expect(try await Self.types(at: gateway).count { $0 == "message.new" } == 2)
        }
        let text = Self.configuration("", more: "retention: { events: 1ms, deliveries: 1ms }")
        try await WholeGateway.run(in: directory, configuration: text) { gateway in
          _ = try await gateway.eventually("/api/webhooks/\(id.value)/deliveries") {
            $0["data"]?.arrayValue?.isEmpty == true
          }
          _ = try await gateway.eventually("/api/events?after=0") { $0["code"] == "events_gone" || $0["data"] == nil }
          // The second one's event is still there, and is delivered once its endpoint is switched on.
          _ = try await gateway.call("PATCH", "/api/webhooks/\(waiting.value)", json: #"{"active":true}"#)
          let came = await eventually { receiver.numbers.count == 3 }
          #expect(came)
        }
      }
    }
  }

  private static func types(at gateway: WholeGateway) async throws -> [String] {
    let events = try await gateway.call("GET", "/api/events?after=0&limit=200").json["data"]?.arrayValue ?? []
    return events.compactMap { $0["type"]?.stringValue }
  }

  @Test("lines that the log sink had to drop are counted among the metrics")
  func droppedLines() async throws {
    _ = PrometheusRegistry().bootstrapOnce()
    let registry = try #require(MetricsSystem.factory as? PrometheusRegistry)
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    let ring = EventRing()
    let nothing = NoRealtimeGateway()
    let sink = LogSink(
      fields: .summary,
      context: SinkContext(
        ring: ring, log: MemoryEventLog(), deliveries: nothing, gateway: nothing, clock: SystemClock(),
        logger: ThrowawayDatabase.silentLogger),
      writer: LineWriter(descriptor: ends[1], closesDescriptor: true, limit: 16_384))
    let running = Task { try await sink.run() }
    func dropped() -> Double {
      let text = String(decoding: registry.exposition(), as: UTF8.self)
      let line = text.split(separator: "\n").first { $0.hasPrefix("fractal_log_sink_dropped_total ") }
      return line.flatMap { Double($0.split(separator: " ")[1]) } ?? 0
    }
    let before = dropped()
    var seq: Int64 = 0
    let isCounted = await eventually {
      ring.append((1...500).map { Self.event(seq + $0) })
      seq += 500
      return dropped() > before
    }
    #expect(isCounted)
    running.cancel()
    _ = await running.result
  }

  private static func event(_ seq: Int64) -> Event {
    Event(
      seq: seq, id: Identifier(high: 7, low: UInt64(seq)), type: .messageNew, at: SystemClock().now(),
      conversationID: nil, channel: "sms", data: Array(#"{"id":"x"}"#.utf8))
  }
}

/// A text that is known later.
private final class Held: Sendable {
  private let kept = Mutex("")
  var value: String { kept.withLock(\.self) }
  func set(_ new: String) { kept.withLock { $0 = new } }
}
