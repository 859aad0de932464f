// The projection's law: callbacks commute, however often each of them comes.

import ChannelProtocol
import GatewayTesting
import Testing

@Suite("Status projection, in any order")
struct StatusPermutationTests {
  /// Every status that a provider reports, failures with several errors and words, and a word that we do not know.
  private static let vocabulary: [StatusReport] = {
    let words: [(DeliveryStatus?, String?, String?)] = [
      (.accepted, nil, nil), (.sent, nil, nil), (.delivered, nil, nil), (.read, nil, nil), (.canceled, nil, nil),
      (.undelivered, nil, nil), (.undelivered, "30003", nil), (.undelivered, "30003", "Unreachable"),
      (.undelivered, "30003", "unreachable handset"), (.undelivered, "63016", "outside"), (.failed, "30008", nil),
      (.failed, "21610", "opted out"), (.failed, nil, nil), (.sent, "30008", nil), (nil, nil, nil),
      (.received, nil, nil),
    ]
    return words.enumerated().map { index, word in
      StatusReport(
        status: word.0, providerStatus: word.0?.rawValue ?? "something_new",
        // Not in the order of the statuses, so that times say something of their own.
        at: Timestamp(seconds: Int64(100 + index * 7 % 16)), source: .callback, errorCode: word.1,
        errorMessage: word.2)
    }
  }()

  /// Where a message may be when its first callback comes.
  private static let beginnings: [DeliveryStatus] = [.queued, .scheduled, .sending, .accepted]

  private static func projected(_ reports: some Sequence<StatusReport>, from status: DeliveryStatus) -> StatusProjection
  {
    var projection = StatusProjection(status: status)
    for report in reports { projection.apply(report) }
    return projection
  }

  @Test("every permutation of every three of all callbacks ends in the same state, from every beginning")
  func exhaustive() {
    let all = Self.vocabulary
    for beginning in Self.beginnings {
      for first in all.indices {
        for second in all.indices.dropFirst(first) {
          for third in all.indices.dropFirst(second) {
            let set = [all[first], all[second], all[third]]
            let expected = Self.projected(set, from: beginning)
            for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
              let state = Self.projected(order.map { set[$0] }, from: beginning)
              if state != expected { Issue.record("\(order) of \(set) from \(beginning)") }
            }
          }
        }
      }
    }
  }

  @Test("any permutation of any callbacks, any of them repeated, ends in the same state")
  func random() {
    for seed in SeededRandom.seeds(2_000) {
      var random = SeededRandom(seed: seed)
      let beginning = Self.beginnings.randomElement(using: &random) ?? .queued
      let count = Int.random(in: 1...Self.vocabulary.count, using: &random)
      let set = Array(Self.vocabulary.shuffled(using: &random).prefix(count))
      let expected = Self.projected(set, from: beginning)
      for _ in 0..<10 {
        let repeats = (0..<Int.random(in: 0...count, using: &random)).compactMap { _ in
          set.randomElement(using: &random)
        }
        let arrivals = (set + repeats).shuffled(using: &random)
        if Self.projected(arrivals, from: beginning) != expected {
          Issue.record("FRACTAL_TEST_SEED=\(seed): \(arrivals.map(\.providerStatus)) from \(beginning)")
        }
      }
    }
  }

  @Test("what has been applied once changes nothing when it is applied again, whatever came between")
  func idempotence() {
    for seed in SeededRandom.seeds(500) {
      var random = SeededRandom(seed: seed)
      let set = Self.vocabulary.shuffled(using: &random).prefix(.random(in: 1...8, using: &random))
      var projection = Self.projected(set, from: .accepted)
      let before = projection
      for report in set.shuffled(using: &random) {
        let moved = projection.apply(report)
        if moved || projection != before { Issue.record("FRACTAL_TEST_SEED=\(seed): \(report.providerStatus)") }
      }
    }
  }

  /// What one report says beside its status.
  private struct Told: Sendable {
    var status: DeliveryStatus?
    var sender: String?
    var segmentCount: Int?
    var price: Price?
  }

  private static func facts(_ reports: some Sequence<Told>) -> ReportedFacts {
    var facts = ReportedFacts(sender: .init("agent"), segmentCount: .init(1))
    for report in reports {
      facts.apply(
        status: report.status, sender: report.sender, segmentCount: report.segmentCount, price: report.price)
    }
    return facts
  }

  @Test("the sender is the one that got furthest: a late word of the agent does not undo the fallback")
  func fallback() {
    let agent = Told(status: .sent, sender: "agent", segmentCount: 1)
    let fallback = Told(status: .delivered, sender: "+15005550006", segmentCount: 2)
    for order in [[agent, fallback], [fallback, agent], [fallback, fallback, agent]] {
      let facts = Self.facts(order)
      #expect(facts.sender.value == "+15005550006" && facts.segmentCount.value == 2)
    }
    let sameWord = Told(status: .sent, sender: "+15005550006")
    #expect(Self.facts([agent, sameWord]) == Self.facts([sameWord, agent]))
    #expect(Self.facts([sameWord, agent]).sender.value == "+15005550006")
  }

  @Test("any permutation of any senders, parts and prices, any of them repeated, ends in the same facts")
  func factsInAnyOrder() {
    let prices = ["-0.00750", "-0.00830", "-0.01"].map { Price(amount: $0, currency: "USD") } + [nil]
    for seed in SeededRandom.seeds(2_000) {
      var random = SeededRandom(seed: seed)
      let set = (0..<Int.random(in: 1...8, using: &random)).map { _ in
        Told(
          status: [nil, .accepted, .sent, .delivered, .undelivered, .read].randomElement(using: &random) ?? nil,
          sender: [nil, "agent", "other", "+15005550006"].randomElement(using: &random) ?? nil,
          segmentCount: [nil, 0, 1, 2, 3].randomElement(using: &random) ?? nil,
          price: prices.randomElement(using: &random) ?? nil)
      }
      let expected = Self.facts(set)
      for _ in 0..<10 {
        let arrivals = (set + set.filter { _ in Bool.random(using: &random) }).shuffled(using: &random)
        if Self.facts(arrivals) != expected { Issue.record("FRACTAL_TEST_SEED=\(seed): \(arrivals)") }
      }
    }
  }
}
