// Status callbacks, through the store.

import ChannelProtocol
import Foundation
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Status callbacks")
  struct StatusTests {
    /// One sequence of `status_sequences.json`.
    struct Sequence: Sendable, CustomStringConvertible {
      var name: String
      var isScheduled: Bool
      /// The callbacks come before the provider's answer is written down.
      var overtakes: Bool
      var arrivals: [String]
      var final: DeliveryStatus
      var description: String { name }

      static func all() throws -> [Sequence] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
          .appending(path: "Fixtures/twilio/status_sequences.json")
        let json = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: file))
        return (json["sequences"]?.arrayValue ?? []).map { entry in
          Sequence(
            name: entry["name"]?.stringValue ?? "", isScheduled: entry["initial"]?.stringValue == "scheduled",
            overtakes: entry["initial"]?.isNull ?? false,
            arrivals: (entry["arrivals"]?.arrayValue ?? []).compactMap(\.stringValue),
            // Of two contradicting finals `delivered` stands until the provider was asked.
            final: DeliveryStatus(providerWord: entry["expected_final"]?.stringValue ?? "delivered") ?? .delivered)
        }
      }
    }

    @Test("every documented sequence of callbacks ends where it should, and its history keeps every word once")
    func sequences() async throws {
      let sequences = try Sequence.all()
      try #require(sequences.count >= 12)
      try await StoreFixture.run { fixture in
        for sequence in sequences {
          let sid = "SM-\(sequence.name)"
          let record = fixture.outbound(scheduledAt: sequence.isScheduled ? fixture.clock.now() : nil)
          let id: Identifier
          if sequence.overtakes {
            id = try await fixture.queue(record).id
            let claimed = try #require(try await fixture.claim().first { $0.message.id == id })
            for word in sequence.arrivals {
              #expect(try await fixture.apply(.callback(word, sid: sid, at: fixture.clock.now())) == .parked)
            }
            try await fixture.record(.accepted(.sample(sid)), of: claimed)
          } else {
            id = try await fixture.send(sid, record)
            for word in sequence.arrivals {
              #expect(try await fixture.apply(.callback(word, sid: sid, at: fixture.clock.now())) == .applied)
            }
          }
          let detail = try #require(try await fixture.store.message(id))
          #expect(detail.message.status == sequence.final, "\(sequence)")
          // The first entry is our own `queued`.
          let words = detail.history.dropFirst().map(\.providerStatus)
          #expect(Set(words).isSuperset(of: sequence.arrivals), "\(sequence)")
          #expect(words.count == Set(words).count, "\(sequence)")
        }
        #expect(try await fixture.number("SELECT count(*) FROM parked_statuses") == 0)
      }
    }

    @Test("each change of status is told once, with the status before it, and a read one as such besides")
    func statusEvents() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.send("SM1", fixture.outbound(type: .whatsapp, channel: "wa"))
        for word in ["sent", "sent", "delivered", "sent", "read", "delivered"] {
          try await fixture.apply(.callback(word, sid: "SM1", at: fixture.clock.now()))
        }
        let events = try await fixture.events().filter { $0.type == .messageStatus || $0.type == .messageRead }
        let told = try events.map { event in
          let json = try event.json
          return "\(event.type) \(json["previousStatus"]?.stringValue ?? "-")>\(json["status"]?.stringValue ?? "-")"
        }
        #expect(
          told == [
            "message.status queued>sending", "message.status sending>accepted", "message.status accepted>sent",
            "message.status sent>delivered", "message.status delivered>read", "message.read delivered>read",
          ])
      }
    }

    @Test("a callback that overtakes the provider's answer finds its message by our id and settles it")
    func overtakenByID() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.queue(fixture.outbound()).id
        let claimed = try #require(try await fixture.claim().first)
        let callback = StatusUpdate.callback("sent", sid: "SM1", message: id, at: fixture.clock.now())
        #expect(try await fixture.apply(callback) == .applied)
        #expect(try await fixture.number("SELECT count(*) FROM outbox") == 0)
        try await fixture.record(.accepted(.sample("SM1")), of: claimed)
        let message = try #require(try await fixture.store.message(id)).message
        #expect(message.status == .sent && message.providerSID == "SM1")
      }
    }

    @Test("callbacks and answers that cross between two nodes are brought together by the sweep")
    func crossingNodes() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        for _ in 0..<150 { try await fixture.queue(fixture.outbound()) }
        var claimed: [ClaimedSend] = []
        while claimed.count < 150 { claimed += try await fixture.claim() }
        try await withThrowingTaskGroup(of: Void.self) { group in
          for (index, entry) in claimed.enumerated() {
            let callback = StatusUpdate.callback("delivered", sid: "SM\(index)", at: fixture.clock.now())
            group.addTask { try await fixture.apply(callback, on: 1) }
            group.addTask { try await fixture.record(.accepted(.sample("SM\(index)")), of: entry) }
          }
          try await group.waitForAll()
        }
        while case let parked = try await fixture.store.parkedReports(limit: 20), !parked.isEmpty {
          for update in parked {
            #expect(try await fixture.apply(update) == .applied)
            try await fixture.store.dropParked(update)
          }
        }
        #expect(try await fixture.number("SELECT count(*) FROM parked_statuses") == 0)
        #expect(try await fixture.number("SELECT count(*) FROM messages WHERE status <> 40") == 0)
      }
    }

    @Test("a report that was parked for a message known by now is handed out whole")
    func matchedReport() async throws {
      try await StoreFixture.run { fixture in
        let callback = StatusUpdate.callback("failed", sid: "SM1", error: "30003", at: fixture.clock.now())
        #expect(try await fixture.apply(callback) == .parked)
        #expect(try await fixture.apply(callback) == .parked)
        #expect(try await fixture.store.parkedReports(limit: 10) == [])
        let id = try await fixture.queue(fixture.outbound()).id
        // As if the other node's transaction had not been seen: the answer is written behind the store's back.
        try await fixture.script(
          "UPDATE messages SET provider_sid = 'SM1', account_sid = '\(Sample.account)'; DELETE FROM outbox")
        let parked = try await fixture.store.parkedReports(limit: 10)
        #expect(parked == [callback])
        try await fixture.apply(parked[0])
        try await fixture.store.dropParked(parked[0])
        let message = try #require(try await fixture.store.message(id)).message
        #expect(message.status == .failed)
        #expect(message.error?.code == "30003" && message.error?.explanation == "The handset is off.")
        #expect(message.error?.isRetryable == true)
        #expect(try await fixture.store.parkedReports(limit: 10) == [])
      }
    }

    @Test("the same SID of another account is another message's, and an inbound message has no status to report")
    func wrongAccount() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.send("SM1")
        var foreign = StatusUpdate.callback("delivered", sid: "SM1", at: fixture.clock.now())
        foreign.accountSID = "AC-other"
        #expect(try await fixture.apply(foreign) == .parked)
        #expect(try await fixture.store.message(id)?.message.status == .accepted)
        let inbound = fixture.inbound("SM2")
        try await fixture.receive(inbound)
        #expect(try await fixture.apply(.callback("delivered", sid: "SM2", at: fixture.clock.now())) == .applied)
        #expect(try await fixture.store.message(inbound.id)?.message.status == .received)
      }
    }

    @Test("the provider's sender and count of parts are taken over, and contradicting finals wait for a poll")
    func providerChoices() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.send("SM1")
        var sent = StatusUpdate.callback("sent", sid: "SM1", at: fixture.clock.now())
        sent.from = "+15005550099"
        sent.segmentCount = 3
        try await fixture.apply(sent)
        try await fixture.apply(.callback("undelivered", sid: "SM1", error: "30003", at: fixture.clock.now()))
        try await fixture.apply(.callback("delivered", sid: "SM1", at: fixture.clock.now()))
        #expect(try await fixture.texts("SELECT status_contradicted FROM messages") == ["true"])
        let message = try #require(try await fixture.store.message(id)).message
        #expect(message.from == "+15005550099" && message.segments?.count == 3)
        #expect(message.status == .delivered && message.error == nil)
        try await fixture.apply(
          .callback("undelivered", sid: "SM1", error: "30003", at: fixture.clock.now(), source: .poll))
        let settled = try #require(try await fixture.store.message(id)).message
        #expect(settled.status == .undelivered && settled.error?.code == "30003")
      }
    }
  }
}
