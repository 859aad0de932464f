// Instants and their RFC 3339 form.

import ChannelProtocol
import Foundation
import Testing

@Suite("Timestamp")
struct TimestampTests {
  @Test(
    "known instants are written as the API promises",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1_234, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
      (951_827_696_789_000, "2000-02-29T12:34:56.789Z"), (1_709_164_800_000_000, "2024-02-29T00:00:00.000Z"),
      (4_102_444_799_999_999, "2099-12-31T23:59:59.999Z"), (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
      (-62_135_596_800_000_000, "0001-01-01T00:00:00.000Z"), (253_402_300_799_000_000, "9999-12-31T23:59:59.000Z"),
    ] as [(Int64, String)])
  func written(microseconds: Int64, text: String) {
    let time = Timestamp(microseconds: microseconds)
    #expect(time.description == text)
    // Cut off below the millisecond, never rounded up.
    let read = Timestamp(rfc3339: text)
    #expect(read.map { (Duration.zero..<Duration.milliseconds(1)).contains(time - $0) } == true)
  }

  @Test("what is written is read back, for any instant, and agrees with Foundation's calendar")
  func roundTrip() throws {
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    for _ in 0..<2_000 {
      let milliseconds = Int64.random(in: -60_000_000_000_000...250_000_000_000_000)
      let time = Timestamp(microseconds: milliseconds * 1_000)
      #expect(Timestamp(rfc3339: time.description) == time)
      let date = Date(timeIntervalSince1970: Double(milliseconds / 1_000))
      if milliseconds > 0 {
        #expect(time.description.prefix(19) == date.formatted(style).prefix(19))
      }
    }
  }

  @Test(
    "leap years are the Gregorian calendar's", arguments: [(2000, true), (1900, false), (2024, true), (2023, false)])
  func leapYears(year: Int, isLeap: Bool) {
    #expect((Timestamp(rfc3339: "\(year)-02-29T00:00:00Z") != nil) == isLeap)
    let last = Timestamp(rfc3339: "\(year)-02-28T23:59:59Z")
    let first = Timestamp(rfc3339: "\(year)-03-01T00:00:00Z")
    #expect(last.map { $0 + .seconds(isLeap ? 86_401 : 1) } == first)
  }

  @Test(
    "every form that RFC 3339 allows is read",
    arguments: [
      ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"), ("2026-01-02t03:04:05z", "2026-01-02T03:04:05.000Z"),
      ("2026-01-02 03:04:05Z", "2026-01-02T03:04:05.000Z"), ("2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.100Z"),
      ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123Z"),
      ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.000Z"),
      ("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05.000Z"),
      ("2026-01-02T03:04:05+05:45", "2026-01-01T21:19:05.000Z"),
      ("2025-12-31T23:30:00-01:00", "2026-01-01T00:30:00.000Z"),
      ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
    ])
  func accepted(text: String, meaning: String) {
    #expect(Timestamp(rfc3339: text)?.description == meaning)
  }

  @Test(
    "anything else is refused",
    arguments: [
      "", "2026", "2026-01-02", "2026-01-02T03:04Z", "2026-01-02T03:04:05", "2026-1-2T03:04:05Z",
      "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
      "2026-04-31T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:60:00Z", "2026-01-02T03:04:61Z",
      "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05+0100", "2026-01-02T03:04:05+24:00",
      "2026-01-02T03:04:05+01:60", "2026-01-02T03:04:05Z ", " 2026-01-02T03:04:05Z", "2026-01-02T03:04:05ZZ",
      "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z", "0000-01-01T00:00:00+00:01", "+026-01-02T03:04:05Z",
      "2026-01-02T03:04:05.1.2Z", "２026-01-02T03:04:05Z",
    ])
  func refused(text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test("instants and durations add up")
  func arithmetic() {
    let time = Timestamp(seconds: 10)
    #expect(time + .milliseconds(1_500) == Timestamp(microseconds: 11_500_000))
    #expect(time - Duration.seconds(11) == Timestamp(seconds: -1))
    #expect(time - Timestamp(seconds: 4) == .seconds(6))
    #expect(Timestamp(seconds: 1) < Timestamp(microseconds: 1_000_001))
    #expect(Duration.nanoseconds(-1_500).wholeMicroseconds == -1)
    #expect(Duration.milliseconds(1_250).inSeconds == 1.25)
  }
}
