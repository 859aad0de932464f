// A moment as microseconds since 1970, with the three ways in which Twilio writes and reads one.

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A moment in UTC.
public struct UTCTime: Sendable, Hashable, Comparable {
  /// Microseconds since 1970-01-01T00:00:00Z.
  public var microseconds: Int64

  public init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  /// The wall clock's time.
  public static var now: UTCTime {
    UTCTime(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000))
  }

  public static func < (left: UTCTime, right: UTCTime) -> Bool { left.microseconds < right.microseconds }

  public static func + (time: UTCTime, duration: Duration) -> UTCTime {
    UTCTime(microseconds: time.microseconds + duration.microseconds)
  }

  /// Whole seconds since 1970, rounded down.
  var seconds: Int64 { floorDivide(microseconds, 1_000_000) }

  /// Days since 1970, rounded down.
  var day: Int64 { floorDivide(seconds, 86400) }

  /// As the REST API writes dates: `Wed, 30 Sep 2026 15:42:01 +0000`.
  public var rfc2822: String {
    let civil = civilDate
    let clock = seconds - day * 86400
    let weekday = Self.weekdays[Int(((day % 7) + 11) % 7)]
    return "\(weekday), \(pad(civil.day)) \(Self.months[civil.month - 1]) \(civil.year) "
      + "\(pad(Int(clock / 3600))):\(pad(Int(clock / 60 % 60))):\(pad(Int(clock % 60))) +0000"
  }

  /// As the Content API writes dates: `2026-09-30T15:42:01Z`.
  var iso8601: String {
    let civil = civilDate
    let clock = seconds - day * 86400
    return "\(civil.year)-\(pad(civil.month))-\(pad(civil.day))T"
      + "\(pad(Int(clock / 3600))):\(pad(Int(clock / 60 % 60))):\(pad(Int(clock % 60)))Z"
  }

  /// As carriers write delivery receipts (`RawDlrDoneDate`): `YYMMDDhhmm`.
  var carrierDate: String {
    let civil = civilDate
    let clock = seconds - day * 86400
    return pad(civil.year % 100) + pad(civil.month) + pad(civil.day) + pad(Int(clock / 3600))
      + pad(Int(clock / 60 % 60))
  }

  /// Reads `YYYY-MM-DD`, or a date and time with `T` or a blank between and an optional fraction, in UTC.
  ///
  /// - Returns: the moment and whether the text named a whole day; nil for anything else.
  static func parse(_ text: String) -> (time: UTCTime, isDay: Bool)? {
    var text = text.utf8[...]
    guard let year = number(&text, 4), skip(&text, "-"), let month = number(&text, 2), skip(&text, "-"),
      let day = number(&text, 2), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let midnight = daysFromCivil(year: year, month: month, day: day) * 86400
    if text.isEmpty { return (UTCTime(microseconds: midnight * 1_000_000), true) }
    guard skip(&text, "T") || skip(&text, " "), let hour = number(&text, 2), skip(&text, ":"),
      let minute = number(&text, 2), hour < 24, minute < 60
    else { return nil }
    let second = skip(&text, ":") ? number(&text, 2) : 0
    guard let second, second < 61 else { return nil }
    if skip(&text, ".") { text = text.drop { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
    guard text.isEmpty || String(text) == "Z" || String(text) == "+00:00" || String(text) == "+0000" else {
      return nil
    }
    let seconds = midnight + Int64(hour * 3600 + minute * 60 + second)
    return (UTCTime(microseconds: seconds * 1_000_000), false)
  }

  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  private func pad(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  // Both directions of the proleptic Gregorian calendar: Howard Hinnant, "chrono-compatible low-level date algorithms".
  private var civilDate: (year: Int, month: Int, day: Int) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), Int(month), Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    )
  }

  private static func daysFromCivil(year: Int, month: Int, day: Int) -> Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int64(era * 146_097 + dayOfEra - 719_468)
  }

  private static func number(_ text: inout Substring.UTF8View, _ digits: Int) -> Int? {
    guard text.count >= digits else { return nil }
    var value = 0
    for byte in text.prefix(digits) {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    text = text.dropFirst(digits)
    return value
  }

  private static func skip(_ text: inout Substring.UTF8View, _ character: Unicode.Scalar) -> Bool {
    guard text.first == UInt8(ascii: character) else { return false }
    text = text.dropFirst()
    return true
  }
}

private func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
  let quotient = dividend / divisor
  return dividend % divisor < 0 ? quotient - 1 : quotient
}

extension Duration {
  /// Whole microseconds.
  var microseconds: Int64 {
    components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
  }
}
