// Who writes need not sort the words of others in.

import ChannelProtocol
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Search indexes")
  struct SearchIndexTests {
    private func receive(_ numbers: Range<Int>, _ fixture: StoreFixture) async throws {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in numbers {
          group.addTask { try await fixture.receive(fixture.inbound("SM\(number)", body: "word\(number) common")) }
        }
        try await group.waitForAll()
      }
    }

    /// How many pages of words were not sorted in; there are none then.
    private func unsortedPages(_ fixture: StoreFixture) async throws -> Int {
      try await fixture.number("gin_clean_pending_list('messages_words')")
    }

    @Test("what one node has written is sorted in once it is much, and found before and after; a little is left")
    func sorted() async throws {
      try await StoreFixture.run { fixture in
        try await receive(0..<100, fixture)
        try await fixture.store.sortSearchIndexes()
        #expect(try await unsortedPages(fixture) > 0, "a hundred messages are not worth it")
        try await receive(100..<650, fixture)
        var query = MessageQuery()
        query.search = "word600"
        #expect(try await fixture.store.messages(query, page: PageRequest()).items.count == 1)
        try await fixture.store.sortSearchIndexes()
        #expect(try await unsortedPages(fixture) == 0)
        #expect(try await fixture.store.messages(query, page: PageRequest()).items.count == 1)
        try await receive(650..<700, fixture)
        try await fixture.store.sortSearchIndexes()
        #expect(try await unsortedPages(fixture) > 0, "the count begins anew")
      }
    }

    @Test("a little is sorted in too, once it has waited a second")
    func waiting() async throws {
      try await StoreFixture.run { fixture in
        for round in 0..<2 {
          try await receive(round * 40..<round * 40 + 20, fixture)
          for _ in 0..<4 { try await fixture.store.sortSearchIndexes() }
          #expect(try await unsortedPages(fixture) == 0)
          try await receive(round * 40 + 20..<round * 40 + 40, fixture)
          for _ in 0..<3 { try await fixture.store.sortSearchIndexes() }
          #expect(try await unsortedPages(fixture) > 0)
          try await fixture.store.sortSearchIndexes()
        }
      }
    }

    @Test("two nodes that sort at once both come to an end, beside others that write")
    func together() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for (node, start) in [0, 2_000].enumerated() {
            group.addTask {
              for round in 0..<3 {
                for number in 0..<600 {
                  _ = try await fixture.receive(
                    fixture.inbound("SM\(start + round * 600 + number)", body: "word\(number)"), on: node)
                }
                try await fixture.stores[node].sortSearchIndexes()
              }
            }
          }
          try await group.waitForAll()
        }
        var query = MessageQuery()
        query.search = "word599"
        #expect(try await fixture.store.messages(query, page: PageRequest()).items.count == 6)
      }
    }
  }
}
