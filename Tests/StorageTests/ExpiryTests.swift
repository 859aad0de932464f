// What waits with us has an end.

import ChannelProtocol
import GatewayTesting
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Expiry")
  struct ExpiryTests {
    private static func end(_ fixture: StoreFixture) async throws -> Int {
      try await fixture.store.expireSends(limit: 10, deadline: StoreFixture.deadline)
    }

    @Test("a message that waited beyond its validity fails with a code of ours and an event; the rest goes on waiting")
    func queued() async throws {
      try await StoreFixture.run { fixture in
        let short = try await fixture.queue(fixture.outbound(validFor: 60))
        let long = try await fixture.queue(fixture.outbound(validFor: 3_600))
        let endless = try await fixture.queue(fixture.outbound())
        let next = try #require(try await fixture.store.nextExpiry())
        #expect(next - short.createdAt == .seconds(60))
        #expect(try await Self.end(fixture) == 0)
        fixture.clock.advance(by: .seconds(61))
        #expect(try await Self.end(fixture) == 1)
        let ended = try #require(try await fixture.store.message(short.id)?.message)
        #expect(ended.status == .failed && ended.error?.code == "expired")
        #expect(try await fixture.store.message(long.id)?.message.status == .queued)
        #expect(try await fixture.claim().map(\.message.id) == [long.id, endless.id])
        let told = try await fixture.events(.messageStatus).first
        #expect(try told?.json["status"] == "failed" && told?.json["error"]?["code"] == "expired")
        #expect(try await Self.end(fixture) == 0)
      }
    }

    @Test("a held message ends after the time that the channel holds it; the contact's message lifts that end")
    func held() async throws {
      try await StoreFixture.run { fixture in
        func hold(_ contact: String, validFor: Int? = nil) async throws -> Message {
          var record = fixture.outbound(to: contact, type: .whatsapp, channel: "whatsapp", validFor: validFor)
          record.heldOutside = .seconds(86_400)
          record.expiresAt = record.createdAt + .seconds(3_600)
          return try await fixture.queue(record)
        }
        let forgotten = try await hold("+14155550101")
        let answered = try await hold("+14155550102")
        let brief = try await hold("+14155550103", validFor: 7_200)
        for contact in ["+14155550102", "+14155550103"] {
          try await fixture.receive(
            fixture.inbound("SM\(contact)", from: contact, line: Sample.line, type: .whatsapp, channel: "whatsapp"))
        }
        fixture.clock.advance(by: .seconds(3_601))
        #expect(try await Self.end(fixture) == 1)
        let ended = try #require(try await fixture.store.message(forgotten.id)?.message)
        #expect(ended.status == .failed && ended.error?.code == "expired")
        #expect(ended.error?.message.contains("did not write") ?? false)
        let claimed = try await fixture.claim()
        #expect(Set(claimed.map(\.message.id)) == [answered.id, brief.id])
        // What is left of the validity that was asked for.
        #expect(claimed.first { $0.message.id == answered.id }?.validity == nil)
        let left = try #require(claimed.first { $0.message.id == brief.id }?.validity)
        #expect(left < .seconds(3_600) && left > .seconds(3_500))
      }
    }

    @Test("what a node is sending does not end under its hands")
    func calling() async throws {
      try await StoreFixture.run { fixture in
        let message = try await fixture.queue(fixture.outbound(validFor: 60))
        let claimed = try #require(try await fixture.claim().first)
        #expect(try #require(claimed.validity) <= .seconds(60))
        fixture.clock.advance(by: .seconds(61))
        #expect(try await fixture.store.nextExpiry() == nil)
        #expect(try await Self.end(fixture) == 0)
        try await fixture.record(.accepted(.sample("SM1")), of: claimed)
        #expect(try await fixture.store.message(message.id)?.message.status == .accepted)
      }
    }

    @Test("a message whose sender finds that it must wait stays as it is, with its turn put off")
    func postponed() async throws {
      try await StoreFixture.run { fixture in
        var record = fixture.outbound(validFor: 86_400)
        record.quietZone = "Europe/Berlin"
        let quiet = try await fixture.queue(record)
        let plain = try await fixture.queue(fixture.outbound())
        let morning = fixture.clock.now() + .seconds(3_600)
        var claim = SendClaim(
          senderKey: Sample.sender, work: .waiting, limit: 10, lease: fixture.clock.makeIdentifier(),
          leaseUntil: fixture.clock.now() + .seconds(60))
        claim.postponement = { _, zone in zone == "Europe/Berlin" ? morning : nil }
        let claimed = try await fixture.store.claim(claim, deadline: StoreFixture.deadline)
        #expect(claimed.map(\.message.id) == [plain.id])
        #expect(try await fixture.store.message(quiet.id)?.message.status == .queued)
        try await fixture.record(.accepted(.sample("SM1")), of: claimed[0])
        #expect(try await fixture.store.nextSends([Sample.sender], .waiting)[Sample.sender] == morning)
        fixture.clock.set(morning)
        let then = try await fixture.claim()
        #expect(then.map(\.message.id) == [quiet.id] && then[0].attempts == 0)
      }
    }

    @Test("a message that its provider keeps is taken at once, and its validity counts from its time")
    func handedOver() async throws {
      try await StoreFixture.run { fixture in
        var record = fixture.outbound(scheduledAt: fixture.clock.now() + .seconds(3_600), validFor: 600)
        record.runAt = record.createdAt
        try await fixture.queue(record)
        let claimed = try #require(try await fixture.claim().first)
        #expect(claimed.validity == .seconds(600))
      }
    }
  }
}
