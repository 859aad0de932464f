// Every list of the API, walked page by page: while rows come, and with cursors that are another list's.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("Walks through lists", .serialized)
struct ListWalkTests {
  @Test("a walk through any list sees each row that was there at its start once, whatever comes meanwhile")
  func walks() async throws {
    try await WholeGateway.run(settings: WalkedList.withoutRates) { gateway in
      for list in try await WalkedList.all(gateway) {
        let before = try await list.ids("limit=200")
        #expect(before.count >= 6, "\(list.path)")
        var seen: [String] = []
        var cursor: String?
        repeat {
          let page = try await list.page("limit=2", cursor)
          seen += page.ids
          cursor = page.next
          try await list.insert(seen)
        } while cursor != nil
        #expect(Set(before).isSubset(of: seen), "\(list.path) has not shown \(Set(before).subtracting(seen).sorted())")
        #expect(seen.count == Set(seen).count, "\(list.path) has shown a row twice")
        #expect(seen.filter { before.contains($0) } == before, "\(list.path) is not in the order in which it began")
        #expect(try await list.ids("limit=200").count >= before.count, "\(list.path)")
      }
    }
  }

  @Test("conversations that move while they are walked are seen once, with every filter, where they stood")
  func moving() async throws {
    try await WholeGateway.run(settings: WalkedList.withoutRates) { gateway in
      let list = try await WalkedList.conversations(gateway, count: 12)
      for filter in ["", "channel=sms&", "status=open&", "search=%2B1415555&", "unread=false&"] {
        let before = try await list.ids("\(filter)limit=200")
        #expect(before.count == 12, "\(filter)")
        var seen: [String] = []
        var cursor: String?
        var others = before.reversed().makeIterator()
        repeat {
          let page = try await list.page("\(filter)limit=2", cursor)
          seen += page.ids
          cursor = page.next
          // One of those that come last, twice; and one that has been seen.
          for id in [others.next(), others.next(), seen.randomElement()].compactMap({ $0 }) {
            for text in ["a", "b"] { try await WalkedList.send(gateway, toConversation: id, text) }
          }
        } while cursor != nil
        #expect(seen == before, "\(filter)")
      }
      // The next walk has them where they stand now.
      let last = try #require(try await list.ids("limit=200").last)
      try await WalkedList.send(gateway, toConversation: last, "c")
      #expect(try await list.ids("limit=200").first == last)
    }
  }

  @Test("a cursor is good for its own list with its own filters, however long its pages are, and for nothing else")
  func cursors() async throws {
    try await WholeGateway.run(settings: WalkedList.withoutRates) { gateway in
      let lists = try await WalkedList.all(gateway).filter { $0.cursorName == "cursor" }
      for list in lists {
        let cursor = try #require(try await list.page("limit=1", nil).next, "\(list.path)")
        #expect(try await list.page("limit=5", cursor).ids.isEmpty == false, "\(list.path)")
        let changed = String(cursor.dropLast(3)) + (cursor.hasSuffix("AAA") ? "BBB" : "AAA")
        let filtered = "\(list.path)?\(list.filter)&cursor=\(cursor)"
        let others = lists.filter { $0.path != list.path }.map { "\($0.path)?cursor=\(cursor)" }
        for path in [filtered, "\(list.path)?cursor=\(changed)", "\(list.path)?cursor=x"] + others {
          let answer = try await gateway.call("GET", path)
          #expect(answer.status == 422 && answer.json["code"] == "invalid_request", "\(path): \(answer.text)")
          let errors = answer.json["errors"]?.arrayValue ?? []
          #expect(errors.contains { $0["field"] == "cursor" }, "\(path): \(answer.text)")
        }
      }
      try await withinConversation(gateway)
    }
  }

  /// What a conversation shows of its messages goes on in the list of messages.
  private func withinConversation(_ gateway: WholeGateway) async throws {
    let opening = #"{"channel":"sms","to":"+14155559999"}"#
    let id = try #require(
      try await gateway.call("POST", "/api/conversations", json: opening).json["id"]?.stringValue)
    for index in 0..<52 { try await WalkedList.send(gateway, toConversation: id, "\(index)") }
    let shown = try await gateway.call("GET", "/api/conversations/\(id)").json["messages"]
    let cursor = try #require(shown?["nextCursor"]?.stringValue)
    let rest = try await gateway.call("GET", "/api/messages?conversation=\(id)&cursor=\(cursor)")
    #expect(rest.json["data"]?.arrayValue?.compactMap { $0["body"]?.stringValue } == ["1", "0"], "\(rest.text)")
  }

  @Test("a walk that is older than the event log has to begin again, and says so")
  func tooOld() async throws {
    try await WholeGateway.run(settings: WalkedList.withoutRates) { gateway in
      let list = try await WalkedList.conversations(gateway, count: 3)
      let cursor = try #require(try await list.page("limit=1", nil).next)
      try await gateway.query("DELETE FROM events")
      let answer = try await gateway.call("GET", "/api/conversations?cursor=\(cursor)")
      #expect(answer.status == 422, "\(answer.text)")
      #expect(answer.json["errors"]?.arrayValue?.first?["message"]?.stringValue?.contains("begin again") == true)
    }
  }
}
