// Messages in and out, through everything.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("The gateway as a whole", .serialized)
struct WholeGatewayTests {
  @Test("a message goes out, its reports come back, and a reply comes in on the same conversation")
  func thereAndBack() async throws {
    try await WholeGateway.run { gateway in
      let sent = try await gateway.call(
        "POST", "/api/messages",
        json: #"{"to":"+14155550123","channel":"sms","body":"Hello","metadata":{"order":"7"}}"#)
      #expect(sent.status == 202)
      let id = try #require(sent.json["id"]?.stringValue)
      #expect(sent.headers["location"] == "/api/messages/\(id)")
      #expect(sent.json["status"] == "queued")

      let delivered = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "delivered" }
      #expect(delivered["providerSid"]?.stringValue?.hasPrefix("SM") ?? false)
      #expect(delivered["metadata"]?["order"] == "7")
      #expect(delivered["sentAt"]?.stringValue != nil && delivered["deliveredAt"]?.stringValue != nil)
      let history = delivered["statusHistory"]?.arrayValue?.compactMap { $0["status"]?.stringValue } ?? []
      #expect(history.first == "queued" && history.contains("sending") && history.contains("accepted"))
      #expect(history.last == "delivered")

      let reply = try await gateway.textIn(["from": "+14155550123", "to": "+15005550006", "body": "Hi back"])
      #expect(reply.json["webhook"]?["status"] == 200)
      let conversation = try #require(sent.json["conversationId"]?.stringValue)
      let list = try await gateway.call("GET", "/api/messages?conversation=\(conversation)")
      #expect(list.json["data"]?.arrayValue?.compactMap { $0["body"]?.stringValue } == ["Hi back", "Hello"])
      let shown = try await gateway.call("GET", "/api/conversations/\(conversation)")
      #expect(shown.json["unreadCount"] == 1 && shown.json["lastMessage"]?["body"] == "Hi back")
      #expect(shown.json["contact"]?["channels"]?.arrayValue?.first?["lastInboundAt"]?.stringValue != nil)
      let read = try await gateway.call("PATCH", "/api/conversations/\(conversation)/read")
      #expect(read.json["unreadCount"] == 0)
    }
  }

  @Test("WhatsApp and MMS come in as what they are; SMS and MMS share a conversation")
  func channels() async throws {
    try await WholeGateway.run { gateway in
      try await gateway.textIn([
        "from": "whatsapp:+447700900123", "to": "whatsapp:+14155238886", "body": "Hi", "profileName": "Alex",
      ])
      try await gateway.textIn(["from": "+14155550124", "to": "+15005550006", "body": "Text"])
      try await gateway.textIn([
        "from": "+14155550124", "to": "+15005550006", "body": "Picture", "media": [["contentType": "image/png"]],
      ])
      let list = try await gateway.call("GET", "/api/messages?direction=inbound")
      let messages = try #require(list.json["data"]?.arrayValue)
      #expect(messages.map { $0["channelType"] } == ["mms", "sms", "whatsapp"])
      #expect(messages.map { $0["channel"] } == ["mms", "sms", "whatsapp"])
      #expect(messages[0]["conversationId"] == messages[1]["conversationId"])
      #expect(messages[0]["media"]?.arrayValue?.count == 1 && messages[0]["content"]?["kind"] == "media")
      #expect(messages[2]["from"] == "+447700900123")
      let contact = try #require(messages[2]["contactId"]?.stringValue)
      #expect(try await gateway.call("GET", "/api/contacts/\(contact)").json["name"] == "Alex")
      let conversation = try #require(messages[2]["conversationId"]?.stringValue)
      #expect(try await gateway.call("GET", "/api/conversations/\(conversation)").json["window"]?["open"] == true)
    }
  }

  @Test("a call that gives no answer is looked up and adopted: each message is at the provider exactly once")
  func unknownOutcome() async throws {
    try await WholeGateway.run(settings: { settings in
      settings.sendPolicy.firstLook = .milliseconds(50)
      settings.sendPolicy.lookAgain = .milliseconds(100)
      settings.sendPolicy.settleAfter = .seconds(2)
    }) { gateway in
      _ = try await WholeGateway.exchange(
        "POST", gateway.sandbox + "/sandbox/chaos",
        body: #"{"dropCallbacks":1,"hangSends":{"count":2,"milliseconds":300}}"#,
        headers: [("Content-Type", "application/json")])
      for number in 0..<4 {
        let sent = try await gateway.call(
          "POST", "/api/messages", json: #"{"to":"+1415555013\#(number)","channel":"sms","body":"Same words"}"#)
        #expect(sent.status == 202)
      }
      let settled = try await gateway.eventually("/api/messages?direction=outbound") { json in
        json["data"]?.arrayValue?.filter { $0["providerSid"]?.stringValue != nil }.count == 4
      }
      let sids = settled["data"]?.arrayValue?.compactMap { $0["providerSid"]?.stringValue } ?? []
      let log = try await WholeGateway.exchange("GET", gateway.sandbox + "/sandbox/messages")
      let atProvider = log.json["messages"]?.arrayValue?.compactMap { $0["sid"]?.stringValue } ?? []
      #expect(atProvider.count == 4 && Set(atProvider) == Set(sids))
    }
  }

  @Test("what the provider refuses is failed with its number and words; what is too fast is sent later")
  func failures() async throws {
    try await WholeGateway.run { gateway in
      let refused = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+15005550001","channel":"sms","body":"x"}"#)
      let id = try #require(refused.json["id"]?.stringValue)
      let failed = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "failed" }
      #expect(failed["error"]?["code"] == "21211")
      #expect(failed["error"]?["message"]?.stringValue?.isEmpty == false)

      _ = try await WholeGateway.exchange(
        "POST", gateway.sandbox + "/sandbox/chaos", body: #"{"failSends":{"count":1,"status":429}}"#,
        headers: [("Content-Type", "application/json")])
      let throttled = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550125","channel":"sms","body":"x"}"#)
      let second = try #require(throttled.json["id"]?.stringValue)
      _ = try await gateway.eventually("/api/messages/\(second)") { $0["status"] == "delivered" }
    }
  }

  @Test("while the database hangs, requests are journaled and answered; afterwards each is there once")
  func databaseAway() async throws {
    try await WholeGateway.run { gateway in
      try await gateway.textIn(["from": "+14155550126", "to": "+15005550006", "body": "before"])
      let processes = try PrivateServer.processes(in: gateway.directory)
      #expect(processes.count > 1)
      for process in processes { kill(process, SIGSTOP) }
      let during: WholeGateway.Answer
      do {
        during = try await gateway.textIn(["from": "+14155550126", "to": "+15005550006", "body": "during"])
      } catch {
        for process in processes.reversed() { kill(process, SIGCONT) }
        throw error
      }
      for process in processes.reversed() { kill(process, SIGCONT) }
      #expect(during.json["webhook"]?["status"] == 200)
      let list = try await gateway.eventually("/api/messages") { $0["data"]?.arrayValue?.count == 2 }
      #expect(list["data"]?.arrayValue?.compactMap { $0["body"]?.stringValue } == ["during", "before"])
      _ = try await gateway.eventually("/ready") { $0["status"] == "ready" }
    }
  }
}

/// The processes of a gateway's private PostgreSQL, the parent first.
private enum PrivateServer {
  static func processes(in directory: String) throws -> [pid_t] {
    let text = try String(contentsOfFile: directory + "/postgres/data/postmaster.pid", encoding: .utf8)
    let parent = try #require(text.split(separator: "\n").first.flatMap { pid_t($0) })
    let children = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter {
      let stat = (try? String(contentsOfFile: "/proc/\($0)/stat", encoding: .utf8)) ?? ""
      let fields = (stat.split(separator: ")").last ?? "").split(separator: " ")
      return fields.count > 1 && fields[1] == "\(parent)"
    }
    return [parent] + children
  }
}
