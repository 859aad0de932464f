// Files: claimed by one node at a time, finished once, told of in the log.

import ChannelProtocol
import GatewayTesting
import Postgres
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Media")
  struct MediaTests {
    private static let files = ["image/png", "image/jpeg"].enumerated().map { index, type in
      InboundMedia(url: "https://api.twilio.com/\(index)", contentType: type)
    }

    @Test("a file that was kept is given whole and in parts, and its end is an event of its message")
    func fetched() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("MM1", type: .mms, media: Self.files))
        #expect(try await fixture.store.nextMediaDue().map { $0 <= .zero } == true)
        let claimed = try await fixture.store.claimMedia(limit: 10, lease: .seconds(60))
        #expect(claimed.map(\.url).sorted() == Self.files.map(\.url))
        #expect(claimed.allSatisfy { $0.accountSID == Sample.account && $0.attempts == 1 })
        let first = try #require(claimed.first { $0.contentType == "image/png" })
        #expect(try await fixture.store.keepMedia(first, bytes: Array(0..<10)))
        #expect(
          try await fixture.store.finishMedia(
            first, .ready(contentType: "image/png", size: 10, filename: "a.png", place: .database)))

        let event = try #require(try await fixture.events(.messageMedia).first)
        let items = try #require(try event.json["media"]?.arrayValue)
        #expect(items.map { $0["state"] } == ["ready", "pending"])
        #expect(items[0]["size"] == 10 && items[0]["filename"] == "a.png")
        #expect(event.conversationID != nil && event.channel == "sms")

        let file = try #require(try await fixture.store.mediaFile(first.id))
        #expect(file.state == .ready && file.place == .database && file.size == 10 && file.messageID != nil)
        for (range, expected) in [(0..<10, Array(0..<10)), (3..<5, [3, 4]), (8..<99, [8, 9]), (20..<30, [])] {
          #expect(try await fixture.store.mediaBytes(first.id, in: range) == expected.map { UInt8($0) })
        }
        #expect(try await fixture.store.mediaBytes(claimed[1].id, in: 0..<1) == nil || claimed[1].id == first.id)
        #expect(try await fixture.store.mediaFile(fixture.clock.makeIdentifier()) == nil)
      }
    }

    @Test("a finally failed file is an event too; one that is tried again is none, and waits")
    func failed() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("MM1", type: .mms, media: [Self.files[0]]))
        let claimed = try #require(try await fixture.store.claimMedia(limit: 1, lease: .seconds(60)).first)
        #expect(try await fixture.store.finishMedia(claimed, .retry(after: .seconds(600), error: "not_found")))
        #expect(try await fixture.events(.messageMedia).isEmpty)
        #expect(try await fixture.store.claimMedia(limit: 1, lease: .seconds(60)).isEmpty)
        let due = try #require(try await fixture.store.nextMediaDue())
        #expect(due > .seconds(500) && due <= .seconds(600))
        #expect(try await fixture.store.mediaFile(claimed.id)?.error == "not_found")

        try await fixture.script("UPDATE media SET run_at = now()")
        let again = try #require(try await fixture.store.claimMedia(limit: 1, lease: .seconds(60)).first)
        #expect(again.attempts == 2)
        #expect(try await fixture.store.finishMedia(again, .failed(error: "gone: Gone.")))
        let event = try #require(try await fixture.events(.messageMedia).first)
        #expect(try event.json["media"]?.arrayValue?.first?["state"] == "failed")
        #expect(try await fixture.store.mediaFile(again.id)?.error == "gone: Gone.")
        #expect(try await fixture.store.nextMediaDue() == nil)
      }
    }

    @Test("nodes never share a file; one whose lease is over can no longer finish it")
    func leases() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        for number in 0..<20 {
          try await fixture.receive(fixture.inbound("MM\(number)", type: .mms, media: [Self.files[0]]))
        }
        let claims = try await withThrowingTaskGroup(of: [ClaimedMedia].self) { group in
          for turn in 0..<8 {
            group.addTask { try await fixture.stores[turn % 2].claimMedia(limit: 5, lease: .seconds(60)) }
          }
          return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claims.count == 20 && Set(claims.map(\.id)).count == 20)

        // As if a minute had passed: the first node was slow, the second takes its files over.
        try await fixture.script("UPDATE media SET run_at = now() - interval '1 s'")
        let mine = try #require(claims.first)
        let theirs = try #require(
          try await fixture.stores[1].claimMedia(limit: 20, lease: .seconds(60)).first { $0.id == mine.id })
        #expect(theirs.attempts == 2)
        #expect(try await !fixture.stores[0].keepMedia(mine, bytes: [1]))
        #expect(try await !fixture.stores[0].finishMedia(mine, .failed(error: "late")))
        #expect(try await !fixture.stores[0].finishMedia(mine, .retry(after: .zero, error: "late")))
        let ready = MediaOutcome.ready(contentType: "image/png", size: 1, filename: nil, place: .provider)
        #expect(try await fixture.stores[1].finishMedia(theirs, ready))
        #expect(try await !fixture.stores[1].finishMedia(theirs, ready))
        #expect(try await fixture.events(.messageMedia).count == 1)
      }
    }

    @Test("the leases of a killed predecessor are freed with all others")
    func release() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(fixture.inbound("MM1", type: .mms, media: [Self.files[0]]))
        #expect(try await fixture.store.claimMedia(limit: 1, lease: .seconds(600)).count == 1)
        #expect(try await fixture.store.claimMedia(limit: 1, lease: .seconds(600)).isEmpty)
        try await fixture.store.releaseAllLeases()
        #expect(try await fixture.store.claimMedia(limit: 1, lease: .seconds(600)).count == 1)
      }
    }

    @Test("files of one message that end at once on several nodes: the last event shows all of them")
    func together() async throws {
      try await StoreFixture.run(stores: 2) { fixture in
        let files = (0..<8).map { InboundMedia(url: "https://api.twilio.com/\($0)", contentType: nil) }
        try await fixture.receive(fixture.inbound("MM1", type: .mms, media: files))
        let claimed = try await fixture.store.claimMedia(limit: 8, lease: .seconds(60))
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for (index, entry) in claimed.enumerated() {
            group.addTask {
              try await fixture.stores[index % 2].finishMedia(
                entry, .ready(contentType: "image/png", size: 1, filename: nil, place: .provider))
            }
          }
          for try await isOurs in group { #expect(isOurs) }
        }
        let counts = try await fixture.events(.messageMedia).map { event in
          try event.json["media"]?.arrayValue?.count { $0["state"] == "ready" } ?? 0
        }
        #expect(counts == Array(1...8))
      }
    }

    @Test("an uploaded file is no message's own; a message of ours shows it, and has its id as the source")
    func uploads() async throws {
      try await StoreFixture.run { fixture in
        let file = MediaFile(
          id: fixture.clock.makeIdentifier(), state: .ready, contentType: "image/png", size: 3, filename: "ü.png",
          place: .database, createdAt: fixture.clock.now())
        try await fixture.store.addMedia(file, bytes: [1, 2, 3])
        #expect(try await fixture.store.mediaFile(file.id) == file)
        #expect(try await fixture.store.mediaBytes(file.id, in: 1..<3) == [2, 3])
        var record = fixture.outbound(type: .mms, media: [file.id.description])
        record.uploads = [file.id.description: file]
        let message = try await fixture.queue(record)
        #expect(message.media.map(\.filename) == ["ü.png"] && message.media.map(\.size) == [3])
        let shown = try await fixture.store.message(message.id)?.message
        #expect(shown?.media == message.media)
        #expect(try await fixture.claim().first?.mediaURLs == [file.id.description])
        #expect(try await fixture.store.claimMedia(limit: 1, lease: .seconds(1)).isEmpty)
      }
    }
  }
}
