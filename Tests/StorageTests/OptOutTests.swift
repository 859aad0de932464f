// The ledger of opt-outs: who says so, for whom it holds, and what is told.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Opt-outs")
  struct OptOutTests {
    private static let address = Address(type: .sms, value: Sample.contact)

    private func say(
      _ signal: OptOutSignal, _ sid: String, pool: String? = nil, in fixture: StoreFixture
    ) async throws {
      var record = fixture.inbound(sid, body: signal.rawValue.uppercased())
      record.message.optOut = signal
      record.message.pool = pool
      try await fixture.receive(record)
    }

    @Test("a stop is kept, shown on the contact and told once; a start takes it back; the history keeps both")
    func stopAndStart() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM0"))
        try await say(.stop, "SM1", in: fixture)
        #expect(
          try await fixture.store.optedOutScopes(of: Self.address) == [.sender(Sample.line)])
        let events = try await fixture.events()
        #expect(events.map(\.type).suffix(4) == [.optOutChanged, .contactUpdated, .messageNew, .conversationUpdated])
        let told = try events[events.count - 4].json
        #expect(told["optedOut"]?.boolValue == true && told["source"]?.stringValue == "keyword")
        #expect(told["scope"]?.stringValue == "sender:\(Sample.line)")
        #expect(told["contactId"] == (try events.last?.json["contact"]?["id"]))
        let shown = try events.last?.json["contact"]?["channels"]?.arrayValue?.first
        #expect(shown?["optedOut"]?.boolValue == true)

        try await say(.stop, "SM2", in: fixture)
        try await say(.help, "SM3", in: fixture)
        #expect(try await fixture.events().filter { $0.type == .optOutChanged }.count == 1)

        try await say(.start, "SM4", in: fixture)
        #expect(try await fixture.store.optedOutScopes(of: Self.address).isEmpty)
        let last = try #require(try await fixture.events().last)
        #expect(try last.json["contact"]?["channels"]?.arrayValue?.first?["optedOut"]?.boolValue == false)
        var query = OptOutQuery()
        query.address = Sample.contact
        let history = try await fixture.store.optOuts(query, page: PageRequest()).items
        #expect(history.map(\.optedOut) == [false, true])
        #expect(history.map(\.source) == [.keyword, .keyword])
        let contact = try await fixture.store.contacts(ContactQuery(), page: PageRequest()).items.first
        #expect(try await fixture.store.contact(contact?.id ?? fixture.clock.makeIdentifier()) == contact)
      }
    }

    @Test("a stop to a pool holds for the pool, one to a number for the number")
    func scopes() async throws {
      try await StoreFixture.run { fixture in
        try await say(.stop, "SM1", pool: "MG1", in: fixture)
        try await say(.stop, "SM2", in: fixture)
        #expect(
          try await fixture.store.optedOutScopes(of: Self.address) == [.service("MG1"), .sender(Sample.line)])
        try await say(.start, "SM3", in: fixture)
        #expect(try await fixture.store.optedOutScopes(of: Self.address) == [.service("MG1")])
        let last = try #require(try await fixture.events().last)
        #expect(try last.json["contact"]?["channels"]?.arrayValue?.first?["optedOut"]?.boolValue == true)
      }
    }

    @Test("a refusal by the provider goes into the ledger with the message's failure")
    func refusal() async throws {
      try await StoreFixture.run { fixture in
        let message = try await fixture.queue(fixture.outbound())
        let claimed = try #require(try await fixture.claim().first)
        try await fixture.store.record(
          SendRecord(
            messageID: message.id, lease: claimed.lease, accountSID: Sample.account,
            result: .failed(code: "21610", message: "opted out"), at: fixture.clock.now()),
          deadline: StoreFixture.deadline)
        #expect(
          try await fixture.store.optedOutScopes(of: Self.address) == [.sender(Sample.line)])
        let types = try await fixture.events().map(\.type)
        #expect(types.filter { $0 == .optOutChanged }.count == 1)
        #expect(try await fixture.texts("SELECT source FROM opt_outs") == ["refusal"])
      }
    }

    @Test("one of ours opts an address out for all senders, before it is anybody's and after it was deleted")
    func byHand() async throws {
      try await StoreFixture.run { fixture in
        #expect(try await fixture.store.setOptOut(Self.address, optedOut: true) == [.account])
        #expect(try await fixture.store.setOptOut(Self.address, optedOut: true) == [.account])
        #expect(try await fixture.number("SELECT count(*) FROM opt_outs") == 1)
        try await fixture.receive(fixture.inbound("SM1"))
        let contact = try #require(try await fixture.events().first { $0.type == .contactUpdated })
        #expect(try contact.json["channels"]?.arrayValue?.first?["optedOut"]?.boolValue == true)
        try await say(.stop, "SM2", in: fixture)
        #expect(try await fixture.store.setOptOut(Self.address, optedOut: false).isEmpty)
        let contacts = try await fixture.store.contacts(ContactQuery(), page: PageRequest()).items
        #expect(contacts.first?.channels.first?.optedOut == false)
      }
    }

    @Test("the last word counts by when it was said, not by when it came")
    func lateWord() async throws {
      try await StoreFixture.run { fixture in
        var start = fixture.inbound("SM1", body: "START")
        start.message.optOut = .start
        try await say(.stop, "SM0", in: fixture)
        var earlier = fixture.inbound("SM2", body: "START")
        earlier.message.optOut = .start
        earlier.message.receivedAt = start.message.receivedAt - .seconds(60)
        try await fixture.receive(earlier)
        #expect(try await fixture.store.optedOutScopes(of: Self.address) == [.sender(Sample.line)])
        start.message.receivedAt = fixture.clock.now()
        try await fixture.receive(start)
        #expect(try await fixture.store.optedOutScopes(of: Self.address).isEmpty)
      }
    }

    @Test("a message that was there before says nothing a second time")
    func duplicate() async throws {
      try await StoreFixture.run { fixture in
        try await say(.stop, "SM1", in: fixture)
        try await say(.start, "SM2", in: fixture)
        try await say(.stop, "SM1", in: fixture)
        #expect(try await fixture.store.optedOutScopes(of: Self.address).isEmpty)
      }
    }
  }

  @Suite("Messages that wait with us")
  struct HoldingTests {
    private func held(_ fixture: StoreFixture) -> OutboundRecord {
      var record = fixture.outbound(type: .whatsapp, channel: "wa")
      record.heldOutside = .seconds(86_400)
      return record
    }

    @Test("a held message goes when its contact writes, and to nobody else's word")
    func released() async throws {
      try await StoreFixture.run { fixture in
        let message = try await fixture.queue(held(fixture))
        #expect(message.status == .queued)
        #expect(try await fixture.claim().isEmpty)
        #expect(try await fixture.store.nextSends([Sample.sender], .waiting).isEmpty)
        try await fixture.receive(fixture.inbound("SM1", from: "+14155550999", type: .whatsapp, channel: "wa"))
        #expect(try await fixture.claim().isEmpty)
        try await fixture.receive(fixture.inbound("SM2", type: .whatsapp, channel: "wa"))
        #expect(try await fixture.claim().map(\.message.id) == [message.id])
      }
    }

    @Test("who writes only to say stop releases nothing")
    func stopReleasesNothing() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.queue(held(fixture))
        var record = fixture.inbound("SM1", type: .whatsapp, channel: "wa", body: "STOP")
        record.message.optOut = .stop
        try await fixture.receive(record)
        #expect(try await fixture.claim().isEmpty)
      }
    }

    @Test("a message that is to leave after the window has closed is held, and not released by today's word")
    func scheduledBeyond() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", type: .whatsapp, channel: "wa"))
        var record = held(fixture)
        record.scheduledAt = fixture.clock.now() + .seconds(3 * 86_400)
        try await fixture.queue(record)
        try await fixture.receive(fixture.inbound("SM2", type: .whatsapp, channel: "wa"))
        #expect(try await fixture.number("SELECT state FROM outbox") == 3)
      }
    }

    @Test("a message whose window closed while it waited is held then, but not for a contact who has just written")
    func heldLate() async throws {
      try await StoreFixture.run { fixture in
        let message = try await fixture.queue(fixture.outbound(type: .whatsapp, channel: "wa"))
        func hold(_ claimed: ClaimedSend) async throws {
          let now = fixture.clock.now()
          try await fixture.record(
            .held(
              .init(
                conversationID: message.conversationID, window: .seconds(86_400), leavesAt: now,
                until: now + .seconds(60))), of: claimed)
        }
        try await hold(try #require(try await fixture.claim().first))
        #expect(try await fixture.claim().isEmpty)
        #expect(try await fixture.claim(.unresolved).isEmpty)
        #expect(try await fixture.number("SELECT state FROM outbox") == 3)
        try await fixture.receive(fixture.inbound("SM1", type: .whatsapp, channel: "wa"))
        let released = try #require(try await fixture.claim().first)
        #expect(released.message.id == message.id && released.attempts == 0)
        try await hold(released)
        #expect(try await fixture.claim().map(\.message.id) == [message.id])
      }
    }

    @Test("a message to somebody who has just written is not held")
    func written() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM1", type: .whatsapp, channel: "wa"))
        let message = try await fixture.queue(held(fixture))
        #expect(try await fixture.claim().map(\.message.id) == [message.id])
      }
    }

    @Test(
      "a wish with a condition whose commit was not heard of is granted when its batch runs again; another is refused")
    func canceledUnheard() async throws {
      try await StoreFixture.run { fixture in
        let message = try await fixture.queue(fixture.outbound())
        let expected = try #require(try await fixture.store.message(message.id))
        let unit = CancelSends(context: fixture.store.writing)
        let wish = CancelWish(id: message.id, expected: expected)
        // As the lane does after a connection that was lost behind the commit.
        for _ in 1...2 {
          let outcomes = try await fixture.probe.run(deadline: StoreFixture.deadline) { connection in
            try unit.execute([wish], on: connection).map { try $0.get() }
          }
          guard case .canceled = outcomes.first else {
            Issue.record("\(outcomes)")
            return
          }
        }
        await #expect(throws: ResourceChanged.self) {
          try await fixture.store.cancel(message.id, ifStill: expected, deadline: StoreFixture.deadline)
        }
        #expect(try await fixture.events().filter { $0.type == .messageStatus }.count == 1)
      }
    }

    @Test("what waits can be taken back, held or scheduled; what a node has taken cannot")
    func canceled() async throws {
      try await StoreFixture.run { fixture in
        let waiting = try await fixture.queue(fixture.outbound())
        let holding = try await fixture.queue(held(fixture))
        let scheduled = try await fixture.queue(
          fixture.outbound(scheduledAt: fixture.clock.now() + .seconds(3_600)))
        let taken = try await fixture.queue(fixture.outbound(sender: "other"))
        #expect(try await fixture.claim(sender: "other").count == 1)
        for message in [waiting, holding, scheduled] {
          guard case .canceled(let now) = try await fixture.store.cancel(message.id, deadline: StoreFixture.deadline)
          else {
            Issue.record("\(message.status) was not canceled")
            continue
          }
          #expect(now.status == .canceled)
          #expect(try await fixture.store.message(message.id)?.message.status == .canceled)
        }
        guard case .notCancelable(let late) = try await fixture.store.cancel(taken.id, deadline: StoreFixture.deadline)
        else {
          Issue.record("a message under way was canceled")
          return
        }
        #expect(late.status == .sending)
        guard case .canceled = try await fixture.store.cancel(waiting.id, deadline: StoreFixture.deadline) else {
          Issue.record("a message that is canceled is not said to be")
          return
        }
        guard
          case .notFound = try await fixture.store.cancel(
            fixture.clock.makeIdentifier(), deadline: StoreFixture.deadline)
        else {
          Issue.record("nothing was canceled")
          return
        }
        #expect(try await fixture.claim().isEmpty)
        #expect(try await fixture.events().filter { $0.type == .messageStatus }.count == 4)
      }
    }
  }
}
