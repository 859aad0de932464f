// The table of departures: who keeps a message until when.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("Departures")
struct DepartureTests {
  /// In the night of the fixture, whose hours end at 08:00.
  private static let night = Timestamp(seconds: 1_780_000_000 / 86_400 * 86_400 + 2 * 3_600)
  private static let morning = night + .seconds(6 * 3_600)
  private static let noon = night + .seconds(10 * 3_600)
  private static let hours = QuietHours(from: 21 * 60, to: 8 * 60)

  @Test("without quiet hours a message leaves at once, or when it was asked to; its validity counts from then")
  func plain() {
    #expect(DepartureCase(now: Self.night).decided() == Departure())
    #expect(
      DepartureCase(now: Self.night, requestedAt: Self.noon, validFor: 60).decided()
        == Departure(scheduledAt: Self.noon, expiresAt: Self.noon + .seconds(60)))
    #expect(
      DepartureCase(now: Self.night, validFor: 60).decided() == Departure(expiresAt: Self.night + .seconds(60)))
  }

  @Test("a provider that keeps messages is given them at once")
  func handedOver() {
    var known = DepartureCase(now: Self.night, requestedAt: Self.noon)
    known.canSchedule = { $0 == Self.noon }
    #expect(known.decided() == Departure(scheduledAt: Self.noon, runAt: Self.night))
    known.requestedAt = Self.morning
    #expect(known.decided() == Departure(scheduledAt: Self.morning))
    // What waits for its contact stays here.
    known.requestedAt = Self.noon
    known.holdFor = .seconds(60)
    #expect(known.decided() == Departure(scheduledAt: Self.noon, expiresAt: Self.noon + .seconds(60)))
  }

  @Test("what falls into quiet hours leaves when they end, and its validity does not wait")
  func quiet() {
    let kept = DepartureCase(now: Self.night, validFor: 3_600, quietHours: Self.hours).decided()
    #expect(
      kept == Departure(scheduledAt: Self.morning, expiresAt: Self.night + .seconds(3_600), quietZone: "UTC"))
    let asked = DepartureCase(now: Self.noon - .seconds(86_400), requestedAt: Self.night, quietHours: Self.hours)
    #expect(asked.decided() == Departure(scheduledAt: Self.morning, quietZone: "UTC"))
    // By day its turn may still come in the night: its sender looks.
    #expect(DepartureCase(now: Self.noon, quietHours: Self.hours).decided() == Departure(quietZone: "UTC"))
    var elsewhere = DepartureCase(now: Self.night, quietHours: Self.hours)
    elsewhere.zone = "Asia/Tokyo"
    #expect(elsewhere.decided() == Departure(quietZone: "Asia/Tokyo"))
  }

  @Test("answers and codes pass; answers only as long as they are some, and where the channel lets them")
  func passing() {
    func leaves(_ change: (inout DepartureCase) -> Void) -> Timestamp? {
      var known = DepartureCase(now: Self.night, quietHours: Self.hours)
      change(&known)
      return known.decided().scheduledAt
    }
    #expect(leaves { $0.lastInboundAt = Self.night - .seconds(29 * 60) } == nil)
    #expect(leaves { $0.lastInboundAt = Self.night - .seconds(31 * 60) } == Self.morning)
    #expect(
      leaves {
        $0.lastInboundAt = Self.night - .seconds(60)
        $0.quietHours?.repliesPass = false
      } == Self.morning)
    #expect(leaves { $0.isAuthentication = true } == nil)
  }

  @Test("a message held for its contact leaves as the answer; where answers wait, its sender looks at the hours")
  func held() {
    var known = DepartureCase(now: Self.night, holdFor: .seconds(86_400), quietHours: Self.hours)
    let end = Self.night + .seconds(86_400)
    #expect(known.decided() == Departure(expiresAt: end))
    known.quietHours?.repliesPass = false
    #expect(known.decided() == Departure(expiresAt: end, quietZone: "UTC"))
    known.validFor = 60
    #expect(known.decided().expiresAt == Self.night + .seconds(60))
  }
}
