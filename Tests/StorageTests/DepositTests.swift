// Interactive content that providers keep: one id for all nodes.

import ChannelProtocol
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Deposits")
  struct DepositTests {
    @Test("of several that deposit the same content, the first one's id is everybody's, in its account only")
    func firstWins() async throws {
      try await StoreFixture.run { fixture in
        let store = fixture.store
        #expect(try await store.depositSID(digest: "d", account: "AC1") == nil)
        let winners = try await withThrowingTaskGroup(of: String.self) { group in
          for number in 0..<8 {
            group.addTask { try await store.rememberDeposit("HX\(number)", digest: "d", account: "AC1") }
          }
          return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        let winner = try #require(winners.first)
        #expect(winners.count == 1)
        #expect(try await store.depositSID(digest: "d", account: "AC1") == winner)
        #expect(try await store.depositSID(digest: "d", account: "AC2") == nil)
      }
    }

    @Test("what no message has used for long enough is forgotten; a look at it is a use")
    func expired() async throws {
      try await StoreFixture.run { fixture in
        let store = fixture.store
        for name in ["old", "used", "young"] {
          _ = try await store.rememberDeposit("HX-\(name)", digest: name, account: "AC1")
        }
        try await fixture.script(
          "UPDATE content_deposits SET used_at = now() - interval '100 days' WHERE digest IN ('old', 'used')")
        #expect(try await store.depositSID(digest: "used", account: "AC1") == "HX-used")
        try await store.expireDeposits(olderThan: .seconds(90 * 86_400))
        #expect(try await store.depositSID(digest: "old", account: "AC1") == nil)
        for name in ["used", "young"] {
          #expect(try await store.depositSID(digest: name, account: "AC1") == "HX-\(name)")
        }
      }
    }

    @Test("what is lost is forgotten; what another node has deposited since stays")
    func forgotten() async throws {
      try await StoreFixture.run { fixture in
        let store = fixture.store
        _ = try await store.rememberDeposit("HX1", digest: "d", account: "AC1")
        try await store.forgetDeposit("HX0", digest: "d", account: "AC1")
        #expect(try await store.depositSID(digest: "d", account: "AC1") == "HX1")
        try await store.forgetDeposit("HX1", digest: "d", account: "AC1")
        #expect(try await store.depositSID(digest: "d", account: "AC1") == nil)
        #expect(try await store.rememberDeposit("HX2", digest: "d", account: "AC1") == "HX2")
      }
    }
  }
}
