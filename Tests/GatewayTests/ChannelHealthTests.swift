// How a channel fares, judged by its provider's last words.

import ChannelProtocol
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
}
