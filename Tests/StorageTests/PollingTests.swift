// Which messages the provider is asked about, and how an account's comparison is shared.

import ChannelProtocol
import GatewayTesting
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Asking again")
  struct PollingTests {
    private static let age = Duration.seconds(120)

    private static func scan(_ fixture: StoreFixture, on node: Int = 0) async throws -> Int {
      try await fixture.stores[node].scanForPolls(age: age, lookBack: .seconds(3_600), limit: 100)
    }

    private static func claim(_ fixture: StoreFixture, on node: Int = 0) async throws -> [ClaimedPoll] {
      try await fixture.stores[node].claimPolls(limit: 10, lease: .seconds(60))
    }

    @Test("messages are looked at once, some minutes after they were made, and those without an end are noted")
    func scan() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let delivered = try await fixture.send("SM1")
        try await fixture.apply(.callback("delivered", sid: "SM1", at: fixture.clock.now()))
        let sent = try await fixture.send("SM2")
        try await fixture.apply(.callback("sent", sid: "SM2", at: fixture.clock.now()))
        try await fixture.receive(fixture.inbound("SM3"))
        #expect(try await Self.scan(fixture) == 0)
        fixture.clock.advance(by: Self.age + .seconds(1))
        let young = try await fixture.send("SM4")
        #expect(try await Self.scan(fixture) == 3)
        #expect(try await Self.scan(fixture, on: 1) == 0)
        let claimed = try await Self.claim(fixture)
        #expect(claimed.map(\.messageID) == [sent])
        #expect(claimed[0].subject?.status == .sent && claimed[0].subject?.providerSID == "SM2")
        #expect(claimed[0].subject?.channel == "sms" && claimed[0].subject?.accountSID == Sample.account)
        #expect(try await Self.claim(fixture, on: 1).isEmpty)
        fixture.clock.advance(by: Self.age)
        #expect(try await Self.scan(fixture, on: 1) == 1)
        // A node that died in its question leaves it to the next.
        #expect(Set(try await Self.claim(fixture, on: 1).map(\.messageID)) == [sent, young])
        #expect(try await fixture.store.message(delivered)?.message.status == .delivered)
      }
    }

    @Test("a question ends, or is put off; one that somebody else took over is let alone")
    func finish() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.send("SM1")
        fixture.clock.advance(by: Self.age + .seconds(1))
        _ = try await Self.scan(fixture)
        let first = try #require(try await Self.claim(fixture).first)
        try await fixture.store.finishPoll(first, next: fixture.clock.now() + .seconds(600))
        #expect(try await Self.claim(fixture).isEmpty)
        fixture.clock.advance(by: .seconds(601))
        let second = try #require(try await Self.claim(fixture).first)
        #expect(second.attempts == 2)
        try await fixture.store.finishPoll(first, next: nil)
        #expect(try await fixture.number("SELECT count(*) FROM status_polls") == 1)
        try await fixture.store.finishPoll(second, next: nil)
        #expect(try await fixture.number("SELECT count(*) FROM status_polls") == 0)
      }
    }

    @Test("two ends that contradict each other have the provider asked at once, and its answer decides")
    func contradiction() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.send("SM1")
        try await fixture.apply(.callback("delivered", sid: "SM1", at: fixture.clock.now()))
        #expect(try await Self.claim(fixture).isEmpty)
        try await fixture.apply(.callback("undelivered", sid: "SM1", error: "30003", at: fixture.clock.now()))
        #expect(try await fixture.store.message(id)?.message.status == .delivered)
        let claimed = try #require(try await Self.claim(fixture).first)
        #expect(claimed.messageID == id && claimed.subject?.isContradicted == true)
        // Told once more while it is being asked: the question stays.
        try await fixture.apply(.callback("failed", sid: "SM1", error: "30008", at: fixture.clock.now()))
        var answer = StatusUpdate.callback(
          "undelivered", sid: "SM1", error: "30003", at: fixture.clock.now(), source: .poll)
        answer.price = Price(amount: "-0.00830", currency: "USD")
        try await fixture.apply(answer)
        try await fixture.store.finishPoll(claimed, next: nil)
        let detail = try #require(try await fixture.store.message(id))
        #expect(detail.message.status == .undelivered && detail.message.error?.code == "30003")
        #expect(detail.message.price == Price(amount: "0.00830", currency: "USD"))
        let known = try await fixture.store.knownMessages(["SM1", "SM9"], account: Sample.account)
        #expect(
          known == ["SM1": KnownMessage(status: .undelivered, isContradicted: false, price: detail.message.price)])
      }
    }

    @Test("messages that ended without a price are noted an hour later, once; others are not")
    func prices() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        func scan(on node: Int = 0) async throws -> Int {
          try await fixture.stores[node].scanForPrices(age: .seconds(3_600), lookBack: .seconds(7_200), limit: 100)
        }
        let unpriced = try await fixture.send("SM1")
        try await fixture.apply(.callback("delivered", sid: "SM1", at: fixture.clock.now()))
        try await fixture.send("SM2")
        var priced = StatusUpdate.callback("delivered", sid: "SM2", at: fixture.clock.now(), source: .poll)
        priced.price = Price(amount: "-0.0075", currency: "USD")
        try await fixture.apply(priced)
        try await fixture.send("SM3")
        try await fixture.apply(.callback("canceled", sid: "SM3", at: fixture.clock.now()))
        try await fixture.receive(fixture.inbound("SM4"))
        #expect(try await scan() == 0)
        fixture.clock.advance(by: .seconds(3_601))
        #expect(try await scan() == 4)
        #expect(try await scan(on: 1) == 0)
        let claimed = try await Self.claim(fixture)
        #expect(claimed.map(\.messageID) == [unpriced])
        #expect(claimed[0].subject?.hasPrice == false && claimed[0].subject?.address.value == Sample.contact)
      }
    }

    @Test("a price that comes alone is kept, and is an event of its own, once; with a status it is told with that")
    func price() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.send("SM1")
        try await fixture.apply(.callback("delivered", sid: "SM1", at: fixture.clock.now()))
        #expect(try await fixture.events(.messagePrice).isEmpty)
        var late = StatusUpdate.callback("delivered", sid: "SM1", at: fixture.clock.now(), source: .poll)
        late.price = Price(amount: "-0.0075", currency: "USD")
        try await fixture.apply(late)
        let message = try #require(try await fixture.store.message(id)?.message)
        #expect(message.price == Price(amount: "0.0075", currency: "USD") && message.status == .delivered)
        let told = try await fixture.events(.messagePrice)
        #expect(told.count == 1 && told[0].conversationID == message.conversationID && told[0].channel == "sms")
        #expect(try told[0].json["id"]?.stringValue == "\(id)" && told[0].json["status"] == "delivered")
        #expect(try told[0].json["price"] == ["amount": "0.0075", "currency": "USD"])
        try await fixture.apply(late)
        #expect(try await fixture.events(.messagePrice).count == 1)
        try await fixture.apply(.callback("read", sid: "SM1", at: fixture.clock.now()))
        #expect(try await fixture.events(.messageStatus).last?.json["price"]?["amount"] == "0.0075")

        let other = try await fixture.send("SM2")
        var priced = StatusUpdate.callback("delivered", sid: "SM2", at: fixture.clock.now(), source: .poll)
        priced.price = Price(amount: "-0.01", currency: "USD")
        try await fixture.apply(priced)
        #expect(try await fixture.events(.messagePrice).count == 1)
        let status = try #require(try await fixture.events(.messageStatus).last)
        #expect(try status.json["id"]?.stringValue == "\(other)" && status.json["price"]?["amount"] == "0.01")
      }
    }

    @Test("an account begins when it was noted first, and its first comparison is not put off")
    func noted() async throws {
      try await StoreFixture.run { fixture in
        let noted = fixture.clock.now()
        try await fixture.store.noteReconciledAccounts([Sample.account, "AC2"], at: noted)
        fixture.clock.advance(by: .seconds(600))
        try await fixture.store.noteReconciledAccounts([Sample.account], at: fixture.clock.now())
        let lease = try #require(
          try await fixture.store.beginReconciliation(
            account: Sample.account, notTriedSince: noted - .seconds(1), at: fixture.clock.now(), lease: .seconds(60)))
        #expect(lease.began == noted && lease.reached == noted)
      }
    }

    @Test("an account is compared by one node at a time, from where the last one came to; a new one begins now")
    func reconciliation() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        func begin(on node: Int, notTriedSince: Timestamp? = nil) async throws -> ReconciliationLease? {
          try await fixture.stores[node].beginReconciliation(
            account: Sample.account, notTriedSince: notTriedSince, at: fixture.clock.now(), lease: .seconds(60))
        }
        let started = fixture.clock.now()
        let first = try #require(try await begin(on: 0))
        #expect(first.reached >= started)
        #expect(try await begin(on: 1) == nil)
        let reached = started + .seconds(100)
        try await fixture.store.finishReconciliation(first, reached: reached, at: fixture.clock.now())
        let second = try #require(try await begin(on: 1))
        #expect(second.reached == reached)
        try await fixture.stores[1].failReconciliation(second, error: "away")
        #expect(try await begin(on: 0, notTriedSince: started) == nil)
        let third = try #require(try await begin(on: 0))
        #expect(third.reached == reached)
        // Whoever lost the lease moves nothing.
        try await fixture.store.finishReconciliation(second, reached: reached + .seconds(100), at: fixture.clock.now())
        try await fixture.store.finishReconciliation(third, reached: started, at: fixture.clock.now())
        #expect(try await begin(on: 1)?.reached == reached)
      }
    }
  }
}
