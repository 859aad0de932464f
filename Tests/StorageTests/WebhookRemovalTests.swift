// Removals that are broken off: nobody finds the webhook any more, and somebody goes on with it.

import ChannelProtocol
import GatewayTesting
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Webhooks that are being removed")
  struct WebhookRemovalTests {
    @Test("a removal that is broken off is gone on with, and nothing brings the webhook back meanwhile")
    func brokenOff() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let (gone, node) = try await fixture.leased(events: ["message.new"])
        let other = try await fixture.webhook(events: ["message.new"])
        try await fixture.append(100, "message.new")
        try await fixture.readLog()
        let last = try #require(
          Identifier(try await fixture.texts("SELECT id FROM deliveries WHERE webhook_id = '\(gone)' ORDER BY seq")[50])
        )
        let holder = try await fixture.holdDelivery(50, of: gone)
        defer { holder.close() }
        let removing = Task { try await fixture.stores[1].deleteWebhook(gone) }
        let count = "SELECT count(*) FROM deliveries WHERE webhook_id = '\(gone)'"
        #expect(await eventually { (try? await fixture.number(count)) == 1 })
        removing.cancel()
        await #expect(throws: (any Error).self) { try await removing.value }
        let store = fixture.store
        let now = fixture.clock.now()
        #expect(try await store.webhook(gone) == nil)
        #expect(try await store.webhooks(page: PageRequest()).items.map(\.id) == [other])
        #expect(try await store.updateWebhook(gone, at: now) { $0.isActive = true } == nil)
        #expect(try await store.rotateSecret(of: gone, to: [2], until: now, at: now) == nil)
        #expect(try await store.webhookEndpoint(gone) == nil)
        #expect(try await !store.deleteWebhook(gone))
        if case .unknown = try await store.retryDelivery(last) {} else { Issue.record("its webhook is gone") }
        let replayed = try await store.replayWebhook(
          gone, since: Timestamp(seconds: 0), until: fixture.later, as: fixture.clock.makeIdentifier())
        #expect(replayed == 0)
        #expect(try await store.leaseEndpoints(node: node, lease: .seconds(60)).map(\.id) == [other])
        try await holder.release()
        try await store.finishRemovals()
        #expect(try await fixture.number("SELECT count(*) FROM webhooks") == 1)
        #expect(try await fixture.number("SELECT count(*) FROM deliveries") == 100)
      }
    }

    @Test("a removal that an older version left unfinished is finished; what is paused or disabled stays")
    func olderVersion() async throws {
      try await StoreFixture.run { fixture in
        for _ in 0..<3 { try await fixture.webhook(isActive: false) }
        let ids = try await fixture.texts("SELECT id FROM webhooks ORDER BY id")
        try await fixture.script(
          """
          ALTER TABLE webhooks DROP COLUMN removed_at;
          UPDATE webhooks SET disabled_reason = 'It is being removed.' WHERE id = '\(ids[0])';
          UPDATE webhooks SET disabled_reason = 'The endpoint answered 410 Gone.' WHERE id = '\(ids[1])';
          \(removalSchema)
          """)
        try await fixture.store.finishRemovals()
        #expect(try await fixture.texts("SELECT id FROM webhooks ORDER BY id") == Array(ids[1...]))
      }
    }

    @Test("a removal that another node finishes meanwhile has succeeded")
    func finishedElsewhere() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        let (gone, _) = try await fixture.leased(events: ["message.new"])
        try await fixture.append(100, "message.new")
        try await fixture.readLog()
        let holder = try await fixture.holdDelivery(50, of: gone)
        defer { holder.close() }
        let removing = Task { try await fixture.stores[1].deleteWebhook(gone) }
        let count = "SELECT count(*) FROM deliveries WHERE webhook_id = '\(gone)'"
        #expect(await eventually { (try? await fixture.number(count)) == 1 })
        async let finishing: Void = fixture.store.finishRemovals()
        try await holder.release()
        try await finishing
        #expect(try await removing.value)
        #expect(try await fixture.number("SELECT count(*) FROM webhooks") == 0)
      }
    }
  }
}
