// One message to many: the text by recipient, and the whole of it against a running gateway.

import ChannelProtocol
import Foundation
import Synchronization
import Testing

@testable import Gateway

@Suite("Bulks", .serialized)
struct BulkTests {
  @Test(
    "a text's variables are filled in by name, and braces that name nothing stay",
    arguments: [
      ("Hi {{name}}, {{ 1 }}!", ["name": "Ada", "1": "x"], "Hi Ada, x!"), ("Hi {{name}}", [:], nil),
      ("{{}} {{a b}} {x} }} {{", [:], "{{}} {{a b}} {x} }} {{"), ("{{a}}{{a}}", ["a": "{{b}}"], "{{b}}{{b}}"),
      ("plain", ["a": "b"], "plain"), ("", [:], ""),
    ] as [(String, [String: String], String?)])
  func text(text: String, values: [String: String], filled: String?) {
    #expect(BulkText(text).filled(with: values) == filled)
  }

  @Test("each recipient gets its own message, a bad one is rejected by itself, and progress adds up to the total")
  func sending() async throws {
    try await WholeGateway.run { gateway in
      _ = try await gateway.call(
        "POST", "/api/opt-outs", json: #"{"channelType":"sms","address":"+14155550203","optedOut":true}"#)
      let answer = try await gateway.call(
        "POST", "/api/messages/bulk",
        json: #"""
          {"channel":"sms","body":"Hi {{name}}","recipients":[
            {"to":"+14155550201","variables":{"name":"Ada"},"metadata":{"order":"1"}},
            {"to":"sms:+14155550202","variables":{"name":"Bob"}},
            {"to":"+14155550203","variables":{"name":"Cid"}},
            {"to":"+14155550204"}, {"to":"12","variables":{"name":"x"}}, {"too":"x"}, 7,
            {"to":"whatsapp:+14155550205","variables":{"name":"x"}}]}
          """#)
      #expect(answer.status == 202, "\(answer.text)")
      let id = try #require(answer.json["id"]?.stringValue)
      #expect(answer.headers["location"] == "/api/messages/bulk/\(id)")
      #expect(answer.json["total"] == 8 && answer.json["accepted"] == 2)
      let rejected = answer.json["rejected"]?.arrayValue ?? []
      #expect(rejected.map { $0["index"] } == [2, 3, 4, 5, 6, 7])
      #expect(
        rejected.map { $0["code"] } == [
          "recipient_opted_out", "missing_variable", "invalid_address", "invalid_request", "invalid_request",
          "invalid_address",
        ])
      let done = try await gateway.eventually("/api/messages/bulk/\(id)") {
        $0["state"] == "completed" && $0["counts"]?["delivered"] == 2
      }
      #expect(done["total"] == 8 && done["counts"]?["rejected"] == 6 && done["eta"]?.isNull == true)
      #expect(done["rejected"]?.arrayValue?.count == 6)
      let list = try await gateway.call("GET", "/api/messages?direction=outbound")
      let bodies = list.json["data"]?.arrayValue?.compactMap { $0["body"]?.stringValue } ?? []
      #expect(Set(bodies) == ["Hi Ada", "Hi Bob"])
      #expect(list.json["data"]?.arrayValue?.contains { $0["metadata"]?["order"] == "1" } ?? false)
    }
  }

  @Test("a paused bulk stands still, an answer goes out meanwhile, and it goes on or is canceled as it is told")
  func control() async throws {
    try await WholeGateway.run(configuration: Self.slow) { gateway in
      let id = try await start(gateway, recipients: 60)
      let path = "/api/messages/bulk/\(id)"
      let running = try await gateway.eventually(path) { ($0["counts"]?["queued"]?.integerValue ?? 60) < 60 }
      #expect(running["state"] == "running" && running["eta"]?.stringValue != nil)
      let paused = try await gateway.call("POST", path + "/pause")
      #expect(paused.json["state"] == "paused" && paused.json["eta"]?.isNull == true)
      // An answer goes out although the sender has more of the bulk than it can send in seconds.
      let answer = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550299","channel":"sms","body":"Answer"}"#)
      _ = try await gateway.eventually("/api/messages/\(answer.json["id"]?.stringValue ?? "")") {
        $0["status"] == "delivered"
      }
      let before = try await unsent(gateway, path)
      let second = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550299","channel":"sms","body":"Another"}"#)
      _ = try await gateway.eventually("/api/messages/\(second.json["id"]?.stringValue ?? "")") {
        $0["status"] == "delivered"
      }
      #expect(try await unsent(gateway, path) == before && before > 0)
      #expect(try await gateway.call("POST", path + "/resume").json["state"] == "running")
      _ = try await gateway.eventually(path) { ($0["counts"]?["queued"]?.integerValue ?? 60) < before }
      let canceled = try await gateway.call("POST", path + "/cancel")
      #expect(canceled.json["state"] == "canceled")
      let ended = try await gateway.eventually(path) {
        $0["counts"]?["queued"] == 0 && ($0["counts"]?["canceled"]?.integerValue ?? 0) > 0
          && $0["counts"]?["sending"] == 0
      }
      let counts = ended["counts"]?.objectValue?.values.compactMap(\.integerValue).reduce(0, +)
      #expect(counts == 60)
      let refused = try await gateway.call("POST", path + "/resume")
      #expect(refused.status == 409 && refused.json["code"] == "bulk_canceled")
      #expect(try await gateway.call("POST", path + "/retry-failed").status == 409)
    }
  }

  @Test("an answer is sent before what is left of a bulk")
  func priority() async throws {
    try await WholeGateway.run(configuration: Self.slow) { gateway in
      let id = try await start(gateway, recipients: 80)
      _ = try await gateway.eventually("/api/messages/bulk/\(id)") {
        ($0["counts"]?["queued"]?.integerValue ?? 80) < 80
      }
      let answer = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550299","channel":"sms","body":"Answer"}"#)
      _ = try await gateway.eventually("/api/messages/\(answer.json["id"]?.stringValue ?? "")") {
        $0["status"] == "delivered"
      }
      #expect(try await unsent(gateway, "/api/messages/bulk/\(id)") > 0)
    }
  }

  @Test("those that failed are sent again as new messages")
  func retrying() async throws {
    try await WholeGateway.run { gateway in
      // The sandbox refuses this number for ever.
      let made = try await gateway.call(
        "POST", "/api/messages/bulk",
        json: #"{"channel":"sms","body":"x","recipients":[{"to":"+15005550001"},{"to":"+14155550231"}]}"#)
      let path = "/api/messages/bulk/\(made.json["id"]?.stringValue ?? "")"
      _ = try await gateway.eventually(path) { $0["counts"]?["failed"] == 1 && $0["counts"]?["delivered"] == 1 }
      #expect(try await gateway.call("POST", path + "/retry-failed").status == 200)
      let again = try await gateway.eventually("/api/messages?status=failed") {
        $0["data"]?.arrayValue?.count == 2
      }
      #expect(again["data"]?.arrayValue?[0]["resendOf"] == again["data"]?.arrayValue?[1]["id"])
      let done = try await gateway.eventually(path) { $0["state"] == "completed" }
      #expect(done["counts"]?["failed"] == 1 && done["counts"]?["delivered"] == 1 && done["total"] == 2)
    }
  }

  @Test("a bulk goes on where it was after the gateway was stopped in the middle: each recipient has one message")
  func restart() async throws {
    let directory = WholeGateway.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let bulk = Mutex("")
    try await WholeGateway.run(in: directory, configuration: Self.slow) { gateway in
      let id = try await start(gateway, recipients: 120)
      _ = try await gateway.eventually("/api/messages/bulk/\(id)") {
        ($0["counts"]?["queued"]?.integerValue ?? 120) < 110
      }
      bulk.withLock { $0 = id }
    }
    try await WholeGateway.run(in: directory) { gateway in
      let id = bulk.withLock(\.self)
      let done = try await gateway.eventually(within: .seconds(60), "/api/messages/bulk/\(id)") {
        $0["state"] == "completed"
      }
      #expect(done["total"] == 120 && done["counts"]?["rejected"] == 0)
      var recipients: [String] = []
      var cursor = ""
      repeat {
        let page = try await gateway.call("GET", "/api/messages?limit=50&search=bulk\(cursor)").json
        recipients += page["data"]?.arrayValue?.compactMap { $0["to"]?.stringValue } ?? []
        cursor = page["nextCursor"]?.stringValue.map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
      #expect(recipients.count == 120 && Set(recipients).count == 120)
    }
  }

  private static let slow = WholeGateway.configuration.replacing("mps: 50", with: "mps: 5")

  private func start(_ gateway: WholeGateway, recipients: Int) async throws -> String {
    let list = (0..<recipients).map { "{\"to\":\"+1415556\(1_000 + $0)\"}" }.joined(separator: ",")
    let made = try await gateway.call(
      "POST", "/api/messages/bulk", json: "{\"channel\":\"sms\",\"body\":\"Bulk\",\"recipients\":[\(list)]}")
    #expect(made.json["accepted"]?.integerValue == Int64(recipients), "\(made.text)")
    return try #require(made.json["id"]?.stringValue)
  }

  private func unsent(_ gateway: WholeGateway, _ path: String) async throws -> Int64 {
    try await gateway.call("GET", path).json["counts"]?["queued"]?.integerValue ?? -1
  }
}
