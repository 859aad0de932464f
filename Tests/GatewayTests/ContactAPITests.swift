// Contacts and conversations over HTTP, against a running gateway.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("Contacts and conversations over HTTP", .serialized)
struct ContactAPITests {
  @Test("a contact is made, found, replaced, given addresses, merged and deleted")
  func contacts() async throws {
    try await WholeGateway.run { gateway in
      let made = try await gateway.call(
        "POST", "/api/contacts",
        json: #"""
          {"name":"Ada Lovelace","attributes":{"plan":"gold","seats":3},"labels":["vip","vip"],
           "channels":[{"type":"sms","address":"+14155550150"},{"address":"whatsapp:+14155550150"}]}
          """#)
      #expect(made.status == 201)
      let id = try #require(made.json["id"]?.stringValue)
      #expect(made.headers["location"] == "/api/contacts/\(id)" && made.json["labels"] == ["vip"])
      #expect(made.json["channels"]?.arrayValue?.map { $0["address"] } == ["+14155550150", "+14155550150"])
      #expect(try await gateway.call("GET", "/api/contacts/\(id)").json == made.json)
      for search in ["lovelace", "5550150", "gold", "3"] {
        let found = try await gateway.call("GET", "/api/contacts?search=\(search)&label=vip&channel=whatsapp")
        #expect(found.json["data"]?.arrayValue?.map { $0["id"]?.stringValue } == [id], "\(search)")
      }
      let other = try await gateway.call("POST", "/api/contacts", json: #"{"name":"A. L."}"#)
      let from = try #require(other.json["id"]?.stringValue)
      #expect(other.json["channels"] == [] && other.json["attributes"] == .object([:]))
      try await addresses(gateway, id, from)
      let replaced = try await gateway.call("PUT", "/api/contacts/\(id)", json: #"{"labels":["late"]}"#)
      #expect(replaced.status == 200 && replaced.json["name"]?.isNull == true && replaced.json["labels"] == ["late"])
      let merged = try await gateway.call("POST", "/api/contacts/\(id)/merge", json: "{\"from\":\"\(from)\"}")
      #expect(merged.status == 200 && merged.json["id"]?.stringValue == id && merged.json["name"] == "A. L.")
      #expect(try await gateway.call("GET", "/api/contacts/\(from)").status == 404)
      #expect(try await gateway.call("DELETE", "/api/contacts/\(id)").status == 204)
      #expect(try await gateway.call("GET", "/api/contacts/\(id)").status == 404)
      #expect(try await gateway.call("DELETE", "/api/contacts/\(id)").status == 404)
    }
  }

  private func addresses(_ gateway: WholeGateway, _ id: String, _ other: String) async throws {
    let path = "/api/contacts/\(other)/channels"
    let taken = try await gateway.call("POST", path, json: #"{"type":"sms","address":"+14155550150"}"#)
    #expect(taken.status == 409 && taken.json["code"] == "address_taken" && taken.json["contactId"]?.stringValue == id)
    let added = try await gateway.call("POST", path, json: #"{"type":"mms","address":"+14155550151"}"#)
    #expect(added.status == 201 && added.json["type"] == "sms" && added.json["optedOut"] == false)
    let channel = try #require(added.json["id"]?.stringValue)
    #expect(try await gateway.call("DELETE", "\(path)/\(channel)").status == 204)
    #expect(try await gateway.call("DELETE", "\(path)/\(channel)").status == 404)
  }

  @Test("a conversation is opened once, filed away, and taken out again by whoever writes")
  func conversations() async throws {
    try await WholeGateway.run { gateway in
      let path = "/api/conversations"
      let opened = try await gateway.call("POST", path, json: #"{"to":"+14155550160","channel":"sms"}"#)
      #expect(opened.status == 201 && opened.json["lastMessage"]?.isNull == true)
      let id = try #require(opened.json["id"]?.stringValue)
      #expect(opened.headers["location"] == "\(path)/\(id)")
      // MMS shares the line.
      let again = try await gateway.call("POST", path, json: #"{"to":"+14155550160","channel":"mms"}"#)
      #expect(again.status == 200 && again.json["id"]?.stringValue == id)
      let contact = try #require(opened.json["contact"]?["id"]?.stringValue)
      let byContact = try await gateway.call(
        "POST", path, json: "{\"contactId\":\"\(contact)\",\"channel\":\"sms\"}")
      #expect(byContact.status == 200 && byContact.json["id"]?.stringValue == id)
      let archived = try await gateway.call("PATCH", "\(path)/\(id)/archive")
      #expect(archived.status == 200 && archived.json["status"] == "archived")
      #expect(try await listed(gateway, "status=archived") == [id])
      #expect(try await listed(gateway, "status=open").isEmpty)
      try await gateway.textIn(["from": "+14155550160", "to": "+15005550006", "body": "Hi"])
      #expect(try await listed(gateway, "status=open&unread=true&channel=sms&search=5550160") == [id])
      #expect(try await listed(gateway, "search=nobody").isEmpty)
      let filed = try await gateway.call("PATCH", "\(path)/\(id)/archive", json: #"{"archived":true}"#)
      #expect(filed.json["status"] == "archived")
      let out = try await gateway.call("PATCH", "\(path)/\(id)/archive", json: #"{"archived":false}"#)
      #expect(out.json["status"] == "open" && out.json["unreadCount"] == 1)
      let shown = try await gateway.call("GET", "\(path)/\(id)")
      #expect(shown.json["messages"]?["data"]?.arrayValue?.first?["body"] == "Hi")
    }
  }

  private func listed(_ gateway: WholeGateway, _ query: String) async throws -> [String] {
    let answer = try await gateway.call("GET", "/api/conversations?\(query)")
    return answer.json["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? ["\(answer.text)"]
  }

  @Test("a deleted contact's messages are gone, its opt-out is not")
  func deletion() async throws {
    try await WholeGateway.run { gateway in
      try await gateway.textIn(["from": "+14155550170", "to": "+15005550006", "body": "Stop"])
      let list = try await gateway.call("GET", "/api/messages?search=stop")
      let message = try #require(list.json["data"]?.arrayValue?.first)
      let contact = try #require(message["contactId"]?.stringValue)
      #expect(try await gateway.call("DELETE", "/api/contacts/\(contact)").status == 204)
      #expect(try await gateway.call("GET", "/api/messages/\(message["id"]?.stringValue ?? "")").status == 404)
      #expect(
        try await gateway.call("GET", "/api/conversations/\(message["conversationId"]?.stringValue ?? "")").status
          == 404)
      let ledger = try await gateway.call("GET", "/api/opt-outs?address=%2B14155550170")
      #expect(ledger.json["data"]?.arrayValue?.first?["optedOut"] == true)
      let refused = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550170","channel":"sms","body":"Still there?"}"#)
      #expect(refused.status == 422 && refused.json["code"] == "recipient_opted_out")
    }
  }

  @Test("a message is sent again as a new one that says so; one that came in is not")
  func resending() async throws {
    try await WholeGateway.run { gateway in
      let sent = try await gateway.call(
        "POST", "/api/messages",
        json:
          #"{"to":"+14155550180","channel":"mms","body":"Look","media":["https://example.com/a.png"],"metadata":{"a":"b"}}"#
      )
      let id = try #require(sent.json["id"]?.stringValue)
      let again = try await gateway.call("POST", "/api/messages/\(id)/resend")
      #expect(again.status == 202 && again.json["resendOf"]?.stringValue == id && again.json["id"]?.stringValue != id)
      #expect(again.json["body"] == "Look" && again.json["metadata"]?["a"] == "b")
      #expect(again.json["media"]?.arrayValue?.count == 1 && again.json["channel"] == "mms")
      _ = try await gateway.eventually("/api/messages/\(again.json["id"]?.stringValue ?? "")") {
        $0["status"] == "delivered"
      }
      try await gateway.textIn(["from": "+14155550180", "to": "+15005550006", "body": "Hi"])
      let list = try await gateway.call("GET", "/api/messages?direction=inbound")
      let inbound = try #require(list.json["data"]?.arrayValue?.first?["id"]?.stringValue)
      let refused = try await gateway.call("POST", "/api/messages/\(inbound)/resend")
      #expect(refused.status == 409 && refused.json["code"] == "not_resendable")
    }
  }

  @Test("a preview says what would be refused and how long the text is, and sends nothing")
  func preview() async throws {
    try await WholeGateway.run { gateway in
      func preview(_ json: String) async throws -> JSONValue {
        let answer = try await gateway.call("POST", "/api/messages/preview", json: json)
        #expect(answer.status == 200, "\(answer.text)")
        return answer.json
      }
      let good = try await preview(#"{"to":"+14155550190","channel":"sms","body":"Caf\u00e9 \ud83d\ude00"}"#)
      #expect(good["valid"] == true && good["problems"] == [] && good["channel"] == "sms" && good["optedOut"] == false)
      #expect(good["segments"]?["encoding"] == "UCS-2" && good["segments"]?["count"] == 1)
      #expect(good["segments"]?["units"] == 7 && good["segments"]?["remaining"] == 63)
      #expect(good["forcing"]?.arrayValue?.map { $0["codePoint"] } == ["U+1F600"])
      #expect(good["window"]?.isNull == true)
      let outside = try await preview(#"{"to":"whatsapp:+14155550190","body":"Hi"}"#)
      #expect(outside["valid"] == false && outside["problems"]?.arrayValue?.map { $0["code"] } == ["outside_window"])
      #expect(outside["window"]?["open"] == false && outside["channel"] == "whatsapp")
      _ = try await gateway.call(
        "POST", "/api/opt-outs", json: #"{"channelType":"sms","address":"+14155550190","optedOut":true}"#)
      let several = try await preview(
        #"{"to":"+14155550190","channel":"sms","body":"x","scheduledAt":"2001-01-01T00:00:00Z"}"#)
      #expect(several["optedOut"] == true && several["valid"] == false)
      let codes = several["problems"]?.arrayValue?.compactMap { $0["code"]?.stringValue } ?? []
      #expect(Set(codes).isSuperset(of: ["recipient_opted_out", "invalid_request"]))
      let unknown = try await preview(#"{"to":"+14155550190","channel":"pigeon","body":"x"}"#)
      #expect(
        unknown["problems"]?.arrayValue?.first?["code"] == "unknown_channel" && unknown["channel"]?.isNull == true)
      #expect(try await gateway.call("POST", "/api/messages/preview", json: "{}").status == 422)
      #expect(try await gateway.call("GET", "/api/messages").json["data"] == [])
    }
  }
}
