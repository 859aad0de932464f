// `quietHours` and `reconcile` in channels.yaml: what is wrong is told at its place.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("Quiet hours and reconciliation in the configuration")
struct QuietHoursConfigurationTests {
  private static func channel(_ options: String) -> String {
    ConfigurationFixture.accounts
      + "channels:\n  - id: sms\n    type: sms\n    from: ['+15005550006']\n    \(options)\n"
  }

  @Test("what is right is read, with its defaults")
  func right() throws {
    let contact = try ConfigurationFixture.parse(
      Self.channel(#"quietHours: { from: "21:00", to: "08:00", fallback: Europe/Berlin }"#)
    ).channels[0].quietHours
    #expect(contact == QuietHours(from: 21 * 60, to: 8 * 60, fallback: "Europe/Berlin"))
    let fixed = try ConfigurationFixture.parse(
      Self.channel(
        #"quietHours: { from: "12:30", to: "14:00", timeZone: UTC, repliesPass: false, repliesWithin: 5m }"#)
    ).channels[0].quietHours
    #expect(
      fixed
        == QuietHours(
          from: 750, to: 840, timeZone: "UTC", repliesPass: false, repliesWithin: .seconds(300)))
    #expect(try ConfigurationFixture.parse(Self.channel("mps: 1")).channels[0].quietHours == nil)
  }

  @Test(
    "what is wrong is told with its line and column",
    arguments: [
      (
        #"{ from: "9", to: "08:00", timeZone: UTC }"#,
        #"channels.yaml:6:25: from must be a time of day such as "21:00", not "9""#
      ),
      (
        #"{ from: "21:00", to: "24:00", timeZone: UTC }"#,
        #"channels.yaml:6:38: to must be a time of day such as "21:00", not "24:00""#
      ),
      (
        #"{ from: "21:00", to: "21:00", timeZone: UTC }"#,
        "channels.yaml:6:38: quietHours must not end when they begin"
      ),
      (
        #"{ from: "21:00", to: "08:00", timeZone: Berlin }"#,
        #"channels.yaml:6:57: timeZone must be `contact` or a time zone such as Europe/Berlin, not "Berlin""#
      ),
      (
        #"{ from: "21:00", to: "08:00", fallback: Europe/Berlni }"#,
        #"channels.yaml:6:57: fallback must be a time zone such as Europe/Berlin, not "Europe/Berlni""#
      ),
      (
        #"{ from: "21:00", to: "08:00" }"#,
        "channels.yaml:6:17: quietHours in the contact's time zone need a `fallback` for contacts whose own is not known"
      ),
      (
        #"{ from: "21:00", to: "08:00", timeZone: UTC, fallback: UTC }"#,
        "channels.yaml:6:62: fallback has no effect beside a timeZone of the channel's"
      ),
      (#"{ from: "21:00", timeZone: UTC }"#, "channels.yaml:6:17: key `to` is missing"),
      (
        #"{ from: "21:00", until: "08:00", to: "08:00", timeZone: UTC }"#,
        "channels.yaml:6:34: unknown key `until`"
      ),
    ])
  func wrong(options: String, line: String) {
    let lines = ConfigurationFixture.errors(Self.channel("quietHours: \(options)"))
    #expect(lines.count == 1 && lines[0].hasPrefix(line), "\(lines)")
  }

  @Test("an account says how often its messages are compared, and how far back")
  func reconciliation() throws {
    func errors(_ options: String) -> [String] {
      ConfigurationFixture.errors(
        "accounts: [{ id: main, accountSID: sandbox, reconcile: \(options) }]\n" + ConfigurationFixture.channels)
    }
    let read = try ConfigurationFixture.parse(
      "accounts: [{ id: main, accountSID: sandbox, reconcile: { every: 5m, lookBack: 2d } }]\n"
        + ConfigurationFixture.channels)
    #expect(
      read.accounts[0].reconciliation
        == ReconciliationPolicy(every: .seconds(300), lookBack: .seconds(2 * 86_400)))
    let plain = try ConfigurationFixture.parse(ConfigurationFixture.accounts + ConfigurationFixture.channels)
    #expect(plain.accounts[0].reconciliation == ReconciliationPolicy())
    #expect(errors("{ every: 0s }").isEmpty)
    #expect(errors("{ every: 1s }") == ["channels.yaml:1:65: every must be 10s at least, or 0s"])
    #expect(errors("{ lookBack: 31d }") == ["channels.yaml:1:68: lookBack must be longer than 0 and 30d at most"])
    #expect(errors("{ every: soon }").count == 1)
  }
}
