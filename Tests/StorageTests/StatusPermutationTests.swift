// The law of the projection, through PostgreSQL: whatever comes in whatever order, twice, before its message is known
// or over two nodes, the message and its history are the same.

import ChannelProtocol
import GatewayTesting
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Status callbacks, in any order")
  struct StatusPermutationTests {
    /// A callback before it has a message.
    private struct Callback: Sendable {
      var word: String
      var error: String?
      var at: Timestamp
      var from: String?
      var segments: Int?

      func update(_ sid: String, names message: Identifier?) -> StatusUpdate {
        var update = StatusUpdate.callback(word, sid: sid, message: message, error: error, at: at)
        update.from = from
        update.segmentCount = segments
        return update
      }
    }

    /// Everything that a status callback may change, for comparison.
    private struct End: Hashable, CustomStringConvertible {
      var status: DeliveryStatus
      var error: MessageError?
      var times: [Timestamp?]
      var isContradicted: Bool
      var history: [String]
      var from: String
      var segments: Int?
      var description: String {
        "\(status) \(error?.code ?? "-") \(times) \(isContradicted) \(history) \(from) \(segments ?? -1)"
      }
    }

    private static let own: Set = ["queued", "sending"]

    private static let vocabulary: [(String, String?)] = [
      ("queued", nil), ("sending", nil), ("sent", nil), ("delivered", nil), ("read", nil), ("canceled", nil),
      ("undelivered", nil), ("undelivered", "30003"), ("undelivered", "63016"), ("failed", "30008"),
      ("failed", "21610"), ("something_new", nil), ("something_new", "12345"),
    ]

    @Test("any permutation of any callbacks, repeated or not, before the answer or after it, ends in the same state")
    func permutations() async throws {
      for seed in SeededRandom.seeds(6) {
        try await StoreFixture.run(stores: 2) { fixture in
          var random = SeededRandom(seed: seed)
          for round in 0..<6 {
            let count = Int.random(in: 1...Self.vocabulary.count, using: &random)
            let base = fixture.clock.now()
            var set: [Callback] = []
            for (offset, word) in Self.vocabulary.shuffled(using: &random).prefix(count).enumerated() {
              // One word may come of two senders: of an agent, and of the number that its fallback leaves from.
              for _ in 0..<Int.random(in: 1...2, using: &random) {
                set.append(
                  Callback(
                    word: word.0, error: word.1, at: base + .milliseconds(offset),
                    from: [nil, "agent", "+15005550009"].randomElement(using: &random) ?? nil,
                    segments: [nil, 0, 1, 2].randomElement(using: &random) ?? nil))
              }
            }
            let ends = try await Self.ends(of: set, round: round, on: fixture, &random)
            #expect(Set(ends).count == 1, "FRACTAL_TEST_SEED=\(seed): \(Set(ends))")
            #expect(ends.first.map { Self.isExpected($0, of: set) } == true, "FRACTAL_TEST_SEED=\(seed): \(ends[0])")
          }
          #expect(try await fixture.number("SELECT count(*) FROM parked_statuses") == 0)
          #expect(try await fixture.number("SELECT count(*) FROM outbox") == 0)
        }
      }
    }

    /// Sends a dozen messages, each with the same callbacks in an order of its own, and says how they end.
    private static func ends(
      of set: [Callback], round: Int, on fixture: StoreFixture, _ random: inout SeededRandom
    ) async throws -> [End] {
      let records = (0..<12).map { _ in fixture.outbound(to: "+1415555\(1_000 + round)") }
      for record in records { try await fixture.queue(record) }
      let claimed = try await fixture.claim()
      try #require(claimed.count == records.count)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, send) in claimed.enumerated() {
          let sid = "SM-\(round)-\(index)"
          let repeats = set.filter { _ in Bool.random(using: &random) }
          var arrivals = (set + repeats).shuffled(using: &random)
          // What comes before the provider's answer names our message, or is parked.
          let answer = index == 0 ? 0 : Int.random(in: 0...arrivals.count, using: &random)
          let names = index % 3 != 1
          if index == 0 { arrivals = set }
          group.addTask {
            for (turn, callback) in arrivals.enumerated() {
              if turn == answer { try await fixture.record(.accepted(.sample(sid)), of: send) }
              try await fixture.apply(callback.update(sid, names: names ? send.message.id : nil), on: turn % 2)
            }
            if answer == arrivals.count { try await fixture.record(.accepted(.sample(sid)), of: send) }
          }
        }
        try await group.waitForAll()
      }
      try await sweep(fixture)
      var ends: [End] = []
      for send in claimed { ends.append(try await end(of: send.message.id, fixture)) }
      return ends
    }

    /// What two nodes crossed over is brought together as the engine does it.
    private static func sweep(_ fixture: StoreFixture) async throws {
      while case let parked = try await fixture.store.parkedReports(limit: 50), !parked.isEmpty {
        for update in parked {
          try await fixture.apply(update)
          try await fixture.store.dropParked(update)
        }
      }
    }

    private static func end(of id: Identifier, _ fixture: StoreFixture) async throws -> End {
      let detail = try #require(try await fixture.store.message(id))
      let message = detail.message
      let contradicted = try await fixture.texts("SELECT status_contradicted FROM messages WHERE id = '\(id)'")
      // The entries of our own doing have these words too, and whoever wrote one first stands there.
      let callbacks = detail.history.filter { !Self.own.contains($0.providerStatus) && $0.source == .callback }
      return End(
        status: message.status, error: message.error, times: [message.sentAt, message.deliveredAt, message.readAt],
        isContradicted: contradicted == ["true"],
        history: callbacks.map {
          "\($0.providerStatus) \($0.status?.rawValue ?? "-") \($0.errorCode ?? "-") \($0.at.microseconds)"
        }.sorted(), from: message.from, segments: message.segments?.count)
    }

    /// As the projection without a store has it.
    private static func isExpected(_ end: End, of set: [Callback]) -> Bool {
      var projection = StatusProjection(status: .accepted)
      var facts = ReportedFacts(sender: .init(Sample.line))
      for callback in set {
        let update = callback.update("SM", names: nil)
        projection.apply(update.report)
        facts.apply(
          status: update.report.status, sender: update.from, segmentCount: update.segmentCount, price: nil)
      }
      return end.status == projection.status && end.error?.code == projection.errorCode
        && end.times == [projection.sentAt, projection.deliveredAt, projection.readAt]
        && end.isContradicted == projection.isContradicted
        && end.from == facts.sender.value && (facts.segmentCount.value ?? end.segments) == end.segments
        && end.history.count == Set(set.filter { !own.contains($0.word) }.map { [$0.word, $0.error] }).count
    }
  }
}
