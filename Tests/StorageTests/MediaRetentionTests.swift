// How long files are kept, and that none stays on the disk whose row has gone.

import ChannelProtocol
import GatewayTesting
import Testing

@testable import Storage

extension StorageSuite {
  @Suite("Retention of files")
  struct MediaRetentionTests {
    private func upload(_ fixture: StoreFixture, place: MediaPlace = .disk, age: Duration = .zero) async throws
      -> Identifier
    {
      let id = fixture.clock.makeIdentifier()
      let file = MediaFile(
        id: id, state: .ready, contentType: "image/png", size: 3, filename: nil, place: place,
        createdAt: SystemClock().now() - age)
      try await fixture.store.addMedia(file, bytes: place == .database ? [1, 2, 3] : nil)
      return id
    }

    @Test("an upload goes when no message has used it for long enough; one that is used stays")
    func uploads() async throws {
      try await StoreFixture.run { fixture in
        let unused = try await upload(fixture, age: .seconds(100))
        let used = try await upload(fixture, age: .seconds(100))
        let young = try await upload(fixture)
        try await fixture.queue(fixture.outbound(type: .mms, media: ["\(used)", "https://m.example/1"]))
        #expect(try await fixture.store.removeUnusedUploads(olderThan: .seconds(50), limit: 10) == 1)
        #expect(try await fixture.store.removeUnusedUploads(olderThan: .seconds(50), limit: 10) == 0)
        #expect(try await fixture.store.mediaFile(unused) == nil)
        for id in [used, young] { #expect(try await fixture.store.mediaFile(id) != nil) }
        #expect(try await fixture.store.discardedFiles(limit: 10) == [unused])
        try await fixture.store.forgetDiscarded([unused])
        #expect(try await fixture.store.discardedFiles(limit: 10) == [])
      }
    }

    @Test("a message that names an upload which went at that instant is refused; others of its batch are not")
    func gone() async throws {
      try await StoreFixture.run { fixture in
        let id = try await upload(fixture, age: .seconds(100))
        let file = try #require(try await fixture.store.mediaFile(id))
        func record(_ source: String) -> OutboundRecord {
          var record = fixture.outbound(
            to: source == "\(id)" ? "+14155559998" : Sample.contact, type: .mms, media: [source])
          if source == "\(id)" { record.uploads = [source: file] }
          return record
        }
        #expect(try await fixture.store.removeUnusedUploads(olderThan: .seconds(50), limit: 10) == 1)
        let refused = Task { try await fixture.queue(record("\(id)")) }
        let queued = Task { try await fixture.queue(record("https://m.example/1")) }
        _ = try await queued.value
        await #expect(throws: UploadGone(source: "\(id)")) { try await refused.value }
        #expect(try await fixture.number("SELECT count(*) FROM messages") == 1)
        #expect(try await fixture.number("SELECT count(*) FROM outbox") == 1)
        #expect(try await fixture.number("SELECT count(*) FROM contacts") == 1)
      }
    }

    @Test("whether an upload goes or is used is decided once, whoever comes at the same instant")
    func decidedOnce() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        var files: [MediaFile] = []
        for _ in 0..<40 {
          files.append(try #require(try await fixture.store.mediaFile(try await upload(fixture, age: .seconds(100)))))
        }
        let used = try await withThrowingTaskGroup(of: Identifier?.self) { group in
          for file in files {
            group.addTask {
              var record = fixture.outbound(type: .mms, media: ["\(file.id)"])
              record.uploads = ["\(file.id)": file]
              do {
                try await fixture.queue(record)
                return file.id
              } catch is UploadGone {
                return nil
              }
            }
            group.addTask {
              _ = try await fixture.stores[1].removeUnusedUploads(olderThan: .seconds(50), limit: 2)
              return nil
            }
          }
          return try await group.reduce(into: Set<Identifier>()) { if let id = $1 { $0.insert(id) } }
        }
        for file in files {
          let isThere = try await fixture.store.mediaFile(file.id) != nil
          #expect(used.contains(file.id) ? isThere : !isThere)
        }
      }
    }

    @Test("of many, as many go as are asked for, and nodes that sweep at once take different ones")
    func batches() async throws {
      try await StoreFixture.run(stores: 2, sessions: 4) { fixture in
        for _ in 0..<30 { _ = try await upload(fixture, age: .seconds(100)) }
        let removed = try await withThrowingTaskGroup(of: Int.self) { group in
          for node in 0..<2 {
            group.addTask {
              var all = 0
              while case let count = try await fixture.stores[node].removeUnusedUploads(
                olderThan: .seconds(50), limit: 4), count > 0
              { all += count }
              return all
            }
          }
          return try await group.reduce(0, +)
        }
        #expect(removed == 30)
        #expect(try await fixture.store.discardedFiles(limit: 100).count == 30)
      }
    }

    @Test("a file that was written for a row that never came is removed, unless the row comes")
    func announced() async throws {
      try await StoreFixture.run { fixture in
        let crashed = fixture.clock.makeIdentifier()
        try await fixture.store.announceFile(crashed, removedAfter: .zero)
        let slow = fixture.clock.makeIdentifier()
        try await fixture.store.announceFile(slow, removedAfter: .seconds(3_600))
        #expect(try await fixture.store.discardedFiles(limit: 10) == [crashed])
        let file = MediaFile(
          id: crashed, state: .ready, contentType: nil, size: 1, filename: nil, place: .disk,
          createdAt: fixture.clock.now())
        try await fixture.store.addMedia(file, bytes: nil)
        #expect(try await fixture.store.discardedFiles(limit: 10) == [])
      }
    }

    @Test("whoever deletes a row, the file on the disk is written down to go; one in the database goes with it")
    func deleted() async throws {
      try await StoreFixture.run { fixture in
        let onDisk = try await upload(fixture)
        _ = try await upload(fixture, place: .database)
        try await fixture.script("DELETE FROM media")
        #expect(try await fixture.store.discardedFiles(limit: 10) == [onDisk])
      }
    }

    @Test("a contact's file goes with the contact, also one that is being fetched, but not before its fetch is over")
    func contact() async throws {
      try await StoreFixture.run { fixture in
        let files = [
          InboundMedia(url: "https://api.twilio.com/1", contentType: "image/png"),
          InboundMedia(url: "https://api.twilio.com/2", contentType: "image/png"),
        ]
        try await fixture.receive(fixture.inbound("MM1", type: .mms, media: files))
        let claimed = try await fixture.store.claimMedia(limit: 2, lease: .seconds(60))
        #expect(
          try await fixture.store.finishMedia(
            claimed[0], .ready(contentType: "image/png", size: 1, filename: nil, place: .disk)))
        let contact = try #require(try await fixture.store.messages(MessageQuery(), page: PageRequest()).items.first)
        _ = try await fixture.store.deleteContact(contact.contactID)
        #expect(try await fixture.store.discardedFiles(limit: 10) == [claimed[0].id])
        #expect(
          try await !fixture.store.finishMedia(
            claimed[1], .ready(contentType: "image/png", size: 1, filename: nil, place: .disk)),
          "its row has gone")
        #expect(try await fixture.number("SELECT count(*) FROM discarded_files WHERE due_at > now()") == 1)
      }
    }

    @Test("a file that is too old loses its bytes and says so; its message keeps it")
    func expired() async throws {
      try await StoreFixture.run { fixture in
        try await fixture.receive(
          fixture.inbound(
            "MM1", type: .mms, media: [InboundMedia(url: "https://api.twilio.com/1", contentType: "image/png")]))
        let claimed = try #require(try await fixture.store.claimMedia(limit: 1, lease: .seconds(60)).first)
        #expect(try await fixture.store.keepMedia(claimed, bytes: [1, 2, 3]))
        #expect(
          try await fixture.store.finishMedia(
            claimed, .ready(contentType: "image/png", size: 3, filename: nil, place: .database)))
        let onDisk = try await upload(fixture, age: .seconds(100))
        #expect(try await fixture.store.expireMedia(olderThan: .seconds(50), limit: 10) == 1)
        try await fixture.script("UPDATE media SET created_at = now() - interval '1 hour'")
        #expect(try await fixture.store.expireMedia(olderThan: .seconds(50), limit: 10) == 1)
        let file = try #require(try await fixture.store.mediaFile(claimed.id))
        #expect(file.state == .failed && file.place == nil && file.error?.hasPrefix("expired:") == true)
        #expect(try await fixture.store.mediaBytes(claimed.id, in: 0..<3) == nil)
        #expect(try await fixture.store.discardedFiles(limit: 10) == [onDisk])
        #expect(try await fixture.store.expireMedia(olderThan: .seconds(50), limit: 10) == 0)
      }
    }
  }
}
