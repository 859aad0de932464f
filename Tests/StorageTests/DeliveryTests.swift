// Outbound webhooks as rows.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Deliveries of webhooks")
  struct DeliveryTests {
    @Test("each event becomes each delivery exactly once, however many nodes read the log")
    func exactlyOnce() async throws {
      try await StoreFixture.run(stores: 4) { fixture in
        let all = try await fixture.webhook()
        let some = try await fixture.webhook(events: ["message.new"])
        for index in 0..<100 {
          try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555\(1_000 + index % 7)"))
        }
        let last = try await fixture.store.bounds().newest
        let read = try await withThrowingTaskGroup(of: Int.self) { group in
          for store in fixture.stores {
            group.addTask {
              var count = 0
              while try await fixture.number("SELECT seq FROM consumer_cursors") < last {
                count += try await store.materialiseDeliveries(limit: 10)
              }
              return count
            }
          }
          return try await group.reduce(0, +)
        }
        #expect(read == Int(last))
        #expect(try await fixture.number("SELECT count(*) FROM deliveries WHERE webhook_id = '\(all)'") == Int(last))
        #expect(
          try await fixture.number("SELECT count(DISTINCT event_id) FROM deliveries WHERE webhook_id = '\(some)'")
            == 100)
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == Int(last) + 100)
        #expect(try await fixture.store.materialiseDeliveries(limit: 10) == 0)
      }
    }

    @Test("an endpoint gets the events and channels it asked for, since it asked")
    func filters() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("SM0"))
        let all = try await fixture.webhook()
        let whatsapp = try await fixture.webhook(channels: ["wa"])
        let new = try await fixture.webhook(events: ["message.new", "message.read"], channels: ["sms"])
        _ = try await fixture.webhook(isActive: false)
        try await fixture.receive(fixture.inbound("SM1"))
        try await fixture.receive(fixture.inbound("SM2", type: .whatsapp, channel: "wa"))
        try await fixture.receive(fixture.inbound("SM3", channel: nil))
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        func types(_ id: Identifier) async throws -> [String] {
          try await fixture.texts("SELECT type FROM deliveries WHERE webhook_id = '\(id)' ORDER BY seq")
        }
        #expect(try await types(all).filter { $0 == "message.new" }.count == 3)
        #expect(try await types(whatsapp) == ["contact.updated", "message.new", "conversation.updated"])
        #expect(try await types(new) == ["message.new"])
        #expect(try await fixture.number("SELECT count(DISTINCT webhook_id) FROM deliveries") == 3)
      }
    }

    @Test("a failing delivery holds back its own conversation and no other")
    func orderPerConversation() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.webhook(events: ["message.new"])
        for index in 0..<9 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index % 3)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        var delivered: [Identifier?: [Int64]] = [:]
        var failing: Identifier?
        for round in 0..<3 {
          let claimed = try await fixture.store.claimDeliveries(limit: 100, perEndpoint: 100, lease: .seconds(60))
          #expect(claimed.count == (round == 0 ? 3 : 2))
          if round == 0 { failing = claimed[1].event.conversationID }
          // While they are under way nothing that comes after them is handed out.
          #expect(try await fixture.store.claimDeliveries(limit: 100, perEndpoint: 100, lease: .seconds(60)).isEmpty)
          try await fixture.store.finishDeliveries(
            claimed.map { delivery in
              let fails = delivery.event.conversationID == failing
              if !fails { delivered[delivery.event.conversationID, default: []].append(delivery.event.seq) }
              return fixture.outcome(delivery, fails ? .retry(at: fixture.later) : .delivered)
            })
        }
        #expect(delivered.count == 2)
        #expect(delivered.values.allSatisfy { $0.count == 3 && $0 == $0.sorted() })
        #expect(delivered[failing] == nil)
        #expect(try await fixture.number("SELECT count(*) FROM deliveries WHERE state = 0") == 3)
      }
    }

    @Test("of one endpoint no more than its bound is under way, on however many nodes")
    func perEndpointBound() async throws {
      try await StoreFixture.run(stores: 4) { fixture in
        let slow = try await fixture.webhook(events: ["message.new"])
        let other = try await fixture.webhook(events: ["contact.updated"])
        for index in 0..<40 {
          try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555\(1_000 + index)"))
        }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        for _ in 0..<25 {
          let claimed = try await withThrowingTaskGroup(of: [ClaimedDelivery].self) { group in
            for store in fixture.stores {
              group.addTask { try await store.claimDeliveries(limit: 64, perEndpoint: 5, lease: .seconds(60)) }
            }
            return try await group.reduce(into: [ClaimedDelivery]()) { $0 += $1 }
          }
          #expect(claimed.filter { $0.endpoint.id == slow }.count == 5)
          #expect(claimed.filter { $0.endpoint.id == other }.count == 5)
          #expect(Set(claimed.map(\.id)).count == 10)
          try await fixture.script("UPDATE deliveries SET lease = NULL, lease_until = NULL")
        }
        _ = try await fixture.store.claimDeliveries(limit: 64, perEndpoint: 5, lease: .seconds(60))
        #expect(try await fixture.store.claimDeliveries(limit: 64, perEndpoint: 5, lease: .seconds(60)).isEmpty)
        #expect(try await fixture.store.claimDeliveries(limit: 3, perEndpoint: 50, lease: .seconds(60)).count == 3)
      }
    }

    @Test("an outcome whose lease was lost is ignored, and disables nothing")
    func lostLease() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.webhook(events: ["message.new"])
        try await fixture.receive(fixture.inbound("SM1"))
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let lost = try #require(
          try await fixture.store.claimDeliveries(limit: 1, perEndpoint: 1, lease: .milliseconds(-1)).first)
        let held = try #require(
          try await fixture.store.claimDeliveries(limit: 1, perEndpoint: 1, lease: .seconds(60)).first)
        #expect(held.id == lost.id && held.lease != lost.lease)
        try await fixture.store.finishDeliveries([fixture.outcome(lost, .disableEndpoint(reason: "gone"))])
        try await fixture.store.finishDeliveries([fixture.outcome(lost, .delivered)])
        #expect(try await fixture.store.webhooks(page: PageRequest()).items.first?.isActive == true)
        #expect(try await fixture.number("SELECT count(*) FROM delivery_attempts") == 0)
        try await fixture.store.finishDeliveries([fixture.outcome(held, .retry(at: fixture.later))])
        #expect(
          try await fixture.texts("SELECT attempts || ' ' || state FROM deliveries WHERE webhook_id = '\(id)'") == [
            "1 0"
          ])
        #expect(try await fixture.number("SELECT count(*) FROM delivery_attempts") == 1)
      }
    }

    @Test("an endpoint that says it is gone is disabled, and an event says so to the others")
    func disabling() async throws {
      try await StoreFixture.run { fixture in
        let gone = try await fixture.webhook(events: ["message.new"])
        let other = try await fixture.webhook(events: ["webhook.disabled"])
        for index in 0..<2 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let claimed = try await fixture.store.claimDeliveries(limit: 10, perEndpoint: 10, lease: .seconds(60))
        #expect(claimed.count == 2)
        try await fixture.store.finishDeliveries(
          claimed.map { fixture.outcome($0, .disableEndpoint(reason: "answered 410")) })
        let webhook = try #require(try await fixture.store.webhooks(page: PageRequest()).items.first { $0.id == gone })
        #expect(!webhook.isActive && webhook.disabledReason == "answered 410")
        let told = try await fixture.events(.webhookDisabled)
        #expect(told.count == 1)
        #expect(try told.first?.json["id"]?.stringValue == "\(gone)")
        #expect(try told.first?.json["active"]?.boolValue == false)
        #expect(try told.first?.json["secret"] == nil)
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let next = try await fixture.store.claimDeliveries(limit: 10, perEndpoint: 10, lease: .seconds(60))
        #expect(next.map(\.endpoint.id) == [other])
      }
    }

    @Test("secrets are opened on the way out, the one before last only while it is good, and none that cannot be")
    func secrets() async throws {
      let opening: @Sendable ([UInt8]) -> [UInt8]? = { sealed in sealed == [9] ? nil : sealed.map { $0 ^ 0xFF } }
      try await StoreFixture.run(openSecret: opening) { fixture in
        let id = try await fixture.webhook(secret: [1, 2], headers: ["X-Team": "blue"])
        try await fixture.receive(fixture.inbound("SM1"))
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        func claimedSecrets() async throws -> [[UInt8]] {
          let claimed = try await fixture.store.claimDeliveries(limit: 1, perEndpoint: 10, lease: .milliseconds(-1))
          #expect(claimed.first?.endpoint.headers == ["X-Team": "blue"])
          return try #require(claimed.first).endpoint.secrets
        }
        #expect(try await claimedSecrets() == [[0xFE, 0xFD]])
        func rotate(_ secret: String, _ until: String) async throws {
          try await fixture.script(
            """
            UPDATE webhooks SET previous_secret = '\(secret)', previous_secret_until = now() + '\(until)'
            WHERE id = '\(id)'
            """
          )
        }
        try await rotate("\\x03", "1 hour")
        #expect(try await claimedSecrets() == [[0xFE, 0xFD], [0xFC]])
        try await rotate("\\x09", "1 hour")
        #expect(try await claimedSecrets() == [[0xFE, 0xFD]])
        try await rotate("\\x03", "-1 hour")
        #expect(try await claimedSecrets() == [[0xFE, 0xFD]])
      }
    }

    @Test("what falls due next is known behind what is under way")
    func nextDue() async throws {
      try await StoreFixture.run { fixture in
        #expect(try await fixture.store.nextDeliveryDue() == nil)
        try await fixture.webhook(events: ["message.new"])
        for index in 0..<2 { try await fixture.receive(fixture.inbound("SM\(index)", from: "+1415555100\(index)")) }
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        let claimed = try await fixture.store.claimDeliveries(limit: 2, perEndpoint: 10, lease: .seconds(600))
        #expect(claimed.count == 2)
        let soon = SystemClock().now() + .seconds(30)
        try await fixture.store.finishDeliveries([fixture.outcome(claimed[1], .retry(at: soon))])
        #expect(try await fixture.store.nextDeliveryDue() == soon)
      }
    }

    @Test("a webhook that is removed takes its deliveries with it")
    func removal() async throws {
      try await StoreFixture.run { fixture in
        let id = try await fixture.webhook()
        try await fixture.receive(fixture.inbound("SM1"))
        _ = try await fixture.store.materialiseDeliveries(limit: 1_000)
        #expect(try await fixture.store.deleteWebhook(id))
        #expect(try await !fixture.store.deleteWebhook(id))
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == 0)
      }
    }
  }
}

extension StoreFixture {
  /// A time that has not come when the test ends.
  fileprivate var later: Timestamp { SystemClock().now() + .seconds(3_600) }

  @discardableResult
  fileprivate func webhook(
    events: [String] = [], channels: [String] = [], secret: [UInt8] = [1], headers: [String: String] = [:],
    isActive: Bool = true
  ) async throws -> Identifier {
    let id = clock.makeIdentifier()
    try await store.createWebhook(
      Webhook(
        id: id, url: "https://hooks.example/", events: events, channels: channels, headers: headers,
        isActive: isActive, createdAt: clock.now()), secret: secret)
    return id
  }

  fileprivate func outcome(
    _ claimed: ClaimedDelivery, _ disposition: DeliveryOutcome.Disposition
  ) -> DeliveryOutcome {
    DeliveryOutcome(
      delivery: claimed.id, lease: claimed.lease,
      attempt: DeliveryAttempt(
        at: clock.now(), status: 500, latency: .milliseconds(12), error: nil, response: "no"),
      disposition: disposition)
  }
}
