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
      ("q=%FF", "%FF"), ("&&q=x&", "x"),
    ])
  func decoded(query: String, value: String) {
    var reader = reader(query)
    #expect(reader.string("q") == value)
    #expect(throws: Never.self) { try reader.finish() }
  }

  @Test(
    "a plus in front of a number is one where an address is looked for",
    arguments: [
      ("+14155550123", "+14155550123"), ("%2B1415", "+1415"), ("whatsapp:+1415", "whatsapp:+1415"), ("+ada", " ada"),
      ("ada+l", "ada l"), ("order+7", "order 7"), ("+", " "), ("ada", "ada"), ("a:+b", "a: b"),
    ])
  func address(query: String, value: String) {
    var reader = reader("q=\(query)")
    #expect(reader.address("q") == value)
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
}
