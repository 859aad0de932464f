// RCS and Messenger through the whole gateway: nothing of the engine or the store knows them by name.

import ChannelMessenger
import ChannelProtocol
import ChannelRCS
import ChannelSMS
import ChannelWhatsApp
import Foundation
import Sinks
import Testing

@testable import Gateway

@Suite("Channels that were plugged in", .serialized)
struct PlugInChannelTests {
  private static let parts = ProgramParts(
    channels: .init(SMSChannel.self, RCSChannel.self, MessengerChannel.self), sinks: .init(WebhookSink.self))

  private func run(_ body: @escaping @Sendable (WholeGateway) async throws -> Void) async throws {
    let configuration = try GatewayConfiguration.parse(
      """
      server: { host: 127.0.0.1, port: 0 }
      accounts:
        - { id: main, accountSID: sandbox }
      channels:
        - { id: sms, type: sms, account: main, from: ["+15005550006"] }
        - { id: brand, type: rcs, account: main, from: ["rcs:brand_agent"] }
        - { id: page, type: messenger, account: main, from: ["messenger:100000000000001"], outsideWindow: reject }
      """, file: "channels.yaml", environment: [:], schema: Self.parts.schema)
    try await WholeGateway.run(
      settings: { settings in
        settings.configuration = configuration
        settings.channels = Self.parts.channels
      }, body)
  }

  @Test("the entries that the shipped file has in comments are good, and only need their marks removed")
  func shippedEntries() throws {
    let file = try String(contentsOfFile: ConfigurationShippedFileTests.path, encoding: .utf8)
    let lines = file.components(separatedBy: "\n").map { line in
      line.hasPrefix("  # - id") || line.hasPrefix("  #   ") ? "  " + line.dropFirst(4) : line
    }
    let parts = ProgramParts(
      channels: .init(
        SMSChannel.self, MMSChannel.self, WhatsAppChannel.self, RCSChannel.self, MessengerChannel.self),
      sinks: .init(LogSink.self, WebSocketSink.self, WebhookSink.self))
    let configuration = try GatewayConfiguration.parse(
      lines.joined(separator: "\n"), file: "channels.yaml", environment: [:], schema: parts.schema)
    #expect(configuration.channels.map(\.id).suffix(2) == ["rcs", "messenger"])
    #expect(configuration.channels[3].options["from"]?.list?.first?.string == "rcs:brand_agent")
    #expect(try !configuration.channels[3].decode(RCSConfiguration.self).fallback)
    #expect(try configuration.channels[4].decode(MessengerConfiguration.self).outsideWindow == .reject)
  }

  @Test("a message over RCS comes in, is answered on its conversation, and is read")
  func rcs() async throws {
    try await run { gateway in
      let told = try await gateway.textIn(["from": "rcs:+14155550134", "to": "rcs:brand_agent", "body": "Hello"])
      #expect(told.json["webhook"]?["status"] == 200)
      let list = try await gateway.call("GET", "/api/messages?direction=inbound")
      let received = try #require(list.json["data"]?.arrayValue?.first)
      #expect(received["channel"] == "brand" && received["channelType"] == "rcs" && received["from"] == "+14155550134")

      let sent = try await gateway.call("POST", "/api/messages", json: #"{"to":"rcs:+14155550134","body":"Hi"}"#)
      #expect(sent.status == 202, "\(sent.text)")
      #expect(sent.json["conversationId"] == received["conversationId"])
      let id = try #require(sent.json["id"]?.stringValue)
      let read = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "read" }
      #expect(read["from"] == "brand_agent" && read["channel"] == "brand")

      let wrong = try await gateway.call(
        "POST", "/api/messages", json: #"{"channel":"brand","to":"rcs:brand_x","body":"Hi"}"#)
      #expect(wrong.status == 422 && wrong.json["errors"]?.arrayValue?.first?["field"] == "to", "\(wrong.text)")
    }
  }

  @Test("a person on Messenger is answered by their page-scoped id, within their window")
  func messenger() async throws {
    try await run { gateway in
      try await gateway.textIn([
        "from": "messenger:2000000000000002", "to": "messenger:100000000000001", "body": "Hi Page!",
      ])
      let list = try await gateway.call("GET", "/api/messages?direction=inbound")
      let received = try #require(list.json["data"]?.arrayValue?.first)
      #expect(received["channel"] == "page" && received["from"] == "2000000000000002")
      let conversation = try #require(received["conversationId"]?.stringValue)
      #expect(try await gateway.call("GET", "/api/conversations/\(conversation)").json["window"]?["open"] == true)

      // No prefix: of all channels only Messenger has recipients like this one.
      let sent = try await gateway.call("POST", "/api/messages", json: #"{"to":"2000000000000002","body":"Hi"}"#)
      #expect(sent.status == 202 && sent.json["channel"] == "page", "\(sent.text)")
      let id = try #require(sent.json["id"]?.stringValue)
      _ = try await gateway.eventually("/api/messages/\(id)") { $0["status"] == "delivered" }

      let stranger = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"messenger:2000000000000009","body":"Hi"}"#)
      #expect(stranger.status == 422 && stranger.json["code"] == "outside_window")
    }
  }
}
