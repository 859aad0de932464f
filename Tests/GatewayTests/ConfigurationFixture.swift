// What the tests of the configuration share: types of channels and sinks, and a file that is right.

import ChannelProtocol

@testable import Gateway

enum ConfigurationFixture {
  /// Keys of every kind, in the likeness of the adapters that are shipped.
  static let schema = ConfigurationSchema(
    channelTypes: [
      "sms": [
        ConfigurationKey("from", .list(.string), "Our numbers."),
        ConfigurationKey("messagingService", .string, "Or a messaging service."),
        ConfigurationKey("mps", .number(0.01...1_000), "Segments a second."),
        ConfigurationKey(
          "optOut", .object([ConfigurationKey("refuse", .boolean, "Send nothing to who said STOP.")]), "Opt-outs."),
      ],
      "mms": [ConfigurationKey("from", .list(.string), "Our numbers.")],
      "whatsapp": [
        ConfigurationKey("from", .list(.string), required: true, "Our numbers."),
        ConfigurationKey(
          "window",
          .object([
            ConfigurationKey("policy", .choice(["reject", "template", "hold"]), required: true, "Outside of it."),
            ConfigurationKey("template", .string, "HX…"),
          ]), "The 24 hours."),
      ],
    ],
    sinkTypes: [
      "log": [ConfigurationKey("fields", .choice(["summary", "full"]), "How much.")],
      "websocket": [ConfigurationKey("pingInterval", .duration, "Between pings.")],
      "webhook": [
        ConfigurationKey("allow", .list(.string), "Networks."),
        ConfigurationKey("retry", .list(.duration), "The schedule."),
        ConfigurationKey("concurrency", .integer(1...1_024), "At once."),
        ConfigurationKey("headers", .dictionary(.string), secret: true, "Sent along."),
      ],
    ])

  static let accounts = "accounts: [{ id: main, accountSID: sandbox }]\n"
  static let channels = "channels: [{ id: sms, type: sms, account: main, from: ['+15005550006'] }]\n"

  static func parse(
    _ yaml: String, _ environment: [String: String] = [:]
  ) throws(ConfigurationError) -> GatewayConfiguration {
    try GatewayConfiguration.parse(yaml, file: "channels.yaml", environment: environment, schema: schema)
  }

  /// The lines of the error that a file makes; empty: it is right.
  static func errors(_ yaml: String, _ environment: [String: String] = [:]) -> [String] {
    do {
      _ = try parse(yaml, environment)
      return []
    } catch {
      return error.lines
    }
  }

  /// The lines for a file that begins with a right account and a right channel, on lines 1 and 2.
  static func errors(after rest: String, _ environment: [String: String] = [:]) -> [String] {
    errors(accounts + channels + rest, environment)
  }
}
