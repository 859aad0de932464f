// The way out, through the store.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Messages to contacts")
  struct SendingTests {
    @Test("a queued message is told, waits in the outbox, and reads back as it was given")
    func queueing() async throws {
      try await StoreFixture.run { fixture in
        let record = fixture.outbound(
          type: .mms, channel: "mms", media: ["https://files.example/a.png"],
          template: TemplateReference(sid: "HX1", variables: ["1": "Ada"]), metadata: ["order": "7"])
        let queued = try await fixture.queue(record)
        // Again, as after a commit whose answer was lost.
        #expect(try await fixture.queue(record).id == record.id)
        let detail = try #require(try await fixture.store.message(record.id))
        #expect(detail.message == queued)
        #expect(detail.message.status == .queued && detail.history.map(\.status) == [.queued])
        #expect(try await fixture.events().map(\.type) == [.contactUpdated, .messageQueued, .conversationUpdated])
        #expect(try await fixture.store.backlog() == [Sample.sender: 1])
        #expect(try await fixture.number("SELECT sum(unread_count) FROM conversations") == 0)
      }
    }

    @Test("a claim says `sending` and tells it before any call, and gives the files' sources")
    func claiming() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.queue(fixture.outbound(type: .mms, media: ["u1", "u2"])).id
        let claimed = try await fixture.claim()
        #expect(claimed.map(\.message.id) == [id])
        #expect(claimed.first?.message.status == .sending)
        #expect(claimed.first?.mediaURLs == ["u1", "u2"])
        #expect(claimed.first?.attempts == 0)
        #expect(try await fixture.store.message(id)?.message.status == .sending)
        #expect(try await fixture.events(.messageStatus).count == 1)
        #expect(try await fixture.claim().isEmpty)
        #expect(try await fixture.claim(.unresolved).isEmpty)
      }
    }

    @Test("nodes that claim at once never get the same message, and each message is got")
    func concurrentClaims() async throws {
      try await StoreFixture.run(stores: 3) { fixture in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for index in 0..<500 {
            let record = fixture.outbound(to: "+1415555\(1_000 + index % 50)")
            group.addTask { try await fixture.queue(record) }
          }
          try await group.waitForAll()
        }
        let claimed = try await withThrowingTaskGroup(of: [Identifier].self) { group in
          // Several loops on one node meet in one batch of its lane.
          for worker in 0..<12 {
            group.addTask {
              var mine: [Identifier] = []
              while try await fixture.store.backlog() != [:] {
                let some = try await fixture.claim(limit: 7, on: worker % 3)
                if some.isEmpty, try await fixture.number("SELECT count(*) FROM outbox WHERE state = 0") == 0 { break }
                mine += some.map(\.message.id)
              }
              return mine
            }
          }
          return try await group.reduce(into: [Identifier]()) { $0 += $1 }
        }
        #expect(claimed.count == 500)
        #expect(Set(claimed).count == 500)
        #expect(try await fixture.events(.messageStatus).count == 500)
      }
    }

    @Test("a claim whose lease has run out is handed on as unresolved, never as waiting")
    func leaseExpiry() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let id = try await fixture.queue(fixture.outbound()).id
        let first = try #require(try await fixture.claim(lease: .seconds(30)).first)
        #expect(try await fixture.claim(.unresolved, on: 1).isEmpty)
        fixture.clock.advance(by: .seconds(31))
        #expect(try await fixture.claim(on: 1).isEmpty)
        let second = try #require(try await fixture.claim(.unresolved, on: 1).first)
        #expect(second.message.id == id && second.attempts == 1 && second.attemptedAt != nil)
        // The first node comes back: what it has to say is no longer its to say …
        try await fixture.record(.retry(at: fixture.clock.now()), of: first)
        try await fixture.record(.unresolved(lookAgainAt: fixture.clock.now()), of: first)
        try await fixture.record(.failed(code: "30001", message: "no"), of: first)
        #expect(try await fixture.store.message(id)?.message.status == .sending)
        #expect(try await fixture.claim(on: 1).isEmpty)
        #expect(try await fixture.claim(.unresolved, on: 1).isEmpty)
        // … unless the provider has the message: that is true whoever says it.
        try await fixture.record(.accepted(.sample("SM1")), of: first)
        #expect(try await fixture.store.message(id)?.message.providerSID == "SM1")
        try await fixture.record(.failed(code: "expired", message: "no"), of: second, on: 1)
        #expect(try await fixture.store.message(id)?.message.status == .accepted)
      }
    }

    @Test("what the provider took is accepted, what it refused is failed with its reason, and neither waits any more")
    func finalRecords() async throws {
      try await StoreFixture.run { fixture in
        let ids = [try await fixture.queue(fixture.outbound()).id, try await fixture.queue(fixture.outbound()).id]
        let claimed = try await fixture.claim()
        try #require(claimed.map(\.message.id) == ids)
        try await fixture.record(.accepted(.sample("SM1", from: "+15005550001", segmentCount: 2)), of: claimed[0])
        try await fixture.record(.failed(code: "21610", message: "Unsubscribed"), of: claimed[1])
        let accepted = try #require(try await fixture.store.message(ids[0]))
        #expect(accepted.message.status == .accepted && accepted.message.providerSID == "SM1")
        #expect(accepted.message.from == "+15005550001" && accepted.message.segments?.count == 2)
        #expect(accepted.history.map(\.providerStatus) == ["queued", "sending", "queued"])
        let failed = try #require(try await fixture.store.message(ids[1])).message
        #expect(failed.status == .failed && failed.error?.code == "21610" && failed.error?.message == "Unsubscribed")
        #expect(try await fixture.store.backlog() == [:])
      }
    }

    @Test("a retry waits for its time, an unknown outcome is looked at again at its own")
    func postponing() async throws {
      try await StoreFixture.run { fixture in
        _ = try await fixture.queue(fixture.outbound())
        var claimed = try #require(try await fixture.claim().first)
        let later = fixture.clock.now() + .seconds(10)
        try await fixture.record(.retry(at: later), of: claimed)
        #expect(try await fixture.store.nextSends([Sample.sender], .waiting) == [Sample.sender: later])
        #expect(try await fixture.claim().isEmpty)
        fixture.clock.advance(by: .seconds(11))
        claimed = try #require(try await fixture.claim().first)
        #expect(claimed.attempts == 1)
        let look = fixture.clock.now() + .seconds(10)
        try await fixture.record(.unresolved(lookAgainAt: look), of: claimed)
        #expect(try await fixture.store.nextSends([Sample.sender, "other"], .unresolved) == [Sample.sender: look])
        #expect(try await fixture.store.nextSends([Sample.sender], .waiting).isEmpty)
        #expect(try await fixture.claim(.unresolved).isEmpty)
        fixture.clock.advance(by: .seconds(11))
        #expect(try await fixture.claim().isEmpty)
        claimed = try #require(try await fixture.claim(.unresolved).first)
        #expect(claimed.attempts == 2)
        // It was never there: it may be sent after all.
        try await fixture.record(.retry(at: fixture.clock.now()), of: claimed)
        #expect(try await fixture.claim().count == 1)
      }
    }

    @Test("throttled calls count neither as failures nor as calls without an answer; looks count once")
    func counting() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        _ = try await fixture.queue(fixture.outbound())
        func counts(_ claimed: ClaimedSend) -> [Int] {
          [claimed.attempts, claimed.transientFailures, claimed.unknownOutcomes]
        }
        for attempt in 0..<2 {
          let throttled = try #require(try await fixture.claim().first)
          #expect(counts(throttled) == [attempt, 0, 0])
          try await fixture.record(.retry(at: fixture.clock.now()), of: throttled)
        }
        let failing = try #require(try await fixture.claim().first)
        try await fixture.record(.retry(at: fixture.clock.now(), isFailure: true), of: failing)
        let silent = try #require(try await fixture.claim().first)
        #expect(counts(silent) == [3, 1, 0])
        try await fixture.record(.unresolved(lookAgainAt: fixture.clock.now()), of: silent)
        // Looked up twice: the outcome of one call.
        for _ in 0..<2 {
          let look = try #require(try await fixture.claim(.unresolved).first)
          #expect(counts(look) == [4, 1, 1])
          try await fixture.record(.unresolved(lookAgainAt: fixture.clock.now()), of: look)
        }
        let absent = try #require(try await fixture.claim(.unresolved).first)
        try await fixture.record(.retry(at: fixture.clock.now()), of: absent)
        // Its node dies in the middle of the next call: that is a second one, for whoever looks.
        #expect(try await fixture.claim(lease: .seconds(30)).map(counts) == [[4, 1, 1]])
        fixture.clock.advance(by: .seconds(31))
        #expect(try await fixture.claim(.unresolved, on: 1, lease: .seconds(30)).map(counts) == [[5, 1, 2]])
        fixture.clock.advance(by: .seconds(31))
        let last = try #require(try await fixture.claim(.unresolved, on: 1).first)
        #expect(counts(last) == [5, 1, 2], "a look whose node died is no call")
      }
    }

    @Test("an answer that was given to a message like it leaves the message to be looked for, not without an end")
    func answerTaken() async throws {
      try await StoreFixture.run { fixture in
        let ids = [try await fixture.queue(fixture.outbound()).id, try await fixture.queue(fixture.outbound()).id]
        let claimed = try await fixture.claim()
        try #require(claimed.map(\.message.id) == ids)
        // The look-up for the first finds what the second's call made.
        try await fixture.record(.accepted(.sample("SM1")), of: claimed[0])
        try await fixture.record(.accepted(.sample("SM1")), of: claimed[1])
        #expect(try await fixture.store.message(ids[0])?.message.providerSID == "SM1")
        let second = try #require(try await fixture.claim(.unresolved).first)
        #expect(second.message.id == ids[1] && second.unknownOutcomes == 1 && second.message.providerSID == nil)
        try await fixture.record(.accepted(.sample("SM2")), of: second)
        #expect(try await fixture.store.message(ids[1])?.message.providerSID == "SM2")
        // Written down again, as after a commit whose answer was lost.
        try await fixture.record(.accepted(.sample("SM2")), of: second)
        #expect(try await fixture.store.backlog() == [:])
      }
    }

    @Test("a message whose validity has ended fails as expired instead of being sent")
    func validity() async throws {
      try await StoreFixture.run { fixture in
        let short = try await fixture.queue(fixture.outbound(validFor: 60)).id
        let long = try await fixture.queue(fixture.outbound(validFor: 600)).id
        let scheduled = try await fixture.queue(
          fixture.outbound(scheduledAt: fixture.clock.now() + .seconds(50), validFor: 60)
        ).id
        fixture.clock.advance(by: .seconds(100))
        let claimed = try await fixture.claim()
        #expect(Set(claimed.map(\.message.id)) == [long, scheduled])
        let validity = try #require(claimed.first { $0.message.id == long }?.validity)
        #expect(validity < .seconds(500) && validity > .seconds(499))
        let expired = try #require(try await fixture.store.message(short)).message
        #expect(expired.status == .failed && expired.error?.code == "expired")
        #expect(try await fixture.number("SELECT count(*) FROM outbox") == 2)
        let told = try await fixture.events(.messageStatus).map { try $0.json["id"]?.stringValue }
        #expect(told.contains("\(short)"))
      }
    }

    @Test("a scheduled message is not handed out before its time")
    func scheduled() async throws {
      try await StoreFixture.run { fixture in
        let time = fixture.clock.now() + .seconds(3_600)
        let id = try await fixture.queue(fixture.outbound(scheduledAt: time)).id
        #expect(try await fixture.store.message(id)?.message.status == .scheduled)
        #expect(try await fixture.claim().isEmpty)
        #expect(try await fixture.store.nextSends([Sample.sender], .waiting) == [Sample.sender: time])
        fixture.clock.set(time)
        #expect(try await fixture.claim().map(\.message.id) == [id])
      }
    }

    @Test("of what is due the lower priority number goes first, then the older, and each sender only its own")
    func priorities() async throws {
      try await StoreFixture.run { fixture in
        var ids: [Int: [Identifier]] = [:]
        for priority in [20, 10, 20, 0, 10] {
          ids[priority, default: []].append(try await fixture.queue(fixture.outbound(priority: priority)).id)
        }
        let other = try await fixture.queue(fixture.outbound(sender: "other")).id
        #expect(
          try await fixture.claim(limit: 2).map(\.message.id) == ids[0, default: []] + ids[10, default: []].prefix(1))
        #expect(try await fixture.claim().map(\.message.id) == ids[10, default: []].dropFirst() + ids[20, default: []])
        #expect(try await fixture.claim(sender: "other").map(\.message.id) == [other])
      }
    }

    @Test("a sender is led by one node at a time, and taken over when that node gives it up")
    func senderLeases() async throws {
      try await StoreFixture.run { fixture in
        let nodes = [fixture.clock.makeIdentifier(), fixture.clock.makeIdentifier()]
        let store = fixture.store
        #expect(try await store.leaseSenders(["a", "b"], node: nodes[0], until: .seconds(60)) == ["a", "b"])
        #expect(try await store.leaseSenders(["a", "b", "c"], node: nodes[1], until: .seconds(60)) == ["c"])
        #expect(try await store.leaseSenders(["a"], node: nodes[0], until: .seconds(60)) == ["a"])
        try await store.releaseSenders(node: nodes[0])
        #expect(try await store.leaseSenders(["a", "b"], node: nodes[1], until: .seconds(-1)) == ["a", "b"])
        #expect(try await store.leaseSenders(["b"], node: nodes[0], until: .seconds(60)) == ["b"])
      }
    }

    @Test("a node that knows itself alone frees what its killed predecessor held, and calls nobody twice")
    func releasedLeases() async throws {
      try await StoreFixture.run { fixture in
        _ = try await fixture.queue(fixture.outbound())
        let lost = try #require(try await fixture.claim(lease: .seconds(600)).first)
        let nodes = [fixture.clock.makeIdentifier(), fixture.clock.makeIdentifier()]
        _ = try await fixture.store.leaseSenders(["a"], node: nodes[0], until: .seconds(600))
        try await fixture.store.releaseAllLeases()
        #expect(try await fixture.store.leaseSenders(["a"], node: nodes[1], until: .seconds(60)) == ["a"])
        fixture.clock.set(max(fixture.clock.now(), SystemClock().now()))
        #expect(try await fixture.claim().isEmpty)
        #expect(try await fixture.claim(.unresolved).map(\.message.id) == [lost.message.id])
      }
    }

    @Test("which of a provider's ids are ours is known by account")
    func knownSIDs() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.send("SM1")
        #expect(try await fixture.store.knownProviderSIDs(["SM1", "SM2"], account: Sample.account) == ["SM1"])
        #expect(try await fixture.store.knownProviderSIDs(["SM1"], account: "AC-other") == [])
      }
    }
  }
}
