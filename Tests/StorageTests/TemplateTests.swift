// The catalog of templates: what a sync changes, what a failed one leaves, and lists.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Templates")
  struct TemplateTests {
    private static let account = "AC1"

    private static func record(
      _ sid: String, name: String = "order", language: String = "en", status: String? = "approved", second: Int64 = 0,
      body: JSONValue = "Hi {{1}}"
    ) -> TemplateRecord {
      TemplateRecord(
        sid: sid, name: name, language: language, types: ["twilio/text": ["body": body]], variables: ["1": "Ada"],
        approval: .init(status: status, category: "UTILITY"), createdAt: Timestamp(microseconds: second * 1_000_000))
    }

    @Test("a sync puts the new catalog in the place of the old one, and counts what changed")
    func counts() async throws {
      try await StoreFixture.run { fixture in
        let first = try await fixture.sync([
          Self.record("HX1"), Self.record("HX2"), Self.record("HX2"), Self.record("HX3"),
        ])
        #expect(first == .counts(total: 3, added: 3))
        let same = try await fixture.sync([Self.record("HX1"), Self.record("HX2"), Self.record("HX3")])
        #expect(same == .counts(total: 3))
        let changed = try await fixture.sync([
          Self.record("HX1", status: "paused"), Self.record("HX3", body: "Hello {{1}}"), Self.record("HX4"),
        ])
        #expect(changed == .counts(total: 3, added: 1, updated: 2, removed: 1))
        let kept = try await fixture.store.templates(TemplateQuery(), page: PageRequest()).items
        #expect(Set(kept.map(\.record.sid)) == ["HX1", "HX3", "HX4"])
        #expect(kept.first { $0.record.sid == "HX1" }?.record.approval.status == "paused")
        #expect(try await fixture.sync([]) == .counts(removed: 3))
      }
    }

    @Test("an account's catalog is its own: the same id at another account is another template")
    func accounts() async throws {
      try await StoreFixture.run { fixture in
        _ = try await fixture.sync([Self.record("HX1", name: "ours")])
        _ = try await fixture.sync([Self.record("HX1", name: "theirs")], account: "AC2")
        #expect(try await fixture.sync([]) == .counts(removed: 1))
        #expect(try await fixture.store.template(sid: "HX1", account: Self.account) == nil)
        #expect(try await fixture.store.template(sid: "HX1", account: nil)?.record.name == "theirs")
        #expect(try await fixture.store.template(sid: "HX1", account: "AC2")?.accountSID == "AC2")
        try await fixture.store.forgetTemplates(exceptOf: ["AC1"])
        #expect(try await fixture.store.template(sid: "HX1", account: nil) == nil)
        #expect(try await fixture.store.templateSyncs().map(\.accountSID) == ["AC1"])
      }
    }

    @Test("a failed sync keeps the catalog, and tells the last attempt from the last success")
    func failure() async throws {
      try await StoreFixture.run { fixture in
        _ = try await fixture.sync([Self.record("HX1")])
        let success = try #require(try await fixture.store.templateSyncs().first)
        #expect(success.lastSuccessAt != nil && success.lastError == nil)
        fixture.clock.advance(by: .seconds(60))
        let lease = try #require(try await fixture.begin())
        #expect(try await fixture.begin() == nil, "one node at a time")
        try await fixture.store.failTemplateSync(lease, error: "20003: Authenticate")
        let failed = try #require(try await fixture.store.templateSyncs().first)
        #expect(failed.lastError == "20003: Authenticate" && failed.lastSuccessAt == success.lastSuccessAt)
        #expect(failed.lastAttemptAt - success.lastAttemptAt >= .seconds(60))
        let kept = try #require(try await fixture.store.template(sid: "HX1", account: nil))
        #expect(kept.syncedAt == success.lastSuccessAt)
        _ = try await fixture.sync([Self.record("HX1")])
        #expect(try await fixture.store.templateSyncs().first?.lastError == nil)
        let seen = try #require(try await fixture.store.template(sid: "HX1", account: nil))
        #expect(seen.syncedAt > kept.syncedAt && seen.id == kept.id)
      }
    }

    @Test("a node whose lease ran out changes nothing any more; a recent attempt keeps others from trying")
    func leases() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let late = try #require(try await fixture.begin(lease: .zero))
        let next = try #require(try await fixture.begin(on: 1))
        let now = fixture.clock.now()
        #expect(try await fixture.store.finishTemplateSync(late, with: [Self.record("HX1")], at: now) == nil)
        try await fixture.store.failTemplateSync(late, error: "late")
        #expect(try await fixture.store.templateSyncs().first?.lastError == nil)
        #expect(try await fixture.store.templates(TemplateQuery(), page: PageRequest()).items.isEmpty)
        #expect(
          try await fixture.stores[1].finishTemplateSync(next, with: [Self.record("HX2")], at: now)
            == .counts(total: 1, added: 1))
        #expect(try await fixture.begin(notTriedSince: now - .seconds(60)) == nil)
        #expect(try await fixture.begin(notTriedSince: now + .seconds(60)) != nil)
        try await fixture.store.releaseAllLeases()
        #expect(try await fixture.begin() != nil)
      }
    }

    @Test("the list shows the provider's newest first, by pages that hold still, and filters by what is named")
    func lists() async throws {
      try await StoreFixture.run { fixture in
        _ = try await fixture.sync([
          Self.record("HXb", name: "order_update", second: 2), Self.record("HXa", name: "order_100%", second: 1),
          Self.record("HXd", name: "Sale", language: "pt_BR", status: "pending", second: 4),
          Self.record("HXc", name: "sale", language: "pt_BR", status: nil, second: 3),
        ])
        var seen: [String] = []
        var cursor: PageCursor?
        repeat {
          let page = try await fixture.store.templates(TemplateQuery(), page: PageRequest(limit: 3, cursor: cursor))
          seen += page.items.map(\.record.sid)
          cursor = page.next.flatMap { PageCursor($0.description) }
        } while cursor != nil
        #expect(seen == ["HXd", "HXc", "HXb", "HXa"])
        func found(_ change: (inout TemplateQuery) -> Void) async throws -> [String] {
          var query = TemplateQuery()
          change(&query)
          return try await fixture.store.templates(query, page: PageRequest()).items.map(\.record.sid)
        }
        #expect(try await found { $0.status = "approved" } == ["HXb", "HXa"])
        #expect(try await found { $0.language = "pt_BR" } == ["HXd", "HXc"])
        #expect(try await found { $0.search = "SALE" } == ["HXd", "HXc"])
        #expect(try await found { $0.search = "0%" } == ["HXa"])
        #expect(
          try await found {
            $0.status = "pending"; $0.language = "pt_BR"; $0.search = "s"
          } == ["HXd"])
      }
    }
  }
}

extension StoreFixture {
  fileprivate func begin(
    on node: Int = 0, account: String = "AC1", notTriedSince: Timestamp? = nil, lease: Duration = .seconds(60)
  ) async throws -> TemplateSyncLease? {
    try await stores[node].beginTemplateSync(
      account: account, notTriedSince: notTriedSince, at: clock.now(), lease: lease)
  }

  fileprivate func sync(_ records: [TemplateRecord], account: String = "AC1") async throws -> TemplateSyncCounts? {
    let lease = try #require(try await begin(account: account))
    return try await store.finishTemplateSync(lease, with: records, at: clock.now())
  }
}

extension TemplateSyncCounts {
  fileprivate static func counts(total: Int = 0, added: Int = 0, updated: Int = 0, removed: Int = 0) -> Self {
    var counts = TemplateSyncCounts()
    counts.total = total
    counts.added = added
    counts.updated = updated
    counts.removed = removed
    return counts
  }
}
