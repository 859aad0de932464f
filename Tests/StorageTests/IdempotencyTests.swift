// Requests that may be sent twice, and keys, on one database and several nodes.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Idempotency keys")
  struct IdempotencyTests {
    private static let lease = Duration.seconds(60)
    private static let keyID = Identifier(high: 1, low: 1)

    private func request(_ fixture: StoreFixture, key: String = "k", body: UInt8 = 1) -> IdempotentRequest {
      IdempotentRequest(
        keyID: Self.keyID, path: "/api/messages", key: key, bodyHash: [body],
        proposedID: fixture.clock.makeIdentifier())
    }

    private func held(_ claim: IdempotencyClaim) throws -> HeldRequest {
      guard case .held(let held) = claim else { throw Unexpected(claim: "\(claim)") }
      return held
    }

    private struct Unexpected: Error { var claim: String }

    @Test("of fifty duplicates on two nodes one is acted on")
    func concurrentDuplicates() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let claims = try await withThrowingTaskGroup(of: IdempotencyClaim.self) { group in
          for index in 0..<50 {
            let request = request(fixture)
            let store = fixture.stores[index % 2]
            group.addTask { try await store.claim(request, lease: Self.lease) }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        let held = claims.filter { if case .held = $0 { true } else { false } }
        let waiting = claims.filter { if case .inFlight = $0 { true } else { false } }
        #expect(held.count == 1 && waiting.count == 49)
      }
    }

    @Test("the first answer is given again; another body and another path are told apart")
    func answers() async throws {
      try await StoreFixture.run { fixture in
        let held = try held(try await fixture.store.claim(request(fixture), lease: Self.lease))
        #expect(!held.isRepeated)
        let answer = KeptAnswer(status: 202, sealed: [1, 2, 3])
        #expect(try await fixture.store.keep(answer, for: held))
        guard case .answered(let kept) = try await fixture.store.claim(request(fixture), lease: Self.lease) else {
          Issue.record("not answered")
          return
        }
        #expect(kept == answer)
        guard case .otherBody = try await fixture.store.claim(request(fixture, body: 2), lease: Self.lease) else {
          Issue.record("another body passed")
          return
        }
        var elsewhere = request(fixture)
        elsewhere.path = "/api/contacts"
        #expect(try !self.held(try await fixture.store.claim(elsewhere, lease: Self.lease)).isRepeated)
        // An answer that is there is not taken away by a late release.
        try await fixture.store.release(held, forgetting: true)
        #expect(try await fixture.number("SELECT count(*) FROM idempotency_keys WHERE status = 202") == 1)
      }
    }

    @Test("what a dead node claimed is given on with the same id, once its lease is over, and to one")
    func takeOver() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let first = try held(try await fixture.store.claim(request(fixture), lease: .zero))
        let second = try held(try await fixture.stores[1].claim(request(fixture), lease: Self.lease))
        #expect(second.isRepeated && second.resourceID == first.resourceID)
        guard case .inFlight = try await fixture.store.claim(request(fixture), lease: Self.lease) else {
          Issue.record("claimed twice")
          return
        }
        #expect(try await !fixture.store.keep(KeptAnswer(status: 202, sealed: []), for: first), "it lost its claim")
        #expect(try await fixture.stores[1].keep(KeptAnswer(status: 202, sealed: []), for: second))
      }
    }

    @Test("a claim that is given back is forgotten, or keeps its id and its body")
    func release() async throws {
      try await StoreFixture.run { fixture in
        let first = try held(try await fixture.store.claim(request(fixture), lease: Self.lease))
        try await fixture.store.release(first, forgetting: false)
        guard case .otherBody = try await fixture.store.claim(request(fixture, body: 2), lease: Self.lease) else {
          Issue.record("the body of what may have been done was forgotten")
          return
        }
        let again = try held(try await fixture.store.claim(request(fixture), lease: Self.lease))
        #expect(again.isRepeated && again.resourceID == first.resourceID)
        try await fixture.store.release(again, forgetting: true)
        #expect(try !held(try await fixture.store.claim(request(fixture, body: 2), lease: Self.lease)).isRepeated)
      }
    }

    @Test("after a day a key is new again, and the row goes")
    func expiry() async throws {
      try await StoreFixture.run { fixture in
        let first = try held(try await fixture.store.claim(request(fixture), lease: Self.lease))
        #expect(try await fixture.store.keep(KeptAnswer(status: 202, sealed: []), for: first))
        try await fixture.script("UPDATE idempotency_keys SET created_at = now() - interval '24 hours'")
        let next = try held(try await fixture.store.claim(request(fixture, body: 2), lease: Self.lease))
        #expect(!next.isRepeated && next.resourceID != first.resourceID)
        try await fixture.script("UPDATE idempotency_keys SET created_at = now() - interval '24 hours'")
        _ = try await fixture.store.claim(request(fixture, key: "young"), lease: Self.lease)
        try await fixture.store.expireIdempotencyKeys()
        #expect(try await fixture.texts("SELECT key FROM idempotency_keys") == ["young"])
      }
    }
  }

  @Suite("API keys")
  struct KeyTests {
    @Test("a key is found by its hash until it is taken back, which every node hears, or its time is over")
    func lifeOfAKey() async throws {
      try await StoreFixture.run { fixture in
        let now = fixture.clock.now()
        let key = APIKey(id: fixture.clock.makeIdentifier(), name: "n", scopes: [.read], createdAt: now)
        try await fixture.store.createKey(key, hash: [1, 2, 3])
        #expect(try await fixture.store.key(hash: [1, 2, 3])?.id == key.id)
        #expect(try await fixture.store.key(hash: [1, 2]) == nil)
        let expired = APIKey(
          id: fixture.clock.makeIdentifier(), name: "o", scopes: [.read], expiresAt: now - .seconds(1), createdAt: now)
        try await fixture.store.createKey(expired, hash: [4])
        #expect(try await fixture.store.key(hash: [4]) == nil)
        #expect(try await fixture.store.key(expired.id)?.name == "o")
        let listener = Listener(
          configuration: fixture.database.configuration, channels: [APIKey.revocations],
          logger: ThrowawayDatabase.silentLogger)
        try listener.start()
        defer { listener.close() }
        var signals = listener.signals.makeAsyncIterator()
        #expect(await signals.next() == .listening)
        #expect(try await fixture.store.revokeKey(key.id))
        #expect(await signals.next() == .notification(channel: APIKey.revocations, payload: "\(key.id)"))
        #expect(try await !fixture.store.revokeKey(key.id))
        #expect(try await fixture.store.key(hash: [1, 2, 3]) == nil)
      }
    }

    @Test("a use is noted once a minute; keys are listed newest first, page by page")
    func useAndList() async throws {
      try await StoreFixture.run { fixture in
        let now = fixture.clock.now()
        var ids: [Identifier] = []
        for index in 0..<3 {
          ids.append(fixture.clock.makeIdentifier())
          try await fixture.store.createKey(
            APIKey(id: ids[index], name: "\(index)", scopes: [.read], createdAt: now), hash: [UInt8(index)])
        }
        try await fixture.store.noteKeyUse(ids[0], at: now)
        try await fixture.store.noteKeyUse(ids[0], at: now + .seconds(59))
        #expect(try await fixture.store.key(ids[0])?.lastUsedAt == now)
        try await fixture.store.noteKeyUse(ids[0], at: now + .seconds(60))
        #expect(try await fixture.store.key(ids[0])?.lastUsedAt == now + .seconds(60))
        let first = try await fixture.store.keys(page: PageRequest(limit: 2))
        #expect(first.items.map(\.id) == [ids[2], ids[1]])
        let rest = try await fixture.store.keys(page: PageRequest(limit: 2, cursor: first.next))
        #expect(rest.items.map(\.id) == [ids[0]] && rest.next == nil)
      }
    }
  }
}
