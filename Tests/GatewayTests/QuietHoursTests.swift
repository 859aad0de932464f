// When a channel is quiet, for whom, and what that does to a message.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("Quiet hours")
struct QuietHoursTests {
  private static let night = QuietHours(from: 21 * 60, to: 8 * 60)

  private static func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

  @Test(
    "they end at the hour of the contact's own clock, also where the clocks are changed in between",
    arguments: [
      // Berlin: winter UTC+1, summer UTC+2; changed on 2026-03-29 and 2026-10-25 at 01:00 UTC.
      ("2026-02-10T19:59:59Z", "Europe/Berlin", nil), ("2026-02-10T20:00:00Z", "Europe/Berlin", "2026-02-11T07:00:00Z"),
      ("2026-02-11T06:59:59Z", "Europe/Berlin", "2026-02-11T07:00:00Z"), ("2026-02-11T07:00:00Z", "Europe/Berlin", nil),
      ("2026-03-28T22:00:00Z", "Europe/Berlin", "2026-03-29T06:00:00Z"),
      ("2026-03-29T00:59:59Z", "Europe/Berlin", "2026-03-29T06:00:00Z"),
      ("2026-03-29T01:00:00Z", "Europe/Berlin", "2026-03-29T06:00:00Z"),
      ("2026-10-24T22:00:00Z", "Europe/Berlin", "2026-10-25T07:00:00Z"),
      ("2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25T07:00:00Z"),
      ("2026-10-25T01:30:00Z", "Europe/Berlin", "2026-10-25T07:00:00Z"),
      // New York changes on other days; Kolkata is half an hour off, and never changes.
      ("2026-03-08T04:00:00Z", "America/New_York", "2026-03-08T12:00:00Z"),
      ("2026-11-01T04:00:00Z", "America/New_York", "2026-11-01T13:00:00Z"),
      ("2026-06-01T15:29:59Z", "Asia/Kolkata", nil), ("2026-06-01T15:30:00Z", "Asia/Kolkata", "2026-06-02T02:30:00Z"),
      ("1969-12-31T23:00:00Z", "UTC", "1970-01-01T08:00:00Z"),
    ] as [(String, String, String?)])
  func ends(at time: String, zone: String, expected: String?) throws {
    #expect(Self.night.end(at: try Self.time(time), in: zone) == (try expected.map(Self.time)))
  }

  @Test("an end that a change of the clocks leaves out, or has twice, is found all the same")
  func strangeHours() throws {
    let short = QuietHours(from: 60, to: 150)
    // 02:30 does not exist in Berlin on 2026-03-29: half an hour after the change.
    let gap = try #require(short.end(at: try Self.time("2026-03-29T00:30:00Z"), in: "Europe/Berlin"))
    #expect(gap == (try Self.time("2026-03-29T01:30:00Z")))
    #expect(short.end(at: gap, in: "Europe/Berlin") == nil)
    // It is there twice on 2026-10-25: each time is an end.
    let first = try #require(short.end(at: try Self.time("2026-10-25T00:00:00Z"), in: "Europe/Berlin"))
    #expect(first == (try Self.time("2026-10-25T00:30:00Z")))
    let second = try #require(short.end(at: try Self.time("2026-10-25T01:10:00Z"), in: "Europe/Berlin"))
    #expect(second == (try Self.time("2026-10-25T01:30:00Z")))
  }

  @Test("hours within one day are quiet, and nothing around them")
  func noon() throws {
    let noon = QuietHours(from: 12 * 60, to: 13 * 60)
    #expect(noon.end(at: try Self.time("2026-06-01T11:59:59Z"), in: "UTC") == nil)
    #expect(noon.end(at: try Self.time("2026-06-01T12:30:00Z"), in: "UTC") == (try Self.time("2026-06-01T13:00:00Z")))
    #expect(noon.end(at: try Self.time("2026-06-01T13:00:00Z"), in: "UTC") == nil)
  }

  @Test(
    "a number tells the time zone where its country or area has but one",
    arguments: [
      ("+4915112345678", "Europe/Berlin"), ("+447700900123", "Europe/London"), ("+819012345678", "Asia/Tokyo"),
      ("+919812345678", "Asia/Kolkata"), ("+5511987654321", "America/Sao_Paulo"), ("+5592987654321", "America/Manaus"),
      ("+77012345678", "Asia/Almaty"), ("+3530861234567", "Europe/Dublin"), ("+12125550100", "America/New_York"),
      ("+13125550100", "America/Chicago"), ("+13035550100", "America/Denver"), ("+16025550100", "America/Phoenix"),
      ("+14155550100", "America/Los_Angeles"), ("+19075550100", "America/Anchorage"),
      ("+18085550100", "Pacific/Honolulu"), ("+16045550100", "America/Vancouver"), ("+17095550100", "America/St_Johns"),
    ])
  func numbers(number: String, zone: String) {
    #expect(PhoneTimeZones.zone(of: number) == zone)
    #expect(QuietHours.isZone(zone))
  }

  @Test(
    "a number that does not tell leaves it to the fallback",
    arguments: [
      "+79161234567", "+61412345678", "+525512345678", "+34612345678", "+18005550100", "+18505550100", "US.134912",
    ])
  func ambiguous(number: String) {
    #expect(PhoneTimeZones.zone(of: number) == nil)
  }

  @Test("every zone of the tables is one that this system knows")
  func tables() {
    for number in [
      "201", "313", "416", "205", "204", "306", "303", "403", "480", "206", "604", "907", "808", "902", "506", "709",
      "787",
    ] {
      let zone = NorthAmericanAreas.zone(of: number[...])
      #expect(zone.map(QuietHours.isZone) ?? false, "\(number)")
    }
    for code in 1...999 {
      guard let zone = PhoneTimeZones.zone(of: "+\(code)0000000") else { continue }
      #expect(QuietHours.isZone(zone), "\(zone) of +\(code)")
    }
  }

  @Test("the contact's attribute goes before the number, the channel's own zone before both; a bad one is passed over")
  func order() {
    var hours = Self.night
    hours.fallback = "Asia/Tokyo"
    #expect(hours.zone(attribute: "America/Lima", address: "+491511234567") == "America/Lima")
    #expect(hours.zone(attribute: "Berlin", address: "+491511234567") == "Europe/Berlin")
    #expect(hours.zone(attribute: "CEST", address: "+79161234567") == "Asia/Tokyo")
    #expect(hours.zone(attribute: nil, address: "2000000000000002") == "Asia/Tokyo")
    hours.timeZone = "Europe/Paris"
    #expect(hours.zone(attribute: "America/Lima", address: "+491511234567") == "Europe/Paris")
  }
}
