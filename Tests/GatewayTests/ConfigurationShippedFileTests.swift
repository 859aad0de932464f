// The file that is shipped, as people start with it.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

@Suite("the shipped channels.yaml works")
struct ConfigurationShippedFileTests {
  static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "channels.yaml").path

  static func load(_ environment: [String: String]) throws -> GatewayConfiguration {
    try GatewayConfiguration.load(path: path, environment: environment, schema: ConfigurationFixture.schema)
  }

  @Test("with nothing set it is a sandbox with a private database")
  func empty() throws {
    let configuration = try Self.load([:])
    #expect(configuration.server == .init(host: "0.0.0.0", port: 3_000, publicURL: nil))
    #expect(configuration.database == .embedded)
    #expect(configuration.accounts.map(\.accountSID) == [nil])
    #expect(configuration.accounts[0].authTokens == [])
    #expect(configuration.channels.map(\.id) == ["sms", "mms", "whatsapp"])
    #expect(configuration.channels.map(\.type) == ["sms", "mms", "whatsapp"])
    #expect(configuration.channels[0].options["from"]?.list?.first?.string == "+15005550006")
    #expect(configuration.sinks.map(\.type) == ["log", "websocket", "webhook"])
    #expect(configuration.limits == .init(requestsPerSecond: 100, burst: 200))
    #expect(configuration.media.store == .database)
  }

  @Test("every variable has its place")
  func full() throws {
    let configuration = try Self.load([
      "HOST": "::1", "PORT": "8080", "APP_URL": "https://sms.example.com/", "DATABASE_URL": "postgres:///fractal",
      "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef", "TWILIO_AUTH_TOKEN": "token",
      "TWILIO_BASE_URL": "http://127.0.0.1:4010", "TWILIO_PHONE_NUMBER": "+15551234567",
      "TWILIO_WHATSAPP_NUMBER": "whatsapp:+15557654321", "WEBHOOK_ALLOW": "127.0.0.0/8", "RATE_LIMIT": "0",
    ])
    #expect(configuration.server == .init(host: "::1", port: 8_080, publicURL: "https://sms.example.com"))
    #expect(configuration.database == .url(Secret("postgres:///fractal")))
    #expect(
      configuration.accounts.map(\.account) == [
        Account(
          id: "main", accountSID: "AC0123456789abcdef0123456789abcdef", authTokens: [Secret("token")],
          baseURL: "http://127.0.0.1:4010")
      ])
    let numbers = configuration.channels.map { $0.options["from"]?.list?.first?.string }
    #expect(numbers == ["+15551234567", "+15551234567", "whatsapp:+15557654321"])
    #expect(configuration.sinks[2].options["allow"]?.list?.map(\.string) == ["127.0.0.0/8"])
    #expect(configuration.limits.requestsPerSecond == 0)
  }

  @Test("an account SID without a token is an error at the tokens")
  func tokenMissing() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try Self.load(["TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef"])
    }
    #expect(
      error.problems.map(\.message) == ["account `main` has an accountSID but no auth token: authTokens is empty"])
    #expect(error.problems.first?.position == SourcePosition(line: 17, column: 17))
  }
}
