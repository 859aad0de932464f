// An instant as integer microseconds, and its RFC 3339 form; Foundation's formatters are too slow for the hot path.

/// An instant in UTC: microseconds since 1970-01-01T00:00:00Z, as PostgreSQL keeps it.
public struct Timestamp: Hashable, Sendable, Comparable {
  public var microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }

  public init(seconds: Int64) { self.init(microseconds: seconds * 1_000_000) }

  public static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

  public static func + (left: Self, right: Duration) -> Self {
    Self(microseconds: left.microseconds + right.wholeMicroseconds)
  }

  public static func - (left: Self, right: Duration) -> Self {
    Self(microseconds: left.microseconds - right.wholeMicroseconds)
  }

  public static func - (left: Self, right: Self) -> Duration {
    .microseconds(left.microseconds - right.microseconds)
  }

  /// Appends `YYYY-MM-DDTHH:MM:SS.mmmZ`; the microseconds below a millisecond are cut off.
  public func append(to bytes: inout [UInt8]) {
    bytes.append(room: Self.length) { write(to: &$0) }
  }

  /// How many characters the RFC 3339 form has.
  static let length = 24

  @inline(__always)
  func write(to cursor: inout ByteCursor) {
    let milliseconds = floorDivide(microseconds, 1_000)
    let seconds = floorDivide(milliseconds, 1_000)
    let days = floorDivide(seconds, 86_400)
    let civil = CivilDate(daysSince1970: days)
    let secondOfDay = Int(seconds - days * 86_400)
    let millisecond = Int(milliseconds - seconds * 1_000)
    let year = Int(civil.year.magnitude % 10_000)
    cursor.put(twoDigits: year / 100)
    cursor.put(twoDigits: year % 100)
    cursor.put("-")
    cursor.put(twoDigits: Int(civil.month))
    cursor.put("-")
    cursor.put(twoDigits: Int(civil.day))
    cursor.put("T")
    cursor.put(twoDigits: secondOfDay / 3_600)
    cursor.put(":")
    cursor.put(twoDigits: secondOfDay / 60 % 60)
    cursor.put(":")
    cursor.put(twoDigits: secondOfDay % 60)
    cursor.put(".")
    cursor.put(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: millisecond / 100))
    cursor.put(twoDigits: millisecond % 100)
    cursor.put("Z")
  }

  /// Reads RFC 3339 (section 5.6): `T` or a blank between date and time, any fraction, `Z` or an offset.
  public init?(rfc3339 text: some StringProtocol) {
    var reader = DigitReader(Array(text.utf8))
    guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
      let day = reader.number(2), (1...12).contains(month), (1...31).contains(day),
      reader.skip("T") || reader.skip("t") || reader.skip(" "),
      let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2), reader.skip(":"),
      let second = reader.number(2), hour < 24, minute < 60, second <= 60
    else { return nil }
    let days = CivilDate.daysSince1970(year: year, month: month, day: day)
    guard CivilDate(daysSince1970: days).day == day else { return nil }
    var fraction: Int64 = 0
    if reader.skip(".") {
      var scale: Int64 = 100_000
      guard let first = reader.number(1) else { return nil }
      fraction = first * scale
      while let digit = reader.number(1) {
        scale /= 10
        fraction += digit * scale
      }
    }
    var offset: Int64 = 0
    if !(reader.skip("Z") || reader.skip("z")) {
      let sign: Int64
      if reader.skip("+") { sign = 1 } else if reader.skip("-") { sign = -1 } else { return nil }
      guard let hours = reader.number(2), reader.skip(":"), let minutes = reader.number(2), hours < 24, minutes < 60
      else { return nil }
      offset = sign * (hours * 60 + minutes) * 60
    }
    guard reader.isAtEnd else { return nil }
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
    // An offset, or a leap second, may lead out of the four-digit years: there is no writing such a time.
    guard (0...9_999).contains(CivilDate(daysSince1970: floorDivide(seconds, 86_400)).year) else { return nil }
    self.init(microseconds: seconds * 1_000_000 + fraction)
  }
}

extension Timestamp: CustomStringConvertible {
  public var description: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(24)
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension Duration {
  /// The duration in microseconds, cut off below one.
  public var wholeMicroseconds: Int64 {
    components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
  }

  /// The duration in seconds.
  public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// A day of the proleptic Gregorian calendar (after Howard Hinnant's `civil_from_days`).
private struct CivilDate {
  let year: Int64
  let month: Int64
  let day: Int64

  init(daysSince1970: Int64) {
    let shifted = daysSince1970 + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = floorDivide(shiftedYear, 400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}

private func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
  value >= 0 ? value / divisor : (value - divisor + 1) / divisor
}

private struct DigitReader {
  let bytes: [UInt8]
  var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func number(_ digits: Int) -> Int64? {
    guard position + digits <= bytes.count else { return nil }
    var value: Int64 = 0
    for offset in 0..<digits {
      let byte = bytes[position + offset]
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    position += digits
    return value
  }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }
}
