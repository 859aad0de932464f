// Queries are read as forms, as clients write them; and a number typed by hand keeps its plus.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("The query of a request")
struct QueryReadingTests {
  private func reader(_ query: String) -> QueryReader { QueryReader(path: "/api/x", query: query) }

  @Test(
    "a plus and %20 are a blank, and %2B is a plus",
    arguments: [
      ("q=order+del", "order del"), ("q=order%20del", "order del"), ("q=1%2B1", "1+1"), ("q=%2B1415", "+1415"),
      ("q=a=b", "a=b"), ("%71=x", "x"), ("q=100%", "100%"), ("q=100%+sure", "100% sure"), ("q=%C3%A9", "é"),
      ("q=%FF", "\u{FFFD}"), ("&&q=x&", "x"), ("q=100%+%C3%A9", "100% é"), ("q=%zz%20%4", "%zz %4"), ("q=%%41", "%A"),
    ])
  func decoded(query: String, value: String) {
    var reader = reader(query)
    #expect(reader.string("q") == value)
    #expect(throws: Never.self) { try reader.finish() }
  }

  @Test(
    "a plus in front of a whole number is one where an address is looked for, and a blank that was written as one is not",
    arguments: [
      ("+14155550123", "+14155550123"), ("%2B1415", "+1415"), ("whatsapp:+14155550123", "whatsapp:+14155550123"),
      ("sms%3A+14155550123", "sms:+14155550123"), ("+14155550123+ada", "+14155550123 ada"),
      ("+14155550123%20ada", "+14155550123 ada"), ("+14155550123,x", "+14155550123,x"), ("+1415555", "+1415555"),
      ("+141555", " 141555"), ("+1415", " 1415"), ("%2014155550123", " 14155550123"),
      ("+14155550123a", " 14155550123a"),
      ("order:+4711", "order: 4711"), ("order:+14155550123", "order: 14155550123"),
      ("sms:%2014155550123", "sms: 14155550123"), ("Room:+12", "Room: 12"), ("Sms:+14155550123", "Sms: 14155550123"),
      ("%20+14155550123", "  14155550123"), ("ada+14155550123", "ada 14155550123"), ("+ada", " ada"),
      ("ada+l", "ada l"), ("order+7", "order 7"), ("+", " "), ("ada", "ada"), ("a:+b", "a: b"),
      ("++14155550123", "  14155550123"), ("+%3114155550123", " 114155550123"), ("+١٢٣٤٥٦٧٨", " ١٢٣٤٥٦٧٨"),
    ])
  func address(query: String, value: String) {
    var reader = reader("q=\(query)")
    #expect(reader.address("q") == value)
  }

  @Test(
    "the same filters have the same cursors, however they are spelt, and others do not",
    arguments: [
      ("q=+14155550123", "q=%2B14155550123", true), ("q=ada+l", "q=ada%20l", true), ("q=%61", "q=a", true),
      ("limit=3&q=a", "q=a&limit=4", true), ("q=+1415", "q=%2B1415", false), ("q=a", "q=b", false),
      ("t=2026-01-31T13:00:00+01:00", "t=2026-01-31T13:00:00%2B01:00", true),
      ("t=2026-01-31T13:00:00%2B01:00", "t=2026-01-31T13:00:00%2B02:00", false),
      ("i=01900000-0000-7000-8000-00000000000A", "i=01900000-0000-7000-8000-00000000000a", true),
    ])
  func cursors(one: String, other: String, areSame: Bool) {
    let lists = [one, other].map { query in
      var reader = reader(query)
      _ = (reader.address("q"), reader.timestamp("t"), reader.identifier("i"))
      return reader.page(CursorSeal(secret: [1])).list
    }
    #expect((lists[0] == lists[1]) == areSame)
  }

  @Test(
    "the offset of a time keeps its plus",
    arguments: ["2026-01-31T13:00:00+01:00", "2026-01-31T13:00:00%2B01:00", "2026-01-31+12:00:00Z"])
  func time(query: String) {
    var reader = reader("q=\(query)")
    #expect(reader.timestamp("q") == Timestamp(rfc3339: "2026-01-31T12:00:00Z"))
  }

  @Test("what is given twice, in whichever spelling, or is unknown, is named")
  func names() {
    var reader = reader("q=1&%71=2&other")
    _ = reader.string("q")
    let problem = #expect(throws: Problem.self) { try reader.finish() }
    #expect(problem?.errors.map(\.field) == ["q", "other"])
  }
}

@Suite("Searches as clients write them", .serialized)
struct WrittenSearchTests {
  @Test("people, messages and opt-outs are found with blanks and numbers written in any way")
  func found() async throws {
    try await WholeGateway.run { gateway in
      let made = try await gateway.call(
        "POST", "/api/contacts", json: #"{"name":"Ada Lovelace","channels":[{"type":"sms","address":"+14155550157"}]}"#)
      let contact = try #require(made.json["id"]?.stringValue)
      let sent = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550157","channel":"sms","body":"Your order for delivery"}"#)
      let message = try #require(sent.json["id"]?.stringValue)
      let optOut = try await gateway.call(
        "POST", "/api/opt-outs", json: #"{"channelType":"sms","address":"+14155550157","optedOut":true}"#)
      #expect(optOut.status == 201 || optOut.status == 200)
      for (path, ids) in [
        ("/api/contacts?search=ada+lovelace", [contact]), ("/api/contacts?search=ada%20lovelace", [contact]),
        ("/api/contacts?search=+14155550157", [contact]), ("/api/contacts?search=%2B14155550157", [contact]),
        ("/api/contacts?search=ada%2Blovelace", []), ("/api/messages?search=delivery+ord", [message]),
        ("/api/messages?search=delivery%20ord", [message]), ("/api/messages?search=delivery%2Bord", []),
      ] {
        let answer = try await gateway.call("GET", path)
        #expect(answer.json["data"]?.arrayValue?.map { $0["id"]?.stringValue } == ids, "\(path)")
      }
      for address in ["+14155550157", "%2B14155550157", "sms:+14155550157", "sms%3A%2B14155550157"] {
        let answer = try await gateway.call("GET", "/api/opt-outs?address=\(address)")
        #expect(answer.json["data"]?.arrayValue?.count == 1, "\(address)")
      }
      for search in ["+14155550157", "%2B14155550157"] {
        let answer = try await gateway.call("GET", "/api/conversations?search=\(search)")
        #expect(answer.json["data"]?.arrayValue?.count == 1, "\(search)")
      }
    }
  }

  @Test("a blank in a search is one, also in front of digits, and a page may be spelt otherwise than the one before")
  func blanksAndPages() async throws {
    try await WholeGateway.run { gateway in
      for (name, number) in [("order: 4711", 1), ("Room: 12", 2), ("a 4711", 3), ("order:+4711", 4)] {
        let made = try await gateway.call(
          "POST", "/api/contacts",
          json: #"{"name":"\#(name)","channels":[{"type":"sms","address":"+1415555010\#(number)"}]}"#)
        #expect(made.status == 201, "\(name)")
      }
      for (search, names) in [
        ("order:+4711", ["order: 4711"]), ("order:%204711", ["order: 4711"]), ("order:%2B4711", ["order:+4711"]),
        ("%204711", ["a 4711", "order: 4711"]), ("Room:+12", ["Room: 12"]), ("100%+4711", []),
      ] {
        let answer = try await gateway.call("GET", "/api/contacts?search=\(search)")
        #expect(answer.json["data"]?.arrayValue?.map { $0["name"]?.stringValue } == names, "\(search)")
      }
      for number in 1...2 {
        let sent = try await gateway.call(
          "POST", "/api/messages", json: #"{"to":"+1415555010\#(number)","channel":"sms","body":"Call +14155550100"}"#)
        #expect((200...202).contains(sent.status))
      }
      for path in ["/api/contacts", "/api/conversations", "/api/messages"] {
        // Of the contacts and conversations all numbers begin so; of the messages, the words do.
        let (typed, escaped) = path == "/api/messages" ? ("+14155550100", "%2B14155550100") : ("+1415555", "%2B1415555")
        let first = try await gateway.call("GET", "\(path)?limit=1&search=\(typed)")
        let cursor = try #require(first.json["nextCursor"]?.stringValue, "\(path)")
        let second = try await gateway.call("GET", "\(path)?limit=1&search=\(escaped)&cursor=\(cursor)")
        #expect(second.status == 200 && second.json["data"]?.arrayValue?.count == 1, "\(path)")
        let other = try await gateway.call("GET", "\(path)?limit=1&search=%201415555&cursor=\(cursor)")
        #expect(other.status == 422, "\(path)")
      }
    }
  }
}
