// How a channel fares, judged by its provider's last words.

import ChannelProtocol
import Storage
import Synchronization
import Testing

@testable import Gateway

@Suite("Channel health")
struct ChannelHealthTests {
  private let now = Timestamp(microseconds: 1_800_000_000_000_000)

  private func status(_ kinds: [SendFailure.Kind?]) -> HealthRecord.Status {
    var record = HealthRecord()
    for kind in kinds { record.note(kind.map { SendFailure($0, code: "1", message: "") }, at: now) }
    return record.verdict(at: now).status
  }

  @Test("what is about the message says nothing of the channel; what is about us or the provider does")
  func verdicts() {
    #expect(status([]) == .ok)
    #expect(status([nil, .rejected, .optedOut]) == .ok)
    #expect(status([nil, nil, .misconfigured]) == .down)
    #expect(status([.misconfigured, nil]) == .ok)
    #expect(status([nil, .transient]) == .degraded)
    #expect(status([.transient]) == .degraded)
    #expect(status([.transient, .unknownOutcome, .transient]) == .down)
    #expect(status([nil, nil, nil, nil] + Array(repeating: .transient, count: 5)) == .down)
    #expect(status([.transient, nil, nil]) == .degraded)
    #expect(status([.transient] + Array(repeating: nil, count: 4)) == .ok)
    #expect(status([nil, .throttled(retryAfter: nil)]) == .degraded)
  }

  @Test("what is a quarter of an hour old is forgotten; a verdict that is not good has words")
  func memory() {
    var record = HealthRecord()
    record.note(SendFailure(.misconfigured, code: "20003", message: ""), at: now)
    #expect(record.verdict(at: now).detail?.contains("20003") == true)
    #expect(record.verdict(at: now + HealthRecord.memory) == .init(status: .ok))
  }

  @Test("several nodes' calls are one record, in the order of their times; the last success and error stay")
  func severalNodes() {
    func record(_ failures: [(SendFailure.Kind?, Int64)]) -> ChannelReport {
      var record = HealthRecord(channel: "sms")
      for (kind, second) in failures {
        record.note(kind.map { SendFailure($0, code: "1", message: "") }, at: now + .seconds(second))
      }
      return record.report
    }
    let failing = record([1, 3, 4, 5, 7, 9].map { (.transient, $0) })
    let merged = HealthRecord(channel: "sms", of: [failing, record([(nil, 2)])])
    #expect(merged.report.calls.map(\.at) == [1, 2, 3, 4, 5, 7, 9].map { now + .seconds($0) })
    #expect(merged.verdict(at: now + .seconds(10)).status == .down, "its last five calls failed")
    let recovered = HealthRecord(channel: "sms", of: [failing, record([(nil, 10), (nil, 11)])])
    #expect(recovered.verdict(at: now + .seconds(12)).status == .degraded)
    #expect(recovered.report.lastSuccessAt == now + .seconds(11) && recovered.report.lastError?.at == now + .seconds(9))
  }

  @Test("what is noted is told once, and again where it could not be")
  func telling() {
    let health = ChannelHealth()
    health.note("sms", nil, at: now)
    let told = health.takeUntold()
    #expect(told.map(\.channel) == ["sms"] && health.takeUntold().isEmpty)
    health.putBack(told)
    #expect(health.takeUntold() == told)
  }
}

@Suite("Channel health of several nodes", .serialized)
struct SharedChannelHealthTests {
  @Test("what the calls met, the next start says of the channel, without a call of its own")
  func nextStart() async throws {
    try await WholeGateway.withKeptDirectory { directory in
      let before = Mutex<JSONValue?>(nil)
      try await WholeGateway.run(in: directory) { gateway in
        _ = try await gateway.atSandbox("POST", "/sandbox/chaos", #"{"failSends":{"count":1000,"status":503}}"#)
        for index in 0..<4 { try await WalkedList.send(gateway, to: "+1415555018\(index)") }
        let down = try await gateway.eventually("/api/channels/sms") { $0["health"]?["status"] == "down" }
        // Nothing is left that would be tried again.
        try await gateway.query("DELETE FROM outbox")
        before.withLock { $0 = down["health"]?["lastError"]?["code"] }
      }
      let code = before.withLock { $0 }
      #expect(code?.stringValue?.isEmpty == false)
      let started = SystemClock().now()
      try await WholeGateway.run(in: directory) { gateway in
        let health = try await gateway.call("GET", "/api/channels/sms").json["health"]
        #expect(health?["status"] == "down" && health?["lastError"]?["code"] == code, "\(String(describing: health))")
        let at = Timestamp(rfc3339: health?["lastError"]?["at"]?.stringValue ?? "")
        #expect(at.map { $0 < started } == true)
        #expect(try await gateway.call("GET", "/api/channels/mms").json["health"]?["status"] == "ok")
      }
    }
  }

  @Test("what one node's calls met, every node says of the channel")
  func nodes() async throws {
    try await WholeGateway.runTwo { first, second in
      for gateway in [first, second] {
        let well = try await gateway.call("GET", "/api/channels/sms").json["health"]
        #expect(
          well?["status"] == "ok" && well?["lastSuccessAt"] == JSONValue.null && well?["lastError"] == JSONValue.null)
        _ = try await gateway.atSandbox("POST", "/sandbox/chaos", #"{"failSends":{"count":1000,"status":503}}"#)
      }
      for index in 0..<4 { try await WalkedList.send(first, to: "+1415555019\(index)") }
      for gateway in [first, second] {
        let down = try await gateway.eventually("/api/channels/sms") { $0["health"]?["status"] == "down" }
        #expect(down["health"]?["lastError"]?["code"]?.stringValue?.isEmpty == false, "\(down)")
        #expect(down["health"]?["detail"]?.stringValue?.contains("failed") == true)
        let list = try await gateway.call("GET", "/api/channels").json["data"]?.arrayValue
        #expect(list?.first { $0["id"] == "sms" }?["health"]?["status"] == "down")
        #expect(list?.first { $0["id"] == "whatsapp" }?["health"]?["status"] == "ok", "no call was made there")
      }
    }
  }
}
