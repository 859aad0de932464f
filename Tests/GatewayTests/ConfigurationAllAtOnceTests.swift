// A file that is wrong everywhere: each of its faults is told in the first run.

import ChannelRCS
import ChannelSMS
import ChannelWhatsApp
import Sinks
import Testing

@testable import Gateway

@Suite("a configuration's errors come all at once")
struct ConfigurationAllAtOnceTests {
  private static let schema = ConfigurationSchema(
    channels: .init(SMSChannel.self, WhatsAppChannel.self, RCSChannel.self),
    sinks: .init(LogSink.self, WebSocketSink.self, WebhookSink.self))

  private func problems(_ text: String) throws -> [String] {
    try #require(throws: ConfigurationError.self) {
      try GatewayConfiguration.parse(text, file: "channels.yaml", environment: [:], schema: Self.schema)
    }.lines
  }

  @Test("those of the reader, of each adapter and of each sink, however many each has")
  func everything() throws {
    #expect(
      try problems(
        """
        server: { prot: 3000, publicURL: "${NOT_SET}" }
        accounts: [{ id: main, accountSID: sandbox }]
        channels:
          - { id: sms, type: sms, from: ["15005550006", "+15005550006", "whatsapp:+14155238886"], messagingService: XY }
          - { id: whatsapp, type: whatsapp, from: ["12"], window: { policy: template } }
          - { id: rcs, type: rcs, from: ["rcs:agent"], fallback: true }
          - { id: sms, type: smms }
        sinks:
          - { type: websocket, path: ws, pingInterval: 1ms, authTimeout: 2d }
          - { type: webhook, allow: [10.0.0.0/8, nowhere, "::1,that"], timeout: 2m }
        """) == [
          "channels.yaml:1:11: unknown key `prot`; did you mean `port`?",
          "channels.yaml:1:34: variable NOT_SET is not set and has no default",
          "channels.yaml:4:34: `15005550006` is no phone number (+ and 7 to 15 digits), short code or alphanumeric sender.",
          "channels.yaml:4:65: `whatsapp:+14155238886` is an address of another channel: this one is sms.",
          "channels.yaml:4:91: A Messaging Service's id is MG and 32 hexadecimal digits.",
          "channels.yaml:5:44: `12` is no phone number: + and 7 to 15 digits.",
          "channels.yaml:5:61: The policy `template` needs a `template` (HX…).",
          "channels.yaml:6:48: A fallback needs a `messagingService` that holds an SMS sender.",
          "channels.yaml:7:11: channel id `sms` is used twice (first on line 4)",
          "channels.yaml:7:22: unknown channel type `smms`; did you mean `sms`? (there are `rcs`, `sms`, `whatsapp`)",
          "channels.yaml:9:24: \"path\" must be a path of its own, such as /ws",
          "channels.yaml:9:34: \"pingInterval\" must lie between 100ms and 1d",
          "channels.yaml:9:53: \"authTimeout\" must lie between 100ms and 1d",
          "channels.yaml:10:42: \"nowhere\" is no address, no block such as 10.0.0.0/8, and not the word loopback.",
          "channels.yaml:10:51: \"that\" is no address, no block such as 10.0.0.0/8, and not the word loopback.",
          "channels.yaml:10:64: An attempt may take more than nothing and at most 60 seconds.",
        ])
  }

  @Test("an entry with a wrong account is still read by its type, and is not blamed for the account's faults")
  func brokenAccount() throws {
    #expect(
      try problems(
        """
        accounts: [{ id: main, accountSID: AC1 }]
        channels: [{ id: sms, type: sms, from: [x-x] }, { id: w, type: whatsapp, account: other, from: ["+14155238886"] }]
        """) == [
          "channels.yaml:1:36: accountSID must be AC and 32 hexadecimal digits, or `sandbox`",
          "channels.yaml:2:83: account `other` is not among accounts (`main`)",
        ])
  }
}
